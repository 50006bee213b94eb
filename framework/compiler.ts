// From a declaration to a plan, with everything that is wrong said at once.
//
// The declaration is taken apart into the service and its delegates; each is judged by itself (`checks.ts`, `fields.ts`), then
// the code of the stages is read for where they lead (`stage-graph.ts`). A plan comes out only when nothing is wrong. Stages
// that the code names in a way that can't be read are checked by the type checker, and by the runtime.

import { checkHooks, checkIdentity, checkNames, checkStages, checkUpgrades } from './checks.js';
import { definitionOf } from './decorators.js';
import type { ServiceDefinition, ServiceSource, StageDeclaration } from './definition.js';
import { CompileFailed, diagnose, type Diagnostic } from './diagnostics.js';
import { declaredFields, planFields } from './fields.js';
import { partsOf, pathOf, type ReportProblem, type ServicePart } from './parts.js';
import { fingerprintOf, type PlannedDelegate, type PlannedField, type PlannedStage, type StagePlan } from './plan.js';
import { Routes } from './routes.js';
import { checkReachable, checkTargets, codeOf, recordedBy, successorsOf, type ServiceCode } from './stage-graph.js';

export type Compilation =
  | { readonly kind: 'compiled'; readonly plan: StagePlan; readonly definition: ServiceDefinition }
  | { readonly kind: 'failed'; readonly diagnostics: readonly Diagnostic[] };

/**
 * The plan of a decorated class or of what `defineService` returned. Throws `CompileFailed` with all diagnostics.
 *
 * @public
 */
export function compile(source: ServiceSource): StagePlan {
  const compilation = tryCompile(source);
  if (compilation.kind === 'failed') throw new CompileFailed(compilation.diagnostics);
  return compilation.plan;
}

/** Like `compile`, for callers that gather the diagnostics of several services. */
export function tryCompile(source: ServiceSource): Compilation {
  const definition = typeof source === 'function' ? definitionOf(source) : source;
  const label = labelOf(definition);
  const diagnostics: Diagnostic[] = [];
  const report: ReportProblem = (kind, cause) => {
    diagnostics.push(diagnose(kind, label, cause));
  };

  if (definition.identity.kind === 'standard-decorators') {
    report(
      'standard-decorators',
      "the class was compiled with ECMAScript's decorators, which say nothing of its members",
    );
    return { kind: 'failed', diagnostics };
  }
  checkIdentity(definition, report);
  const parts = partsOf(definition, report);
  const fields = parts.flatMap((part) => checkPart(part, within(part, report)));
  checkUpgrades(definition, report);

  const code = codeOf(parts);
  const delegates = planDelegates(parts);
  checkTargets(parts, code, report);
  const stages = planStages(parts, delegates, code);
  if (diagnostics.length === 0 && definition.upgrades.length === 0) {
    checkReachable(entryOf(definition), stages, delegates, code, report);
  }
  if (diagnostics.length > 0) return { kind: 'failed', diagnostics };
  return { kind: 'compiled', plan: planOf(definition, stages, fields, delegates), definition };
}

function labelOf({ identity, construction }: ServiceDefinition): string {
  if (identity.kind !== 'missing' && typeof identity.name === 'string') return identity.name;
  return construction.kind === 'class' ? construction.type.name : 'a service without a name';
}

/** Says of which object a problem is. */
function within({ path }: ServicePart, report: ReportProblem): ReportProblem {
  return path === '' ? report : (kind, cause) => report(kind, `in the delegate '${path}': ${cause}`);
}

function checkPart(part: ServicePart, report: ReportProblem): readonly PlannedField[] {
  checkStages(part.definition, report);
  const declared = declaredFields(part.definition, report);
  const fields = planFields(part, declared, report);
  checkHooks(part, report);
  checkNames(part.definition, declared, report);
  return fields;
}

function entryOf({ entries }: ServiceDefinition): string {
  return entries[0] ?? '';
}

function planDelegates(parts: readonly ServicePart[]): readonly PlannedDelegate[] {
  return parts.flatMap((part) =>
    part.kind === 'service'
      ? []
      : [{ name: part.path, entry: pathOf(part.path, entryOf(part.definition)), then: part.then }],
  );
}

function planStages(
  parts: readonly ServicePart[],
  delegates: readonly PlannedDelegate[],
  code: ServiceCode,
): readonly PlannedStage[] {
  const declared = parts.flatMap(({ path, definition }) =>
    definition.stages.map((stage) => ({ ...stage, name: pathOf(path, stage.name) })),
  );
  const routes = new Routes({ stages: declared, delegates });
  return declared.map((stage) => planStage(stage, code, routes));
}

function planStage({ name, settings }: StageDeclaration, code: ServiceCode, routes: Routes): PlannedStage {
  const read = code.get(name);
  return {
    name,
    lock: settings.lock === 'pinned' ? 'pinned' : settings.lock === true ? 'locked' : 'open',
    output: settings.output ?? 'live',
    ...(settings.timeoutMs === undefined ? {} : { timeoutMs: settings.timeoutMs }),
    successors: read === undefined ? { kind: 'unknown' } : successorsOf(name, read, routes),
    recorded: read === undefined ? [] : recordedBy(name, read, routes),
  };
}

function planOf(
  { identity, entries, moved, failed, upgrades }: ServiceDefinition,
  stages: readonly PlannedStage[],
  fields: readonly PlannedField[],
  delegates: readonly PlannedDelegate[],
): StagePlan {
  if (identity.kind === 'missing') throw new TypeError('A service without identity was not diagnosed.');
  const plan = {
    service: identity.name,
    version: identity.version,
    entry: entries[0] ?? '',
    stages,
    fields: [...fields].sort((a, b) => (a.name < b.name ? -1 : 1)),
    ...(moved[0] === undefined ? {} : { moved: moved[0].name }),
    ...(failed[0] === undefined ? {} : { failed: failed[0].name }),
    delegates,
    upgradesFrom: upgrades.map(({ from }) => from).sort((a, b) => a - b),
  };
  return { ...plan, fingerprint: fingerprintOf(plan) };
}
