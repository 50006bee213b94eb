// A service as it was declared, before anything has been checked.
//
// Both forms, decorated classes and `defineService({...})`, end in a `ServiceDefinition`; `compiler.ts` judges it. So a
// declaration never throws: whatever is wrong is kept here as it was said and reported with everything else.

import type { StageIo } from './stage-io.js';
import type { Done, NextStage, Transition } from './transition.js';

/** What the stack says when a connection leaves: the member that it goes to, where known, and its new epoch. */
export interface Departure {
  readonly to: number | undefined;
  readonly epoch: number;
}

/** A class with `@Service`. */
export type ServiceClass = new (...dependencies: never[]) => object;

/** What can be hosted: a decorated class, or what `defineService` returned. */
export type ServiceSource = ServiceClass | ServiceDefinition;

/** A constructor that stands for the type of a field: `String`, `Map`, ... or `Object` for "any data". */
export type FieldConstructor = abstract new (...parameters: never[]) => unknown;

export type Identity =
  { readonly kind: 'declared'; readonly name: string; readonly version: number } | { readonly kind: 'missing' };

/** What a decorator was written on; only `as-intended` makes sense. */
export type Placement =
  'as-intended' | 'a static member' | 'a symbol' | 'a #private name' | 'an accessor' | 'a method' | 'a field';

export interface MemberDeclaration {
  readonly name: string;
  readonly placement: Placement;
}

export interface FieldDeclaration extends MemberDeclaration {
  /** `unwritten`: the compiler emitted no type, or one that says nothing. */
  readonly type: FieldConstructor | 'unwritten';
}

/** The parts of a service without decorators, with its types erased. */
export interface FunctionParts {
  fields(): object;
  readonly stages: Readonly<Record<string, SessionStage['run']>>;
  moved?(session: object, departure: Departure): void | Promise<void>;
}

interface SessionStage {
  run(session: object, io: StageIo): Promise<Transition>;
}

/** How a handler for one connection comes into being, and what its stages are. */
export type Construction =
  | { readonly kind: 'class'; readonly type: ServiceClass }
  | { readonly kind: 'functions'; readonly parts: FunctionParts };

export interface ServiceDefinition {
  readonly kind: 'service-definition';
  readonly identity: Identity;
  readonly stages: readonly MemberDeclaration[];
  /** Names that were declared to be the entry, whether or not they are stages. */
  readonly entries: readonly string[];
  /** Throws what the service's own initial values throw. */
  readonly fields: () => readonly FieldDeclaration[];
  readonly moved: readonly MemberDeclaration[];
  readonly construction: Construction;
}

/** A service without decorators. `Stages` are the names of its stages: `next('...')` admits no other. */
export interface ServiceForm<Fields extends object, Stages extends string> {
  /** Lower-case letters, digits and hyphens, at most 63. */
  readonly name: string;
  /** A positive integer. */
  readonly version: number;
  readonly entry: NoInfer<Stages>;
  /** The snapshot fields with their initial values; called once for each connection. */
  readonly fields: () => Fields;
  readonly stages: {
    readonly [Stage in Stages]: (session: Fields, io: StageIo) => Promise<NextStage<NoInfer<Stages>> | Done>;
  };
  /** Cleans up at the member that the connection has left. */
  readonly moved?: (session: Fields, departure: Departure) => void | Promise<void>;
}

/**
 * Declares a service without decorators. Never throws: `compile` says what is wrong.
 *
 * @public
 */
export function defineService<Fields extends object, Stages extends string>(
  form: ServiceForm<Fields, Stages>,
): ServiceDefinition {
  return {
    kind: 'service-definition',
    identity: { kind: 'declared', name: form.name, version: form.version },
    stages: Object.entries<unknown>(form.stages).map(([name, run]) => ({
      name,
      placement: typeof run === 'function' ? 'as-intended' : 'a field',
    })),
    entries: [form.entry],
    fields: () =>
      Object.entries(form.fields() as Readonly<Record<string, unknown>>).map(([name, value]) => ({
        name,
        placement: 'as-intended',
        type: constructorOf(value),
      })),
    moved: form.moved === undefined ? [] : [{ name: 'moved', placement: 'as-intended' }],
    construction: { kind: 'functions', parts: form },
  };
}

function constructorOf(value: unknown): FieldConstructor {
  if (value === undefined || value === null) return Object;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (typeof prototype !== 'object' || prototype === null || !('constructor' in prototype)) {
    return typeof value === 'function' ? Function : Object;
  }
  return typeof prototype.constructor === 'function' ? (prototype.constructor as unknown as FieldConstructor) : Object;
}
