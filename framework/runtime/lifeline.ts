// The lifeline: whether the connection is still here, and if not, why.
//
// One per hosted connection. Everything that waits on the connection waits through it, so that a move or the connection's
// death ends every wait with the right error, at once, whatever the stream was doing.

import type { Departure } from '../definition.js';
import { ConnectionLost, ConnectionMoved } from '../errors.js';
import type { StageConnection } from './stage-connection.js';

export type Presence =
  | { readonly kind: 'here' }
  | { readonly kind: 'moved'; readonly departure: Departure; readonly error: ConnectionMoved }
  | { readonly kind: 'lost'; readonly error: ConnectionLost };

export class Lifeline {
  /** Resolves when the stream has closed, for whatever reason. */
  readonly closed: Promise<void>;
  readonly #connection: StageConnection;
  readonly #abort = new AbortController();
  readonly #waits = new Set<() => void>();
  #presence: Presence = { kind: 'here' };
  #transportError: unknown;

  constructor(connection: StageConnection, onMoved: (departure: Departure) => void) {
    this.#connection = connection;
    connection.on('error', (error: Error) => {
      this.#transportError ??= error;
    });
    connection.on('moved', (departure: Departure) => {
      this.#leave({ kind: 'moved', departure, error: new ConnectionMoved() });
      onMoved(departure);
    });
    this.closed = new Promise((resolve) => {
      const close = (): void => {
        this.#leave({ kind: 'lost', error: new ConnectionLost({ cause: this.#transportError }) });
        resolve();
      };
      if (connection.closed) close();
      else connection.once('close', close);
    });
  }

  get presence(): Presence {
    return this.#presence;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Throws `ConnectionMoved` or `ConnectionLost` when the connection isn't here any more. */
  check(): void {
    if (this.#presence.kind !== 'here') throw this.#presence.error;
    if (this.#connection.destroyed) throw new ConnectionLost({ cause: this.#transportError });
  }

  /** Waits until one of the stream's events happens. Throws like `check`. */
  async wait(...events: readonly string[]): Promise<void> {
    this.check();
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        for (const event of events) this.#connection.off(event, settle);
        this.#waits.delete(settle);
        resolve();
      };
      for (const event of events) this.#connection.once(event, settle);
      this.#waits.add(settle);
    });
    this.check();
  }

  #leave(presence: Exclude<Presence, { kind: 'here' }>): void {
    if (this.#presence.kind !== 'here') return;
    this.#presence = presence;
    for (const settle of [...this.#waits]) settle();
    this.#abort.abort(presence.error);
  }
}
