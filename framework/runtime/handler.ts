// A handler: one connection's instance of a service, whichever form the service was written in.
//
// For a class the session is the instance itself, and its methods are the stages; without decorators the session is the
// object of fields, and the stages are functions of it. Delegates are objects in fields of the session, built with it. From
// here on nobody has to know the difference.

import type { Address } from '@migratory/stack';
import type { Departure, FunctionParts } from '../definition.js';
import type { StageIo } from '../stage-io.js';
import { ownerOf } from '../routes.js';

/** The object whose own properties are the fields. */
export type Session = Record<string, unknown>;

/** What a handler's constructor may know of its connection. */
export interface ConnectionFacts {
  /** The client's address at this instant. */
  readonly client: Address;
  /** 16 hexadecimal digits; undefined when the client's TCP doesn't speak the migration options. */
  readonly cid: string | undefined;
  /** Aborted when the connection leaves this member or dies. */
  readonly signal: AbortSignal;
}

/** Whose connection a handler is built for. A constructor may ask for it: it is bound in the service's container. */
export class ConnectionContext implements ConnectionFacts {
  readonly #facts: ConnectionFacts;

  /** @internal The framework makes it. */
  constructor(facts: ConnectionFacts) {
    this.#facts = facts;
  }

  get client(): Address {
    return this.#facts.client;
  }

  get cid(): string | undefined {
    return this.#facts.cid;
  }

  get signal(): AbortSignal {
    return this.#facts.signal;
  }
}

export interface Handler {
  readonly session: Session;
  /** Answers what the stage returned, or its promise; that it is a transition is for the interpreter to see. */
  run(stage: string, io: StageIo): unknown;
  /** Calls the method that was declared for it; does nothing where there is none. */
  moved(departure: Departure): Promise<void>;
  /** Only where the plan says that there is one. */
  failed(io: StageIo, error: unknown): Promise<void>;
}

type Method = (this: unknown, ...parameters: readonly unknown[]) => unknown;

/** Calls a piece of code of one kind of object, by its name without a path. */
export type Call = (object: Session, name: string, ...parameters: readonly unknown[]) => unknown;

/** Stages and hooks of one kind of object. */
export interface Calls {
  readonly stage: Call;
  readonly hook: Call;
}

const callMethod: Call = (object, name, ...parameters) => (object[name] as Method).call(object, ...parameters);

/** A class has one name for one method, stage or hook. */
export const CLASS_CALLS: Calls = { stage: callMethod, hook: callMethod };

/** Functions have names of their own: a stage may be called `failed` as well. */
export function functionCallsOf(parts: FunctionParts): Calls {
  return {
    stage: (object, name, ...parameters) => (parts.stages[name] as Method)(object, ...parameters),
    hook: (object, name, ...parameters) => (Reflect.get(parts, name) as Method)(object, ...parameters),
  };
}

/** What the handlers of a service have in common. */
export interface HandlerShape {
  /** By the path of the object, '' for the service itself. */
  readonly calls: ReadonlyMap<string, Calls>;
  readonly moved: string | undefined;
  readonly failed: string | undefined;
}

export class ComposedHandler implements Handler {
  readonly session: Session;
  readonly #shape: HandlerShape;

  constructor(session: Session, shape: HandlerShape) {
    this.session = session;
    this.#shape = shape;
  }

  run(stage: string, io: StageIo): unknown {
    const path = ownerOf(stage);
    let object = this.session;
    if (path !== '') for (const step of path.split('.')) object = object[step] as Session;
    return this.#shape.calls.get(path)?.stage(object, stage.slice(path === '' ? 0 : path.length + 1), io);
  }

  async moved(departure: Departure): Promise<void> {
    await this.#hook(this.#shape.moved, departure);
  }

  async failed(io: StageIo, error: unknown): Promise<void> {
    await this.#hook(this.#shape.failed, io, error);
  }

  #hook(name: string | undefined, ...parameters: readonly unknown[]): unknown {
    return name === undefined ? undefined : this.#shape.calls.get('')?.hook(this.session, name, ...parameters);
  }
}
