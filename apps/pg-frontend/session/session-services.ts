// What the sessions of all clients share at this member.

import type { SystemClock } from '../clock-adapter.js';
import type { Database } from '../database/database.js';
import type { CancelDesk } from './cancel-desk.js';
import type { SessionLog } from './session-log.js';

/** How transactions are committed: under the lock, or in two phases, without one. */
export type CommitMode = 'locked' | 'two-phase';

export class SessionServices {
  constructor(
    readonly database: Database,
    readonly clock: Pick<SystemClock, 'now' | 'wait'>,
    readonly desk: CancelDesk,
    readonly log: SessionLog,
    readonly commitMode: CommitMode = 'locked',
  ) {}
}
