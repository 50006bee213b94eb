// The objects that a service consists of: itself and its delegates, and theirs, each at its path.
//
// What stands at the path 'login.code' is the delegate `code` of the delegate `login` of the service. Stages and fields have
// the path of their object before their names.

import type { DelegateDeclaration, ServiceDefinition } from './definition.js';
import type { DiagnosticKind } from './diagnostics.js';

export type ReportProblem = (kind: DiagnosticKind, cause: string) => void;

export type ServicePart = Main | Inner;

interface Main {
  readonly kind: 'service';
  readonly path: '';
  readonly definition: ServiceDefinition;
}

interface Inner {
  readonly kind: 'delegate';
  readonly path: string;
  readonly definition: ServiceDefinition;
  /** The stage of the owner that follows. */
  readonly then: string;
}

/** Owners before their delegates. A delegate that can't be one is reported and left out. */
export function partsOf(definition: ServiceDefinition, report: ReportProblem): readonly ServicePart[] {
  return [
    { kind: 'service', path: '', definition },
    ...definition.delegates.flatMap((delegate) => delegateParts(delegate, '', [definition], report)),
  ];
}

function delegateParts(
  delegate: DelegateDeclaration,
  owner: string,
  around: readonly ServiceDefinition[],
  report: ReportProblem,
): ServicePart[] {
  if (delegate.placement !== 'as-intended') return [];
  const definition = delegate.definition();
  const path = pathOf(owner, delegate.name);
  if (definition.stages.length === 0) {
    report('not-a-delegate', `the delegate '${path}' has no stages: its type is ${typeOf(definition)}`);
    return [];
  }
  if (around.some((outer) => codeOf(outer) === codeOf(definition))) {
    report('delegate-cycle', `the delegate '${path}' is of ${typeOf(definition)}, which it is itself part of`);
    return [];
  }
  const within = [...around, definition];
  return [
    { kind: 'delegate', path, definition, then: delegate.then },
    ...definition.delegates.flatMap((inner) => delegateParts(inner, path, within, report)),
  ];
}

/** The name of what stands at `path`, as the service knows it. */
export function pathOf(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** The same for two definitions of the same code. */
function codeOf({ construction }: ServiceDefinition): object {
  return construction.kind === 'class' ? construction.type : construction.parts;
}

function typeOf({ construction, identity }: ServiceDefinition): string {
  if (construction.kind === 'class') {
    return (construction.type as unknown) === Object ? 'not known' : `the class ${construction.type.name}`;
  }
  return identity.kind === 'declared' ? `the service '${identity.name}'` : 'a service without a name';
}
