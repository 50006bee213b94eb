// A handler: one connection's instance of a service, whichever form the service was written in.
//
// For a class the session is the instance itself, and its methods are the stages; without decorators the session is the
// object of fields, and the stages are functions of it. From here on nobody has to know the difference.

import type { Departure, FunctionParts } from '../definition.js';
import type { StageIo } from '../stage-io.js';

/** The object whose own properties are the fields. */
export type Session = Record<string, unknown>;

export interface Handler {
  readonly session: Session;
  /** Answers what the stage returned; that it is a transition is for the interpreter to see. */
  run(stage: string, io: StageIo): Promise<unknown>;
  /** Calls the method that was declared for it; does nothing where there is none. */
  moved(departure: Departure): Promise<void>;
}

type Method = (this: unknown, argument: unknown) => unknown;

/** `moved` is the name of the @Moved method, if there is one. */
export function handlerOfInstance(instance: object, moved: string | undefined): Handler {
  const session = instance as Session;
  const call = async (name: string, argument: unknown): Promise<unknown> =>
    await (session[name] as Method).call(session, argument);
  return {
    session,
    run: (stage, io) => call(stage, io),
    moved: async (departure) => {
      if (moved !== undefined) await call(moved, departure);
    },
  };
}

export function handlerOfFunctions(parts: FunctionParts): Handler {
  const session = { ...parts.fields() } as Session;
  return {
    session,
    run: async (stage, io) => parts.stages[stage]?.(session, io),
    moved: async (departure) => parts.moved?.(session, departure),
  };
}
