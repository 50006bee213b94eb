// Judges a history: which anomalies of Adya's it shows, and by which transactions.
//
//   G0        a cycle of overwriting
//   G1a       a read of what was rolled back
//   G1b       a read of what its writer had not finished
//   G1c       a cycle of overwriting and reading
//   G-single  a cycle in which exactly one read was overwritten
//   G2        a cycle in which several were
//
// A cycle that takes real time to close it has that in its name. Besides: reads that contradict each other, what a
// transaction sees of itself, and appends that are gone.

import { Graph, type Edge, type EdgeKind } from './cycles.js';
import { dataEdges, realtimeEdges } from './dependencies.js';
import type { History, Operation, Transaction } from './history.js';
import { happened, listsOf, type Lists } from './lists.js';

export const CYCLES = ['G0', 'G1c', 'G-single', 'G2'] as const;
export type CycleName = (typeof CYCLES)[number] | `${(typeof CYCLES)[number]}-realtime`;
export type AnomalyName =
  CycleName | 'G1a' | 'G1b' | 'duplicate' | 'unknown value' | 'incompatible order' | 'internal' | 'lost append';

export interface Anomaly {
  readonly name: AnomalyName;
  readonly transactions: readonly number[];
  readonly what: string;
}

export function anomaliesOf(history: History): Anomaly[] {
  const lists = listsOf(history);
  const happenedTransactions = history.transactions.filter(happened(lists));
  const data = dataEdges(happenedTransactions, lists);
  const cycles = cyclesOf(data, '');
  return [
    ...happenedTransactions.flatMap((transaction) => readAnomalies(transaction, lists)),
    ...[...history.final].flatMap(([key, values]) => listAnomalies(key, values, undefined, lists)),
    ...lostAppends(happenedTransactions, history),
    ...cycles,
    // What is wrong without a clock is wrong with one too: it need not be said twice.
    ...(cycles.length > 0 ? [] : cyclesOf([...data, ...realtimeEdges(happenedTransactions)], '-realtime')),
  ];
}

function readAnomalies(transaction: Transaction, lists: Lists): Anomaly[] {
  return [
    ...transaction.operations.flatMap((operation) =>
      operation.kind === 'read' ? listAnomalies(operation.key, operation.values, transaction, lists) : [],
    ),
    ...internalAnomalies(transaction),
  ];
}

/** What one list that somebody saw shows by itself; `reader` is undefined for the last look at it. */
function listAnomalies(
  key: number,
  values: readonly number[],
  reader: Transaction | undefined,
  { writers, orders, overwrittenBy }: Lists,
): Anomaly[] {
  const found = (name: AnomalyName, what: string, writer?: Transaction): Anomaly => ({
    name,
    transactions: [...(reader === undefined ? [] : [reader.id]), ...(writer === undefined ? [] : [writer.id])],
    what: `list ${key}: ${what}`,
  });
  const anomalies: Anomaly[] = [];
  if (new Set(values).size < values.length) anomalies.push(found('duplicate', `[${values.join(' ')}]`));
  const order = orders.get(key) ?? [];
  if (values.some((value, index) => value !== order[index])) {
    anomalies.push(found('incompatible order', `[${values.join(' ')}] and [${order.join(' ')}]`));
  }
  for (const value of values) {
    const writer = writers.get(value);
    if (writer === undefined) anomalies.push(found('unknown value', `${value} was never appended`));
    else if (writer.told === 'aborted') anomalies.push(found('G1a', `${value} was rolled back`, writer));
  }
  const last = values.at(-1) ?? NaN;
  const writer = writers.get(last);
  const next = overwrittenBy.get(last);
  if (writer !== undefined && writer !== reader && next !== undefined) {
    anomalies.push(found('G1b', `${last} was seen without ${next} of the same transaction`, writer));
  }
  return anomalies;
}

/** A transaction sees what it has seen, and what it has appended since, and nothing else. */
function internalAnomalies({ id, operations }: Transaction): Anomaly[] {
  const known = new Map<number, readonly number[]>();
  const appended = new Map<number, readonly number[]>();
  return operations.flatMap((operation: Operation): Anomaly[] => {
    const { key } = operation;
    const own = appended.get(key) ?? [];
    if (operation.kind === 'append') {
      appended.set(key, [...own, operation.value]);
      return [];
    }
    const { values } = operation;
    const before = known.get(key);
    const expected = [...(before ?? values.slice(0, Math.max(values.length - own.length, 0))), ...own];
    known.set(key, values);
    appended.set(key, []);
    if (expected.join() === values.join()) return [];
    const what = `list ${key}: [${values.join(' ')}] instead of [${expected.join(' ')}]`;
    return [{ name: 'internal', transactions: [id], what }];
  });
}

/** Of what was acknowledged everything is in the last look at the lists; of what happened at all, all or nothing. */
function lostAppends(transactions: readonly Transaction[], { final }: History): Anomaly[] {
  const there = new Set([...final.values()].flat());
  return transactions.flatMap(({ id, operations }) => {
    const lost = operations.flatMap((operation) =>
      operation.kind === 'append' && !there.has(operation.value) ? [operation] : [],
    );
    if (lost.length === 0) return [];
    const what = lost.map(({ key, value }) => `${value} of list ${key}`).join(', ');
    return [{ name: 'lost append', transactions: [id], what }];
  });
}

/** One cycle for each component of the graph, the most severe that it has. */
function cyclesOf(edges: readonly Edge[], suffix: '' | '-realtime'): Anomaly[] {
  const time: readonly EdgeKind[] = suffix === '' ? [] : ['realtime'];
  const graph = new Graph(edges);
  return graph.components().map((component) => {
    const within = new Graph(edges.filter(({ from, to }) => component.has(from) && component.has(to)));
    const found =
      cycleAmong(within.only(['ww', ...time]), 'G0') ??
      cycleAmong(within.only(['ww', 'wr', ...time]), 'G1c') ??
      singleCycle(within, within.only(['ww', 'wr', ...time]), component) ??
      cycleAmong(within, 'G2');
    const { name, cycle } = found ?? { name: 'G2' as const, cycle: [] };
    const what = cycle.map(({ from, to, kind }) => `${from} -${kind}-> ${to}`).join(', ');
    return { name: `${name}${suffix}`, transactions: cycle.map(({ from }) => from), what } as const;
  });
}

interface Cycle {
  readonly name: (typeof CYCLES)[number];
  readonly cycle: readonly Edge[];
}

function cycleAmong(graph: Graph, name: Cycle['name']): Cycle | undefined {
  const [component] = graph.components();
  const [node] = component ?? [];
  if (component === undefined || node === undefined) return undefined;
  return { name, cycle: graph.path(node, node, component) ?? [] };
}

/** An overwritten read from which a way without another one leads back. */
function singleCycle(graph: Graph, withoutReads: Graph, component: ReadonlySet<number>): Cycle | undefined {
  for (const edge of graph.edges) {
    if (edge.kind !== 'rw') continue;
    const way = withoutReads.path(edge.to, edge.from, component);
    if (way !== undefined) return { name: 'G-single', cycle: [edge, ...way] };
  }
  return undefined;
}
