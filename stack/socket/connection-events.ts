// What a connection tells its user beyond what a Duplex does, and how a move that was asked for ends.

import type { StartMoveOutcome } from '../migration/client-role.js';
import type { CloseReason, MoveReport, Trouble } from '../migration/record.js';
import type { MemberId } from '../wire/migrate-options.js';

/** How a move asked for by the client ended. */
export type MoveOutcome =
  | { readonly kind: 'moved'; readonly report: MoveReport }
  /** No other member took it; it goes on where it was. */
  | { readonly kind: 'stayed'; readonly report: MoveReport }
  | {
      readonly kind: 'impossible';
      readonly cause: Extract<StartMoveOutcome, { kind: 'impossible' }>['cause'] | 'no-other-member';
    }
  | { readonly kind: 'lost'; readonly reason: CloseReason };

/** A move that does not begin. */
export function impossible(cause: Extract<MoveOutcome, { kind: 'impossible' }>['cause']): Promise<MoveOutcome> {
  return Promise.resolve({ kind: 'impossible', cause });
}

/** The event 'moved' of a server's connection. */
export interface Departure {
  readonly to: MemberId;
  readonly epoch: number;
}

/**
 * The events of a connection beyond those of a Duplex, with what their listeners get.
 *
 * @public
 */
export interface MigratoryConnectionEvents {
  /** Client: the handshake is done. */
  connect: [];
  /** Both ends have agreed on migration: the connection can move from now on. */
  migratable: [];
  /** Client: a move has ended, perhaps where it began. */
  move: [MoveReport];
  /** Server: the connection has left for another member; the stream closes without an error. */
  moved: [Departure];
  /** Nothing that ends the connection: it goes on trying (RFC 9293 MUST-47, SHLD-9, SHLD-25). */
  trouble: [Trouble];
  /** The peer has urgent data, or more of it: see `urgentLength`. */
  urgent: [];
}
