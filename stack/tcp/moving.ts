// Standing still while the connection moves, and going on afterwards.
//
//   M1. A suspended record transmits nothing, runs no timer and ignores segments; its queues stay open to the user.
//   M2. What was learned of the old path is forgotten: round-trip time, congestion, back-off, its MTU, pieces out of order. The
//       last, because a new member must never be acknowledged more than it has sent itself.

import { advanceAcknowledged } from './progress.js';
import { segmentLength, timestampAt } from './compose.js';
import { startCongestion } from './congestion/select.js';
import { forgetMarks } from './explicit-congestion.js';
import { clearFlight } from './flight.js';
import { finAcknowledged, waitOut } from './lifecycle.js';
import { initialLoss } from './loss.js';
import { initialRack } from './rack.js';
import { forgetPathLimit } from './network-report.js';
import { restartRtt } from './rtt.js';
import type { TcpRecord } from './state.js';
import { forgetTailProbe } from './tail-probe.js';
import { stopTimers } from './timers.js';
import { startTuning } from './window-tuning.js';

export interface ResumeOptions {
  /** The peer's window in bytes, scaled already. */
  readonly peerWindow: number;
  /** What the peer is known to have received, its rcv.nxt as an offset of our stream; default: what it acknowledged. */
  readonly acknowledgedOffset?: number;
  /** The peer's time-stamp in the handshake of the move: what is older was sent before it, and is not accepted any more. */
  readonly peerTimestamp?: number | undefined;
}

/** M1. Has no effect on a suspended record. */
export function suspend(record: TcpRecord): void {
  record.suspended = true;
  stopTimers(record.timers);
}

/** Goes on from what the peer has, with an acknowledgment at once. Has no effect on a record that is not suspended. */
export function resume(record: TcpRecord, now: number, options: ResumeOptions): void {
  if (!record.suspended) return;
  record.suspended = false;
  if (record.state === 'closed') return;
  const { send, receive, config, timers } = record;
  restartRtt(record.rtt, config); // M2
  Object.assign(record.loss, initialLoss());
  record.congestion = startCongestion(config.congestionControl, segmentLength(record));
  distinguishTimestamps(record, now);
  clearFlight(record.flight);
  record.rack = initialRack(now);
  forgetTailProbe(record);
  forgetMarks(record);
  forgetPathLimit(record);
  receive.outOfOrder.length = 0;
  receive.blocks.length = 0;
  receive.duplicate = undefined;
  receive.tuning = { ...startTuning(config, now), measuredOffset: receive.readOffset };
  receive.pendingFinOffset = undefined;
  receive.lastReceivedAt = now;
  if (record.timestamps.enabled && options.peerTimestamp !== undefined) {
    record.timestamps.recent = options.peerTimestamp;
    record.timestamps.recentAt = now;
  }
  receive.acknowledgmentPending = true;
  const acknowledged = Math.min(options.acknowledgedOffset ?? send.unacknowledgedOffset, send.highestOffset);
  send.nextOffset = send.unacknowledgedOffset;
  send.retransmitPending = false;
  send.probePending = false;
  send.lastSentAt = now;
  if (acknowledged > send.unacknowledgedOffset) advanceAcknowledged(record, now, acknowledged);
  send.lastProgressAt = now;
  send.windowLength = options.peerWindow;
  send.maxWindowLength = Math.max(send.maxWindowLength, options.peerWindow);
  send.windowUpdateSequenceOffset = receive.nextOffset;
  send.windowUpdateAcknowledgmentOffset = send.unacknowledgedOffset;
  if (config.keepAliveIdleMs !== Infinity) timers.keepAliveAt = now + config.keepAliveIdleMs;
  if (record.state === 'time-wait') waitOut(record, now);
  else if (awaitsFinAcknowledgment(record) && acknowledged > (send.finOffset ?? Infinity)) finAcknowledged(record, now);
}

/** What is sent from now on is above all that was sent before, so that an echo tells which it answers. */
function distinguishTimestamps(record: TcpRecord, now: number): void {
  const { timestamps } = record;
  if (((timestampAt(record, now) - timestamps.lastSent) | 0) <= 0) {
    timestamps.offset = (timestamps.lastSent + 1 - Math.floor(now)) >>> 0;
  }
  timestamps.pathBeganAt = now;
}

function awaitsFinAcknowledgment({ state }: TcpRecord): boolean {
  return state === 'fin-wait-1' || state === 'closing' || state === 'last-ack';
}
