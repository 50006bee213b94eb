// A handler: one connection's instance of a service, whichever form the service was written in.
//
// For a class the session is the instance itself, and its methods are the stages; without decorators the session is the
// object of fields, and the stages are functions of it. Delegates are objects in fields of the session, built with it. From
// here on nobody has to know the difference.

import type { Address } from '@migratory/stack';
import type { Departure, FunctionParts } from '../definition.js';
import type { StageIo } from '../stage-io.js';
import { ownerOf } from './routes.js';

/** The object whose own properties are the fields. */
export type Session = Record<string, unknown>;

/** Whose connection a handler is built for. A constructor may ask for it: it is bound in the service's container. */
export abstract class ConnectionContext {
  /** The client's address at this instant. */
  abstract readonly client: Address;
  /** 16 hexadecimal digits; undefined when the client's TCP doesn't speak the migration options. */
  abstract readonly cid: string | undefined;
  /** Aborted when the connection leaves this member or dies. */
  abstract readonly signal: AbortSignal;
}

export interface Handler {
  readonly session: Session;
  /** Answers what the stage returned; that it is a transition is for the interpreter to see. */
  run(stage: string, io: StageIo): Promise<unknown>;
  /** Calls the method that was declared for it; does nothing where there is none. */
  moved(departure: Departure): Promise<void>;
  /** Only where the plan says that there is one. */
  failed(io: StageIo, error: unknown): Promise<void>;
}

/** One object of a handler: the service itself, or one of its delegates. */
export interface HandlerPart {
  /** Answers what the stage's code returned. */
  call(name: string, ...parameters: readonly unknown[]): unknown;
}

type Method = (this: unknown, ...parameters: readonly unknown[]) => unknown;

export function partOfInstance(instance: object): HandlerPart {
  return { call: (name, ...parameters) => ((instance as Session)[name] as Method).call(instance, ...parameters) };
}

export function partOfFunctions(parts: FunctionParts, session: Session): HandlerPart {
  return {
    call: (name, ...parameters) => {
      const run = (parts.stages[name] ?? Reflect.get(parts, name)) as Method;
      return run(session, ...parameters);
    },
  };
}

/** `parts` by the path of the object, '' for the service itself; `hooks` are the methods that the plan names. */
export function composeHandler(
  session: Session,
  parts: ReadonlyMap<string, HandlerPart>,
  hooks: { readonly moved?: string; readonly failed?: string },
): Handler {
  const call = async (path: string, name: string | undefined, ...parameters: readonly unknown[]): Promise<unknown> =>
    name === undefined ? undefined : await parts.get(path)?.call(name, ...parameters);
  return {
    session,
    run: (stage, io) => call(ownerOf(stage), stage.slice(stage.lastIndexOf('.') + 1), io),
    moved: async (departure) => void (await call('', hooks.moved, departure)),
    failed: async (io, error) => void (await call('', hooks.failed, io, error)),
  };
}
