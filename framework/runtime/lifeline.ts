// The lifeline: whether the connection is still here, and if not, why.
//
// One per hosted connection, and the only one that listens to it. Everything that waits on the connection waits through it
// or hears from it, so that a move, the connection's death or an interruption of the stage ends every wait with the right
// error, at once, whatever the stream was doing.

import type { Departure } from '../definition.js';
import { ConnectionLost, ConnectionMoved, ReplayDiverged } from '../errors.js';
import type { StageConnection } from './stage-connection.js';

export type Presence =
  | { readonly kind: 'here' }
  | { readonly kind: 'moved'; readonly error: ConnectionMoved }
  | { readonly kind: 'lost'; readonly error: ConnectionLost }
  | { readonly kind: 'diverged'; readonly error: ReplayDiverged };

/** What happens to the connection, for those whom it concerns. */
export interface LifelineWatch {
  /** There may be something to read, or the end of the client's stream. */
  readable(): void;
  moved(departure: Departure): void;
  /** Whatever took it away; before `moved`, where it was that. */
  gone(): void;
}

type Settle = (error?: Error) => void;
type Awaited = 'drain' | 'finish';

/** Where a connection has its lifeline: so that all connections share their listeners. */
const LIFELINE = Symbol('lifeline');

type Watched = StageConnection & { [LIFELINE]?: Lifeline };

function onReadable(this: Watched): void {
  this[LIFELINE]?.readable();
}

function onError(this: Watched, error: Error): void {
  this[LIFELINE]?.failed(error);
}

function onMoved(this: Watched, departure: Departure): void {
  this[LIFELINE]?.moved(departure);
}

function onDrain(this: Watched): void {
  this[LIFELINE]?.happened('drain');
}

function onFinish(this: Watched): void {
  this[LIFELINE]?.happened('finish');
}

function onClose(this: Watched): void {
  this[LIFELINE]?.closed();
}

const HERE: Presence = { kind: 'here' };

export class Lifeline {
  readonly #connection: StageConnection;
  readonly #watch: LifelineWatch;
  /** What waits for which event; many writes may wait for one. */
  #waits: Map<Settle, Awaited> | undefined;
  #abort: AbortController | undefined;
  #presence: Presence = HERE;
  #transportError: unknown;
  #closed: 'open' | 'closed' = 'open';

  constructor(connection: StageConnection, watch: LifelineWatch) {
    this.#connection = connection;
    this.#watch = watch;
    (connection as Watched)[LIFELINE] = this;
    connection.on('readable', onReadable).on('end', onReadable).on('error', onError).on('moved', onMoved);
    if (connection.closed) this.closed();
    else connection.on('close', onClose);
  }

  readable(): void {
    this.#watch.readable();
  }

  failed(error: Error): void {
    this.#transportError ??= error;
  }

  moved(departure: Departure): void {
    this.#leave({ kind: 'moved', error: new ConnectionMoved() });
    this.#watch.moved(departure);
  }

  /** Of this instant: the stream may be destroyed already, though its 'error' and 'close' are still to come. */
  get presence(): Presence {
    if (this.#presence.kind === 'here' && this.#connection.destroyed) this.#leave(this.#loss());
    return this.#presence;
  }

  /** Aborted when the connection isn't here any more. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    const { presence } = this;
    if (presence.kind !== 'here') this.#abort.abort(presence.error);
    return this.#abort.signal;
  }

  /** Throws `ConnectionMoved`, `ConnectionLost` or `ReplayDiverged` when the connection isn't here any more. */
  check(): void {
    const { presence } = this;
    if (presence.kind !== 'here') throw presence.error;
  }

  /** Waits until an event of the stream. Throws like `check`, and what the wait is interrupted with. */
  async wait(event: Awaited): Promise<void> {
    this.check();
    await new Promise<void>((resolve, reject) => {
      this.#waitsOf().set((interruption) => {
        if (interruption === undefined) resolve();
        else reject(interruption);
      }, event);
    });
    this.check();
  }

  /** Only a connection that has had to wait listens for it. */
  #waitsOf(): Map<Settle, Awaited> {
    if (this.#waits === undefined) {
      this.#waits = new Map();
      this.#connection.on('drain', onDrain).on('finish', onFinish);
    }
    return this.#waits;
  }

  happened(event: Awaited): void {
    this.#settle((awaited) => awaited === event);
  }

  #settle(concerned: (awaited: Awaited) => boolean, interruption?: Error): void {
    const settled = [...(this.#waits ?? [])].filter(([, awaited]) => concerned(awaited));
    for (const [settle] of settled) {
      this.#waits?.delete(settle);
      settle(interruption);
    }
  }

  /** Ends what waits now with `error`; the connection itself is as it was. */
  interrupt(error: Error): void {
    this.#settle(() => true, error);
  }

  /** Resolves when the stream has closed, for whatever reason. */
  async untilClosed(): Promise<void> {
    if (this.#closed === 'closed') return;
    await new Promise<void>((resolve) => this.#connection.once('close', resolve));
  }

  closed(): void {
    this.#closed = 'closed';
    this.#leave(this.#loss());
  }

  #loss(): Exclude<Presence, { kind: 'here' }> {
    const cause = this.#transportError ?? this.#connection.errored ?? undefined;
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_REPLAY_DIVERGED') {
      return { kind: 'diverged', error: new ReplayDiverged({ cause }) };
    }
    return { kind: 'lost', error: new ConnectionLost({ cause }) };
  }

  #leave(presence: Exclude<Presence, { kind: 'here' }>): void {
    if (this.#presence.kind !== 'here') return;
    this.#presence = presence;
    this.#settle(() => true);
    this.#abort?.abort(presence.error);
    this.#watch.gone();
  }
}
