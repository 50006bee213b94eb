// From a declaration to a plan, with everything that is wrong said at once.
//
// Each check looks at one aspect and adds to the list; none stops another. A plan comes out only when the list is empty.
// Stages that `next('...')` names are checked by the type checker, and by the runtime for services in plain JavaScript.

import { definitionOf } from './decorators.js';
import type { FieldDeclaration, MemberDeclaration, ServiceDefinition, ServiceSource } from './definition.js';
import { CompileFailed, diagnose, type Diagnostic, type DiagnosticKind } from './diagnostics.js';
import { fingerprintOf, type PlannedField, type StagePlan } from './plan.js';
import { fieldTypeOf } from './snapshotable.js';

const SERVICE_NAME = /^[a-z][a-z0-9-]{0,62}$/;

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
  const report = (kind: DiagnosticKind, cause: string): void => {
    diagnostics.push(diagnose(kind, label, cause));
  };

  checkIdentity(definition, report);
  checkStages(definition, report);
  const fields = planFields(definition, report);
  checkMoved(definition, report);
  if (diagnostics.length > 0) return { kind: 'failed', diagnostics };
  return { kind: 'compiled', plan: planOf(definition, fields), definition };
}

type Report = (kind: DiagnosticKind, cause: string) => void;

function labelOf({ identity, construction }: ServiceDefinition): string {
  if (identity.kind === 'declared' && typeof identity.name === 'string') return identity.name;
  return construction.kind === 'class' ? construction.type.name : 'a service without a name';
}

function checkIdentity({ identity }: ServiceDefinition, report: Report): void {
  if (identity.kind === 'missing') return report('not-a-service', 'the class has no @Service');
  const { name, version } = identity;
  if (typeof name !== 'string' || !SERVICE_NAME.test(name)) {
    report('invalid-name', `${JSON.stringify(name)} is not a name for a service`);
  }
  if (!Number.isSafeInteger(version) || version < 1) {
    report('invalid-version', `${JSON.stringify(version)} is not a version`);
  }
}

function checkStages({ stages, entries }: ServiceDefinition, report: Report): void {
  checkPlacement('@Stage', stages, report);
  for (const name of repeated(stages)) report('duplicate-stage', `'${name}' is declared as a stage more than once`);
  if (stages.length === 0) report('no-stages', 'there is no stage');
  else if (entries.length === 0) report('no-entry', `none of the stages ${listOf(stages)} is the entry`);
  if (entries.length > 1)
    report('several-entries', `${entries.map((name) => `'${name}'`).join(' and ')} are both the entry`);
  for (const entry of entries) {
    if (stages.length > 0 && !stages.some((stage) => stage.name === entry)) {
      report('unknown-entry', `the entry '${entry}' is none of the stages ${listOf(stages)}`);
    }
  }
}

function planFields(definition: ServiceDefinition, report: Report): readonly PlannedField[] {
  let declared: readonly FieldDeclaration[];
  try {
    declared = definition.fields();
  } catch (error) {
    report('initial-values-failed', `fields() failed: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
  checkPlacement('@Snapshot', declared, report);
  for (const name of repeated(declared))
    report('duplicate-snapshot', `'${name}' is declared as a snapshot more than once`);
  const planned: PlannedField[] = [];
  for (const field of declared) {
    if (field.placement !== 'as-intended') continue;
    if (field.type === 'unwritten') {
      report('field-type-unknown', `the type of the snapshot field '${field.name}' is not known`);
      continue;
    }
    const verdict = fieldTypeOf(field.type);
    if (verdict.kind === 'travels')
      planned.push({
        name: field.name,
        type: verdict.type,
        guard: field.validate === undefined ? 'unguarded' : 'validated',
      });
    else report('field-type-cannot-travel', `the snapshot field '${field.name}' can't travel: ${verdict.because}`);
  }
  return planned.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function checkMoved({ moved, stages, construction }: ServiceDefinition, report: Report): void {
  checkPlacement('@Moved', moved, report);
  if (construction.kind === 'functions') return; // its stages have names of their own
  if (moved.length > 1) report('several-moved', `${listOf(moved)} are all marked @Moved`);
  for (const name of new Set(moved.map((member) => member.name))) {
    if (stages.some((stage) => stage.name === name)) {
      report('conflicting-decorators', `'${name}' is a stage and the @Moved method`);
    }
  }
}

function checkPlacement(decorator: string, members: readonly MemberDeclaration[], report: Report): void {
  for (const { name, placement } of members) {
    if (placement !== 'as-intended')
      report('misplaced-decorator', `${decorator} is on '${name}', which is ${placement}`);
  }
}

function repeated(members: readonly MemberDeclaration[]): Set<string> {
  const names = members.map((member) => member.name);
  return new Set(names.filter((name, index) => names.indexOf(name) !== index));
}

function listOf(members: readonly MemberDeclaration[]): string {
  return members.map((member) => `'${member.name}'`).join(', ');
}

function planOf(
  { identity, stages, entries, moved, failed, upgrades }: ServiceDefinition,
  fields: readonly PlannedField[],
): StagePlan {
  if (identity.kind === 'missing') throw new TypeError('A service without identity was not diagnosed.');
  const plan = {
    service: identity.name,
    version: identity.version,
    entry: entries[0] ?? '',
    stages: stages.map(({ name, settings }) => ({
      name,
      lock: settings.lock === true ? ('locked' as const) : ('open' as const),
      output: settings.output ?? 'live',
      timeoutMs: settings.timeoutMs,
      successors: { kind: 'unknown' as const },
      recorded: [],
    })),
    fields,
    ...(moved[0] === undefined ? {} : { moved: moved[0].name }),
    ...(failed[0] === undefined ? {} : { failed: failed[0].name }),
    delegates: [],
    upgradesFrom: upgrades.map(({ from }) => from).sort((a, b) => a - b),
  };
  return { ...plan, fingerprint: fingerprintOf(plan) };
}
