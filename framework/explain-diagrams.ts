// A plan as a diagram: stages, and the ways between them.
//
// Mermaid for documents that draw it themselves, DOT for pictures. In both a delegate is a box around its stages, and a
// stage's lock, output mode and time stand beside its name.

import type { PlannedDelegate, PlannedStage, StagePlan } from './plan.js';
import { ownerOf } from './routes.js';

/**
 * A Mermaid `stateDiagram-v2`. Restart points of another stage (`io.snapshot({ stage })`) are labelled ways.
 *
 * @public
 */
export function stageDiagram(plan: StagePlan): string {
  const ids = new Ids(plan);
  const lines = [
    'stateDiagram-v2',
    ...drawBox(plan, '', '  ', ids),
    ...plan.stages.flatMap((stage) => noteOf(stage, ids)),
  ];
  return `${lines.join('\n')}\n`;
}

/** Identifiers without meaning to Mermaid, told apart where names differ only in what can't be part of one. */
class Ids {
  readonly #ids = new Map<string, string>();

  constructor({ stages, delegates }: StagePlan) {
    const names = [...stages.map(({ name }) => `stage ${name}`), ...delegates.map(({ name }) => `delegate ${name}`)];
    for (const name of names) {
      const plain = name.replace(/\W/g, '_');
      const isTaken = [...this.#ids.values()].includes(plain);
      this.#ids.set(name, isTaken ? `${plain}_${this.#ids.size}` : plain);
    }
  }

  of(kind: 'stage' | 'delegate', name: string): string {
    return this.#ids.get(`${kind} ${name}`) ?? '';
  }
}

/** What is inside of one delegate, or of the service. */
function drawBox(plan: StagePlan, path: string, indent: string, ids: Ids): string[] {
  const stages = plan.stages.filter(({ name }) => ownerOf(name) === path);
  const delegates = plan.delegates.filter(({ name }) => ownerOf(name) === path);
  const entry = path === '' ? plan.entry : (plan.delegates.find(({ name }) => name === path)?.entry ?? '');
  return [
    ...stages.map(({ name }) => `${indent}state "${shown(name, path)}" as ${ids.of('stage', name)}`),
    ...delegates.flatMap(({ name }) => [
      `${indent}state "${shown(name, path)}" as ${ids.of('delegate', name)} {`,
      ...drawBox(plan, name, `${indent}  `, ids),
      `${indent}}`,
    ]),
    `${indent}[*] --> ${ids.of('stage', entry)}`,
    ...stages.flatMap((stage) => waysOf(plan, stage, path, ids)).map((way) => `${indent}${way}`),
    ...delegates.map((delegate) => `${indent}${ids.of('delegate', delegate.name)} --> ${thenOf(plan, delegate, ids)}`),
  ];
}

function shown(name: string, path: string): string {
  return name.slice(path === '' ? 0 : path.length + 1).replaceAll('"', '#quot;');
}

/** Mermaid draws no way into a box: where a delegate's entry is meant, the way leads to the box. */
function waysOf(plan: StagePlan, { name, successors, recorded }: PlannedStage, path: string, ids: Ids): string[] {
  const from = ids.of('stage', name);
  const to = (target: string): string => targetOf(plan, target, path, ids);
  const next = successors.kind === 'unknown' ? [] : successors.stages;
  const ways = [
    ...next.map((target) => `${from} --> ${to(target)}`),
    ...(successors.kind === 'known' && successors.ends ? [`${from} --> [*]`] : []),
    ...recorded.map((target) => `${from} --> ${to(target)} : io.snapshot`),
  ];
  return [...new Set(ways)];
}

function targetOf({ delegates }: StagePlan, target: string, path: string, ids: Ids): string {
  const owner = ownerOf(target);
  if (owner === path) return ids.of('stage', target);
  const entered = delegates.find(({ name, entry }) => entry === target && ownerOf(name) === path);
  return entered === undefined ? '[*]' : ids.of('delegate', entered.name); // what lies outside follows done()
}

function thenOf(plan: StagePlan, { name, then }: PlannedDelegate, ids: Ids): string {
  const owner = ownerOf(name);
  const full = owner === '' ? then : `${owner}.${then}`;
  return plan.delegates.some((other) => other.name === full) ? ids.of('delegate', full) : ids.of('stage', full);
}

function noteOf(stage: PlannedStage, ids: Ids): string[] {
  const remarks = remarksOn(stage);
  if (remarks.length === 0) return [];
  return [`  note right of ${ids.of('stage', stage.name)}`, ...remarks.map((remark) => `    ${remark}`), '  end note'];
}

function remarksOn({ lock, output, timeoutMs, successors }: PlannedStage): string[] {
  return [
    ...(lock === 'open' ? [] : [lock]),
    ...(output === 'live' ? [] : [`output ${output}`]),
    ...(timeoutMs === undefined ? [] : [`at most ${timeoutMs} ms`]),
    ...(successors.kind === 'unknown' ? ['goes on where its code says'] : []),
  ];
}

/**
 * A Graphviz digraph in DOT. Restart points of another stage (`io.snapshot({ stage })`) are dashed.
 *
 * @public
 */
export function stageGraph(plan: StagePlan): string {
  const lines = [
    `digraph ${quoted(plan.service)} {`,
    '  rankdir=TB',
    '  fontname="Helvetica"',
    '  node [shape=box, style=rounded, fontname="Helvetica"]',
    '  edge [fontname="Helvetica", fontsize=10]',
    `  ${BEGIN} [shape=point, label=""]`,
    ...(plan.stages.some(({ successors }) => successors.kind === 'known' && successors.ends)
      ? [`  ${END} [shape=doublecircle, style=solid, label="", width=0.15]`]
      : []),
    ...drawCluster(plan, '', '  '),
    `  ${BEGIN} -> ${node(plan.entry)}`,
    ...plan.stages.flatMap(edgesOf),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

/** Stages have `stage ` before their names: these two can't be any of them. */
const BEGIN = '"begin"';
const END = '"end"';

function drawCluster(plan: StagePlan, path: string, indent: string): string[] {
  const stages = plan.stages.filter(({ name }) => ownerOf(name) === path);
  const delegates = plan.delegates.filter(({ name }) => ownerOf(name) === path);
  return [
    ...stages.map((stage) => `${indent}${node(stage.name)} [label=${labelOf(stage, path)}]`),
    ...delegates.flatMap(({ name }) => [
      `${indent}subgraph ${quoted(`cluster ${name}`)} {`,
      `${indent}  label=${quoted(name)}`,
      `${indent}  labeljust=l`,
      ...drawCluster(plan, name, `${indent}  `),
      `${indent}}`,
    ]),
  ];
}

function edgesOf({ name, successors, recorded }: PlannedStage): string[] {
  const next = successors.kind === 'unknown' ? [] : successors.stages;
  return [
    ...next.map((target) => `  ${node(name)} -> ${node(target)}`),
    ...(successors.kind === 'known' && successors.ends ? [`  ${node(name)} -> ${END}`] : []),
    ...recorded.map((target) => `  ${node(name)} -> ${node(target)} [style=dashed, label="io.snapshot"]`),
  ];
}

function node(stage: string): string {
  return quoted(`stage ${stage}`);
}

function labelOf(stage: PlannedStage, path: string): string {
  const name = stage.name.slice(path === '' ? 0 : path.length + 1);
  return quoted([name, ...remarksOn(stage)].join('\n'));
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
