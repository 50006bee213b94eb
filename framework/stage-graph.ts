// Where the stages of a service lead, read from its code and compared with the stages that there are.
//
//   G1. A name in the code that is no stage is wrong, however little else of the code could be read.
//   G2. A stage is unreachable only if everything is known of every stage that is reached, and no upgrade may lead there.

import { classSourcesOf, textOf } from './analysis/class-source.js';
import { readClass, readFunction, type StageCode } from './analysis/stage-code.js';
import type { ServiceDefinition } from './definition.js';
import { pathOf, type ReportProblem, type ServicePart } from './parts.js';
import type { PlannedDelegate, PlannedStage, Successors } from './plan.js';
import type { Routes } from './routes.js';

/** The code of all stages, by their full names. */
export type ServiceCode = ReadonlyMap<string, StageCode>;

export function codeOf(parts: readonly ServicePart[]): ServiceCode {
  return new Map(
    parts.flatMap(({ path, definition }) =>
      [...codeOfPart(definition)].map(([name, code]) => [pathOf(path, name), code] as const),
    ),
  );
}

function codeOfPart({ construction, stages }: ServiceDefinition): ReadonlyMap<string, StageCode> {
  const names = stages.filter(({ placement }) => placement === 'as-intended').map(({ name }) => name);
  if (construction.kind === 'class') return codeOfClass(construction.type, names);
  return new Map(names.map((name) => [name, codeOfFunction(construction.parts.stages[name])]));
}

const functionCode = new WeakMap<object, StageCode>();

/** Reads a function once: its text never changes. */
function codeOfFunction(stage: unknown): StageCode {
  const known = typeof stage === 'function' ? functionCode.get(stage) : undefined;
  if (known !== undefined) return known;
  const code = readFunction(textOf(stage));
  if (typeof stage === 'function') functionCode.set(stage, code);
  return code;
}

/** What was read of a class, and of which text: one process may compile a service as often as it likes. */
const classCode = new WeakMap<object, { readonly text: string; readonly code: ReadonlyMap<string, StageCode> }>();

/** Reads a class once; again where its text has changed since, as a decorator that comes late may do. */
function codeOfClass(type: object, names: readonly string[]): ReadonlyMap<string, StageCode> {
  const sources = classSourcesOf(type);
  const text = JSON.stringify([names, ...sources.map((source) => [source.text, ...source.methods])]);
  const known = classCode.get(type);
  if (known?.text === text) return known.code;
  const code = readClass(sources, names);
  classCode.set(type, { text, code });
  return code;
}

/** Which stage a name in the code of `stage` means, resolved; names that mean none are left out. */
export function successorsOf(stage: string, { returned }: StageCode, routes: Routes): Successors {
  if (returned.extent === 'partial') return { kind: 'unknown' };
  const stages = resolveAll(stage, returned.stages, routes);
  const after = returned.ends ? routes.afterDone(stage) : undefined;
  if (after !== undefined) return { kind: 'known', stages: unique([...stages, after]), ends: false };
  return { kind: 'known', stages, ends: returned.ends };
}

export function recordedBy(stage: string, { recorded }: StageCode, routes: Routes): readonly string[] {
  return resolveAll(stage, recorded.stages, routes);
}

function resolveAll(stage: string, names: readonly string[], routes: Routes): string[] {
  return unique(names.flatMap((name) => routes.resolve(stage, name) ?? []));
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}

/** G1. What is inside of a delegate has no name for its owner, nor the other way round. */
export function checkTargets(parts: readonly ServicePart[], code: ServiceCode, report: ReportProblem): void {
  for (const { path, definition } of parts) {
    const delegates = definition.delegates.filter(({ placement }) => placement === 'as-intended');
    const names = new Set([...definition.stages, ...delegates].map(({ name }) => name));
    for (const stage of new Set(definition.stages.map(({ name }) => pathOf(path, name)))) {
      const { returned, recorded } = code.get(stage) ?? NO_CODE;
      for (const name of returned.stages) {
        if (!names.has(name)) report('unknown-stage', `the stage '${stage}' returns next('${name}')`);
      }
      for (const name of recorded.stages) {
        if (!names.has(name)) report('unknown-stage', `the stage '${stage}' records snapshot({ stage: '${name}' })`);
      }
    }
    for (const { name, then } of delegates) {
      if (names.has(then)) continue;
      report('unknown-stage', `the delegate '${pathOf(path, name)}' is followed by '${then}'`);
    }
  }
}

const NO_CODE = { returned: { stages: [] }, recorded: { stages: [] } } as const;

/** G2, for a service without upgrades. */
export function checkReachable(
  entry: string,
  stages: readonly PlannedStage[],
  delegates: readonly PlannedDelegate[],
  code: ServiceCode,
  report: ReportProblem,
): void {
  const reached = reachedFrom(entry, stages, code);
  if (reached === 'unknown') return;
  const missed = stages.map(({ name }) => name).filter((name) => !reached.has(name));
  const asleep = delegates.filter(({ entry: inner }) => !reached.has(inner)).map(({ name }) => name);
  const isInside = (name: string): boolean => asleep.some((path) => name.startsWith(`${path}.`));
  for (const name of missed.filter((stage) => !isInside(stage))) {
    report('unreachable-stage', `no path leads from the entry '${entry}' to the stage '${name}'`);
  }
  for (const name of asleep.filter((path) => !isInside(path))) {
    report('unreachable-stage', `no path leads from the entry '${entry}' to the delegate '${name}'`);
  }
}

function reachedFrom(entry: string, stages: readonly PlannedStage[], code: ServiceCode): Set<string> | 'unknown' {
  const reached = new Set<string>();
  const ahead = [entry];
  for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    const stage = stages.find((other) => other.name === name);
    if (stage?.successors.kind !== 'known' || code.get(name)?.recorded.extent !== 'complete') return 'unknown';
    ahead.push(...stage.successors.stages, ...stage.recorded);
  }
  return reached;
}
