// The lock of one connection, counted: a locked stage may make an effect once, and locked stages may follow each other.
//
// Between the first `acquire` and the last `release` the connection stays (S7). While anybody has pinned it, moves are refused
// at once; otherwise they wait.

import type { LockKind } from '@migratory/stack';
import { ConnectionMoved } from '../errors.js';
import type { Lifeline } from './lifeline.js';
import type { StageConnection } from './stage-connection.js';

export class StateLock {
  readonly #connection: StageConnection;
  readonly #lifeline: Lifeline;
  readonly #counts = { locked: 0, pinned: 0 };
  #state: 'open' | LockKind = 'open';

  constructor(connection: StageConnection, lifeline: Lifeline) {
    this.#connection = connection;
    this.#lifeline = lifeline;
  }

  get isPinned(): boolean {
    return this.#state === 'pinned';
  }

  /** Throws where the connection has left: roll back and stop. */
  acquire(kind: LockKind = 'locked'): void {
    this.#lifeline.check();
    this.#counts[kind]++;
    if (this.#settle() === 'here') return;
    this.#counts[kind]--;
    throw new ConnectionMoved();
  }

  /** A move that has been waiting happens now. */
  release(kind: LockKind = 'locked'): void {
    this.#counts[kind]--;
    this.#settle();
  }

  #settle(): 'here' | 'migrated' {
    const { locked, pinned } = this.#counts;
    const state = pinned > 0 ? 'pinned' : locked > 0 ? 'locked' : 'open';
    if (state === this.#state) return 'here';
    this.#state = state;
    if (state !== 'open') return this.#connection.lockState(state);
    this.#connection.unlockState();
    return 'here';
  }
}
