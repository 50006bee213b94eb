// Snapshot fields of one object of a service: whether their types are known and can travel, whether their guards are guards.

import { checkPlacement, repeated } from './checks.js';
import type { FieldDeclaration, ServiceDefinition } from './definition.js';
import { pathOf, type ReportProblem, type ServicePart } from './parts.js';
import type { PlannedField } from './plan.js';
import { fieldTypeOf } from './snapshotable.js';
import { messageOfThrown } from './thrown.js';

/** As they were declared; reports where the service's own initial values throw. */
export function declaredFields(definition: ServiceDefinition, report: ReportProblem): readonly FieldDeclaration[] {
  try {
    return definition.fields();
  } catch (error) {
    report('initial-values-failed', `fields() failed: ${messageOfThrown(error)}`);
    return [];
  }
}

export function planFields(
  { path }: ServicePart,
  declared: readonly FieldDeclaration[],
  report: ReportProblem,
): readonly PlannedField[] {
  checkPlacement('@Snapshot', declared, report);
  for (const name of repeated(declared)) {
    report('duplicate-snapshot', `'${name}' is declared as a snapshot more than once`);
  }
  return declared
    .filter(({ placement }) => placement === 'as-intended')
    .flatMap((field) => planField(path, field, report));
}

function planField(path: string, { name, type, validate }: FieldDeclaration, report: ReportProblem): PlannedField[] {
  const guard = guardOf(validate);
  if (guard.kind === 'invalid')
    report('invalid-validator', `the guard of the snapshot field '${name}' ${guard.because}`);
  if (type === 'unwritten') {
    report('field-type-unknown', `the type of the snapshot field '${name}' is not known`);
    return [];
  }
  const verdict = fieldTypeOf(type);
  if (verdict.kind === 'stays') {
    report('field-type-cannot-travel', `the snapshot field '${name}' can't travel: ${verdict.because}`);
    return [];
  }
  return guard.kind === 'invalid' ? [] : [{ name: pathOf(path, name), type: verdict.type, guard: guard.kind }];
}

type Guard = { readonly kind: PlannedField['guard'] } | { readonly kind: 'invalid'; readonly because: string };

function guardOf(validate: unknown): Guard {
  if (validate === undefined) return { kind: 'unguarded' };
  const holder = typeof validate === 'object' || typeof validate === 'function' ? validate : null;
  const standard: unknown = holder === null || !('~standard' in holder) ? undefined : holder['~standard'];
  if (typeof standard !== 'object' || standard === null) return { kind: 'invalid', because: "has no '~standard'" };
  if (!('version' in standard) || standard.version !== 1) {
    return { kind: 'invalid', because: 'is not of version 1 of Standard Schema' };
  }
  if (!('validate' in standard) || typeof standard.validate !== 'function') {
    return { kind: 'invalid', because: "has no function '~standard'.validate" };
  }
  return { kind: 'validated' };
}
