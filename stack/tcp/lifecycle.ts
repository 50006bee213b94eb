// How a connection ends: what the user asks for, what the peer does, and what each leaves behind.

import { composeReset } from './compose.js';
import { advance, type CloseReason, type TcpRecord } from './state.js';
import { stopTimers } from './timers.js';

/** The user writes nothing more (RFC 9293 section 3.10.4). The reading side stays open. */
export function close(record: TcpRecord): void {
  const { send } = record;
  if (send.finOffset !== undefined) return;
  switch (record.state) {
    case 'syn-sent':
      if (send.endOffset === 0) {
        advance(record, 'close');
        leave(record, 'finished');
      } else {
        send.finOffset = send.endOffset; // held back until the handshake is over
      }
      break;
    case 'syn-received':
      send.finOffset = send.endOffset;
      break;
    case 'established':
    case 'close-wait':
      send.finOffset = send.endOffset;
      advance(record, 'close');
      break;
    default:
      break;
  }
}

/** The user gives the connection up (RFC 9293 section 3.10.5). A suspended connection may live on elsewhere: no reset. */
export function abort(record: TcpRecord): void {
  switch (record.state) {
    case 'closed':
      return;
    case 'syn-received':
    case 'established':
    case 'fin-wait-1':
    case 'fin-wait-2':
    case 'close-wait':
      if (!record.suspended) record.outbox.push(composeReset(record));
      break;
    default:
      break;
  }
  give(record, 'aborted');
}

/** The connection is over at once, whatever its state. */
export function give(record: TcpRecord, reason: CloseReason): void {
  advance(record, 'gone');
  leave(record, reason);
}

/** The peer has acknowledged our FIN. */
export function finAcknowledged(record: TcpRecord, now: number): void {
  advance(record, 'fin-acknowledged');
  if (record.state === 'time-wait') waitOut(record, now);
  if (record.state === 'closed') leave(record, 'finished');
}

/** All that the peer sent has arrived. */
export function finReceived(record: TcpRecord, now: number): void {
  advance(record, 'fin-received');
  if (record.state === 'time-wait') waitOut(record, now);
}

/** Enters TIME-WAIT, or begins it again (RFC 9293 MUST-13). For the user the connection is over already. */
export function waitOut(record: TcpRecord, now: number): void {
  stopTimers(record.timers);
  record.timers.timeWaitAt = now + record.config.timeWaitMs;
  record.closeReason ??= 'finished';
}

/** In 'closed': nothing is sent and no timer runs any more. Unread data can still be read. */
function leave(record: TcpRecord, reason: CloseReason): void {
  stopTimers(record.timers);
  record.closeReason ??= reason;
  record.send.synPending = false;
  record.receive.acknowledgmentPending = false;
}
