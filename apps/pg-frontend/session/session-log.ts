// What a session tells of itself, for the log and the metrics. No statement, no parameter, no name of a client's object.

import type { Pin } from './session-fields.js';

export type SessionEvent =
  | { readonly kind: 'logged-in'; readonly user: string; readonly database: string }
  | { readonly kind: 'login-refused'; readonly code: string }
  /** A transaction was run again at another session of the database, here or after a move. */
  | {
      readonly kind: 'resumed';
      readonly epoch: number;
      readonly statements: number;
      readonly outcome: 'equal' | 'different' | 'lost';
      readonly durationMs: number;
    }
  | { readonly kind: 'pinned'; readonly pins: readonly Pin[] }
  | { readonly kind: 'unpinned' }
  /** The session at the database went away in the middle of a COMMIT, and the database was asked what became of it. */
  | { readonly kind: 'resolved'; readonly fate: 'committed' | 'aborted' | 'unknown' }
  /** Of what was notified during a move something may be missed, or come too late. */
  | { readonly kind: 'hand-over-failed'; readonly reason: 'too-much' | 'not-in-time' | 'not-notifications' }
  | { readonly kind: 'ended'; readonly code: string }
  | { readonly kind: 'cancelled' };

export interface SessionLog {
  record(cid: string | undefined, event: SessionEvent): void;
}
