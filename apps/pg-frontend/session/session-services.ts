// What the sessions of all clients share at this member.

import type { SystemClock } from '../clock-adapter.js';
import type { Database } from '../database/database.js';
import type { CancelDesk } from './cancel-desk.js';
import type { SessionLog } from './session-log.js';

/** How transactions are committed: under the lock, or in two phases, without one. */
export type CommitMode = 'locked' | 'two-phase';

export class SessionServices {
  readonly #handOvers = new Set<Promise<void>>();

  constructor(
    readonly database: Database,
    readonly clock: Pick<SystemClock, 'now' | 'wait'>,
    readonly desk: CancelDesk,
    readonly log: SessionLog,
    /** By which members know what another member hands over. */
    readonly handOverSecret: Uint8Array,
    readonly commitMode: CommitMode = 'locked',
  ) {}

  /** A session that has left hands over its notifications until `handedOver` resolves. */
  isHandingOver(handedOver: Promise<void>): void {
    this.#handOvers.add(handedOver);
    void handedOver.finally(() => this.#handOvers.delete(handedOver));
  }

  /** Resolves when all sessions that have left have handed over what they had: before that, none may be closed. */
  async allHandedOver(): Promise<void> {
    await Promise.all(this.#handOvers);
  }
}
