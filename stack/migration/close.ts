// The end of a migratory connection, whatever brought it about: one place, so that the reason is told once.

import { handle as handleTcp } from '../tcp/connection.js';
import { composeReset } from '../tcp/compose.js';
import { advance } from './machine.js';
import type { CloseReason, MigratoryRecord } from './record.js';

/** The peer is reset, and the reason is told. Without effect on a connection that is over, or lives elsewhere. */
export function closeWith(record: MigratoryRecord, now: number, reason: CloseReason): void {
  if (isOver(record)) return;
  // A suspended TCP sends nothing by itself: the member that may still hold the connection must not be left waiting.
  if (record.tcp.suspended) record.outbox.push({ to: record.remote, segment: composeReset(record.tcp) });
  handleTcp(record.tcp, now, { kind: 'abort' });
  finish(record, reason);
}

/** TCP itself has ended. */
export function finish(record: MigratoryRecord, reason: CloseReason): void {
  if (isOver(record)) return;
  advance(record, { kind: 'closed' });
  record.events.push({ kind: 'closed', reason });
}

export function isOver(record: MigratoryRecord): boolean {
  return record.phase.kind === 'closed' || record.phase.kind === 'departed';
}
