// The dependencies between the transactions of a history, as edges of a graph.
//
// Read and write dependencies follow from the orders of the lists. Real time is one more: who had been told of a commit
// before another transaction began must not come after it. Of these edges only those are made that no others imply.

import type { Edge } from './cycles.js';
import type { Transaction } from './history.js';
import type { Lists } from './lists.js';

export function dataEdges(transactions: readonly Transaction[], lists: Lists): Edge[] {
  return [...writeEdges(transactions, lists), ...transactions.flatMap((transaction) => readEdges(transaction, lists))];
}

function writeEdges(transactions: readonly Transaction[], { orders, writers }: Lists): Edge[] {
  const isThere = new Set(transactions);
  return [...orders.values()].flatMap((values) =>
    values.flatMap((value, index) => {
      const [one, other] = [writers.get(values[index - 1] ?? NaN), writers.get(value)];
      if (one === undefined || other === undefined || one === other) return [];
      return isThere.has(one) && isThere.has(other) ? [{ from: one.id, to: other.id, kind: 'ww' as const }] : [];
    }),
  );
}

function readEdges(reader: Transaction, { orders, writers }: Lists): Edge[] {
  return reader.operations.flatMap((operation) => {
    if (operation.kind !== 'read') return [];
    // What it had appended itself does not say whom it depends on; what came before does.
    const foreign = operation.values.findLast((value) => writers.get(value) !== reader);
    const order = orders.get(operation.key) ?? [];
    const next = writers.get(order[operation.values.length] ?? NaN);
    const from = writers.get(foreign ?? NaN);
    return [
      ...(from === undefined ? [] : [{ from: from.id, to: reader.id, kind: 'wr' as const }]),
      ...(next === undefined || next === reader ? [] : [{ from: reader.id, to: next.id, kind: 'rw' as const }]),
    ];
  });
}

export function realtimeEdges(transactions: readonly Transaction[]): Edge[] {
  const told = transactions.filter(({ told }) => told === 'committed');
  const byEnd = [...told].sort((one, other) => one.endedAtMs - other.endedAtMs);
  const edges: Edge[] = [];
  let frontier: Transaction[] = [];
  let ended = 0;
  for (const transaction of [...told].sort((one, other) => one.beganAtMs - other.beganAtMs)) {
    for (let next = byEnd[ended]; next !== undefined && next.endedAtMs < transaction.beganAtMs; next = byEnd[++ended]) {
      const { beganAtMs } = next;
      // Whoever had ended before this one began is before it already.
      frontier = [...frontier.filter(({ endedAtMs }) => endedAtMs >= beganAtMs), next];
    }
    edges.push(...frontier.map(({ id }) => ({ from: id, to: transaction.id, kind: 'realtime' as const })));
  }
  return edges;
}
