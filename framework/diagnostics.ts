// Diagnostics of `compile`: everything that can be wrong with a service's declaration, in one catalogue.
//
// A code never changes its meaning. All diagnostics of all services are found before anything is reported, in one
// `CompileFailed`, each with the cause in terms of the service and what to do about it.

import { FrameworkError } from './errors.js';

const CATALOGUE = {
  'not-a-service': { code: 'MIG001', remedy: "Put @Service({ name: '...', version: 1 }) on the class." },
  'invalid-name': {
    code: 'MIG002',
    remedy: 'Name the service with 1 to 63 lower-case letters, digits and hyphens, a letter first.',
  },
  'invalid-version': { code: 'MIG003', remedy: 'Give the service a version that is a positive integer.' },
  'no-stages': { code: 'MIG004', remedy: 'Mark at least one method @Stage({ entry: true }).' },
  'no-entry': { code: 'MIG005', remedy: 'Mark the stage where new connections begin @Stage({ entry: true }).' },
  'several-entries': { code: 'MIG006', remedy: 'Leave { entry: true } on one stage only.' },
  'unknown-entry': { code: 'MIG007', remedy: 'Let entry be the name of one of the stages.' },
  'duplicate-stage': { code: 'MIG008', remedy: 'Write @Stage once on a method.' },
  'duplicate-snapshot': { code: 'MIG009', remedy: 'Write @Snapshot once on a field.' },
  'field-type-unknown': {
    code: 'MIG010',
    remedy:
      'Write the type (count: number = 0) and compile with emitDecoratorMetadata. For a union, an optional field or an ' +
      'interface, say @Snapshot({ type: Object }): its values are then checked when a snapshot is taken.',
  },
  'field-type-cannot-travel': {
    code: 'MIG011',
    remedy: 'Keep in the snapshot the plain data that it can be opened or built from again; inject or reopen the rest.',
  },
  'misplaced-decorator': {
    code: 'MIG012',
    remedy:
      'Stages, @Moved and @Failed are instance methods, snapshots and delegates are instance fields, and all have names ' +
      'that are strings.',
  },
  'several-moved': { code: 'MIG013', remedy: 'Leave @Moved() on one method and call the others from it.' },
  'conflicting-decorators': { code: 'MIG014', remedy: 'Let a method be a stage or the @Moved method, not both.' },
  'initial-values-failed': {
    code: 'MIG015',
    remedy: 'Let fields() return an object of initial values, whenever called.',
  },
  'duplicate-service': { code: 'MIG016', remedy: 'Give each service of an application a name of its own.' },
  'duplicate-port': { code: 'MIG017', remedy: 'Let each service of an application listen on a port of its own.' },
  'dependencies-unresolved': {
    code: 'MIG018',
    remedy:
      "Bind what the constructor asks for in the service's container, and let constructor and initial values have no side effect.",
  },
  'unknown-stage': { code: 'MIG019', remedy: 'Name one of the stages or delegates of the object that names it.' },
  'unreachable-stage': { code: 'MIG020', remedy: 'Let a stage that is reached name it in next(...), or remove it.' },
  'several-failed': { code: 'MIG021', remedy: 'Leave @Failed() on one method and tell the errors apart in it.' },
  'conflicting-failed': { code: 'MIG022', remedy: 'Let the @Failed method be neither a stage nor the @Moved method.' },
  'invalid-stage-settings': {
    code: 'MIG023',
    remedy: "lock is true or false; output is 'live', 'held' or 'verified'; timeoutMs is a positive, finite number.",
  },
  'invalid-validator': {
    code: 'MIG024',
    remedy: "Give a schema of version 1 of Standard Schema: an object with '~standard' and in it validate().",
  },
  'invalid-upgrade': {
    code: 'MIG025',
    remedy: 'Write one static @Upgrade(from) for each older version: from is an integer from 1 to version - 1.',
  },
  'not-a-delegate': {
    code: 'MIG026',
    remedy:
      'Write the class as the type of the field (login!: Login), mark its stages @Stage, and compile with ' +
      'emitDecoratorMetadata.',
  },
  'delegate-cycle': { code: 'MIG027', remedy: 'Let the inner one name its own stages in next(...) to begin anew.' },
  'delegate-hook': {
    code: 'MIG028',
    remedy: "Declare @Moved and @Failed in the service itself, and call the delegate's methods from there.",
  },
  'conflicting-names': { code: 'MIG029', remedy: 'Give fields, stages and delegates of one object different names.' },
  'dotted-name': { code: 'MIG030', remedy: 'Leave dots out of names: they lead from a delegate to what is inside it.' },
  'standard-decorators': {
    code: 'MIG031',
    remedy:
      'Compile with experimentalDecorators and emitDecoratorMetadata, and see that what builds the code obeys them; or ' +
      'declare the service with defineService.',
  },
} as const;

/** The kinds of diagnostics; each has a code that never changes its meaning. */
export type DiagnosticKind = keyof typeof CATALOGUE;

/** One thing that is wrong with the declaration of a service, and what to do about it. */
export interface Diagnostic {
  readonly kind: DiagnosticKind;
  /** `MIG` and three digits. */
  readonly code: string;
  /** The service's name, or the name of the class that isn't one. */
  readonly service: string;
  readonly cause: string;
  readonly remedy: string;
  /** Of this project: what it means at length, a wrong example and the right one. */
  readonly page: string;
}

export function diagnose(kind: DiagnosticKind, service: string, cause: string): Diagnostic {
  const entry = CATALOGUE[kind];
  return { kind, service, cause, ...entry, page: `docs/diagnostics/${entry.code}.md` };
}

/** All there are, in the order of their codes. */
export const DIAGNOSTIC_KINDS = Object.keys(CATALOGUE) as readonly DiagnosticKind[];

/**
 * "MIG005 files: no stage is the entry. Mark the stage ..."
 *
 * @public
 */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  return `${diagnostic.code} ${diagnostic.service}: ${diagnostic.cause}. ${diagnostic.remedy}`;
}

/** The services can't be hosted; `diagnostics` has every reason, not only the first. */
export class CompileFailed extends FrameworkError {
  readonly code = 'compile-failed';
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    super(`The services don't compile.\n${diagnostics.map((item) => `  ${formatDiagnostic(item)}`).join('\n')}`);
  }
}
