// The lock of one connection, counted: a locked stage may make an effect once, and locked stages may follow each other.
//
// Between the first `acquire` and the last `release` the connection stays (S7).

import { ConnectionMoved } from '../errors.js';
import type { Lifeline } from './lifeline.js';
import type { StageConnection } from './stage-connection.js';

export class StateLock {
  readonly #connection: StageConnection;
  readonly #lifeline: Lifeline;
  #count = 0;

  constructor(connection: StageConnection, lifeline: Lifeline) {
    this.#connection = connection;
    this.#lifeline = lifeline;
  }

  /** Throws where the connection has left: roll back and stop. */
  acquire(): void {
    this.#lifeline.check();
    if (this.#count === 0 && this.#connection.lockState() === 'migrated') throw new ConnectionMoved();
    this.#count++;
  }

  /** A move that has been waiting happens now. */
  release(): void {
    this.#count--;
    if (this.#count === 0) this.#connection.unlockState();
  }
}
