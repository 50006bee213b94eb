// A service as it was declared, before anything has been checked.
//
// Both forms, decorated classes and `defineService({...})`, end in a `ServiceDefinition`; `compiler.ts` judges it. So a
// declaration never throws: whatever is wrong is kept here as it was said and reported with everything else.

import type { OutputMode } from '@migratory/stack';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { StageIo } from './stage-io.js';
import type { Transition } from './transition.js';

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
  | { readonly kind: 'declared'; readonly name: string; readonly version: number }
  /** By decorators of ECMAScript's kind, from which nothing else of the class is known. */
  | { readonly kind: 'standard-decorators'; readonly name: string; readonly version: number }
  | { readonly kind: 'missing' };

/** What a decorator was written on; only `as-intended` makes sense. */
export type Placement =
  'as-intended' | 'a static member' | 'a symbol' | 'a #private name' | 'an accessor' | 'a method' | 'a field';

export interface MemberDeclaration {
  readonly name: string;
  readonly placement: Placement;
}

/** What a stage asks of the connection while it runs. */
export interface StageSettings {
  /**
   * Whether it runs under `lockState`: a move that is asked for waits until the stage is left (true), or is refused at once, and
   * nobody is advised to move ('pinned'). Default: false.
   */
  readonly lock?: boolean | 'pinned';
  /** What is promised of output behind the restart point. Default: 'live'. */
  readonly output?: OutputMode;
  /** Since the last restart point. Default: the service's `stageTimeMs`. */
  readonly timeoutMs?: number;
}

export interface StageDeclaration extends MemberDeclaration {
  readonly settings: StageSettings;
}

/** A field with stages of its own, which goes on at the stage `then` of its owner when it has finished. */
export interface DelegateDeclaration extends MemberDeclaration {
  readonly then: string;
  readonly definition: () => ServiceDefinition;
}

/** Makes the snapshot that the next newer version would have taken out of one of version `from`. */
export interface UpgradeDeclaration extends MemberDeclaration {
  readonly from: number;
  readonly upgrade: UpgradeFunction;
}

/** What a snapshot says, by name: `stage` is undefined where the service had finished. */
export interface SnapshotContent {
  readonly stage: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Synchronous and without effects: it is called each time that a connection asks to come. */
export type UpgradeFunction = (snapshot: SnapshotContent) => SnapshotContent;

export interface FieldDeclaration extends MemberDeclaration {
  /** `unwritten`: the compiler emitted no type, or one that says nothing. */
  readonly type: FieldConstructor | 'unwritten';
  readonly validate?: StandardSchemaV1;
}

/** The parts of a service without decorators, with its types erased. */
export interface FunctionParts {
  fields(): object;
  readonly stages: Readonly<Record<string, SessionStage['run']>>;
  moved?(session: object, departure: Departure): void | Promise<void>;
  failed?(session: object, io: StageIo, error: unknown): void | Promise<void>;
}

interface SessionStage {
  run(session: object, io: StageIo): Promise<Transition>;
}

/** How a handler for one connection comes into being, and what its stages are. */
export type Construction =
  | { readonly kind: 'class'; readonly type: ServiceClass }
  | { readonly kind: 'functions'; readonly parts: FunctionParts };

/** `Session` is the type of what its stages work on: the instance, or the fields with those of the delegates in them. */
export interface ServiceDefinition<Session extends object = object> {
  readonly kind: 'service-definition';
  readonly identity: Identity;
  readonly stages: readonly StageDeclaration[];
  /** Names that were declared to be the entry, whether or not they are stages. */
  readonly entries: readonly string[];
  /** Throws what the service's own initial values throw. */
  readonly fields: () => readonly FieldDeclaration[];
  readonly moved: readonly MemberDeclaration[];
  readonly failed: readonly MemberDeclaration[];
  readonly delegates: readonly DelegateDeclaration[];
  readonly upgrades: readonly UpgradeDeclaration[];
  readonly construction: Construction;
  /** Never there: carries the type to services that delegate to this one. */
  readonly '~session'?: Session;
}
