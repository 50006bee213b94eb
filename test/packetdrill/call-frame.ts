// One system call as it is carried out: its arguments with their meaning, and how it can end.

import { NotExpressible, type Place } from './not-expressible.js';
import type { Call, Expression } from './script.js';
import type { Socket, Stream } from './sockets.js';
import type { World } from './world.js';

export type Outcome =
  | { readonly kind: 'returns'; readonly value: number }
  /** With -1 and this error number. */
  | { readonly kind: 'fails'; readonly failure: string }
  /** Not yet: to be tried again when something has happened. */
  | { readonly kind: 'waits' }
  /** What was filled in is not what the script has there. */
  | { readonly kind: 'differs'; readonly what: string };

export const DONE: Outcome = { kind: 'returns', value: 0 };
export const WAITS: Outcome = { kind: 'waits' };

export function fails(failure: string): Outcome {
  return { kind: 'fails', failure };
}

export class Frame {
  constructor(
    readonly world: World,
    readonly place: Place,
    readonly call: Call,
  ) {}

  argument(index: number): Expression {
    const argument = this.call.arguments[index];
    if (argument === undefined) throw this.unable(`${this.call.name} with ${this.call.arguments.length} arguments`);
    return argument;
  }

  number(index: number): number {
    const argument = this.argument(index);
    if (argument.kind !== 'number') throw this.unable(`${this.call.name}: argument ${index + 1} is no number`);
    return argument.value;
  }

  /** The names in `A|B`; of anything else none. */
  names(index: number): readonly string[] {
    return namesOf(this.argument(index));
  }

  /** `[1]` as 1, and 1 as itself. */
  innerNumber(index: number): number | undefined {
    const argument = this.argument(index);
    const inner = argument.kind === 'list' && argument.items.length === 1 ? argument.items[0] : argument;
    return inner?.kind === 'number' ? inner.value : undefined;
  }

  /** What the script wants to see in `[...]`; undefined where it wants nothing in particular. */
  wantedResult(): number | undefined {
    return this.call.result.kind === 'number' ? this.call.result.value : undefined;
  }

  /** Calls are only carried out on sockets that are open. */
  get socket(): Socket {
    const socket = this.world.sockets.get(this.number(0));
    if (socket === undefined) throw new Error(`${this.call.name} on a socket that is not open`);
    return socket;
  }

  /** The socket's connection, or undefined where it has none. */
  get stream(): Stream | undefined {
    const { role } = this.socket;
    return role.kind === 'stream' ? role.stream : undefined;
  }

  /** As a call that finds nothing ends: it waits, or says so. */
  wait(failure = 'EAGAIN'): Outcome {
    return this.socket.waiting === 'blocks' ? WAITS : fails(failure);
  }

  unable(reason: string): NotExpressible {
    return new NotExpressible(this.place, reason);
  }
}

export function namesOf(expression: Expression): readonly string[] {
  if (expression.kind === 'word') return [expression.name];
  return expression.kind === 'union' ? expression.parts.flatMap(namesOf) : [];
}
