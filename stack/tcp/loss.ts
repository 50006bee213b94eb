// When something was lost, and what is sent again: the retransmission timeout (RFC 6298), and where the peer knows no
// selective acknowledgments fast retransmit and recovery (RFC 5681, NewReno of RFC 6582); where it does, recovery.ts. How
// large the window then is, the congestion controller says.
//
//   L1. One window of data gives at most one reduction: no fast retransmit before all that was sent at the last loss
//       (`recoverOffset`) is acknowledged.
//   L2. After a timeout everything is sent again from the first unacknowledged byte, in slow start; with selective
//       acknowledgments only what is missing, as long as anything may be sent again at all.

import { segmentLength } from './compose.js';
import { controllerOf } from './congestion/select.js';
import { isReducedForMarks } from './explicit-congestion.js';
import { clearFlight } from './flight.js';
import { give } from './lifecycle.js';
import { markLostOnTimeout } from './rack.js';
import { backedOffTimeoutMs } from './rtt.js';
import type { LossState, TcpRecord } from './state.js';
import { forgetTailProbe } from './tail-probe.js';

const DUPLICATE_THRESHOLD = 3;

export function initialLoss(): LossState {
  return {
    phase: 'open',
    duplicateCount: 0,
    recoverOffset: -1,
    anotherLost: false,
    recoveryFlightLength: 0,
    recoveryDeliveredLength: 0,
    recoverySentLength: 0,
    timeoutCount: 0,
    probeCount: 0,
    keepAliveCount: 0,
    synLost: false,
  };
}

/** A duplicate acknowledgment arrived while data is outstanding. */
export function duplicateAcknowledged(record: TcpRecord, now: number): void {
  const { loss, send, congestion } = record;
  const length = segmentLength(record);
  loss.duplicateCount++;
  if (loss.phase === 'fast-recovery') {
    congestion.windowLength += length;
    return;
  }
  if (loss.phase !== 'open' || loss.duplicateCount !== DUPLICATE_THRESHOLD) return;
  if (send.unacknowledgedOffset <= loss.recoverOffset) return; // L1
  // What limited transmit let out beyond the window is no measure of it (RFC 5681 section 3.2, step 2).
  const flightLength = Math.min(congestion.windowLength, send.nextOffset - send.unacknowledgedOffset);
  if (!isReducedForMarks(record)) controllerOf(congestion).lost(congestion, now, flightLength, length);
  record.congestionMarks.reductionUntold = record.congestionMarks.agreed;
  congestion.windowLength = congestion.slowStartThresholdLength + DUPLICATE_THRESHOLD * length;
  loss.phase = 'fast-recovery';
  loss.recoverOffset = send.highestOffset;
  send.retransmitPending = true;
  record.rtt.timedOffset = undefined; // Karn
}

/** New data was acknowledged; `flightLength` was outstanding before, `send.unacknowledgedOffset` has moved already. */
export function recover(record: TcpRecord, now: number, acknowledgedLength: number, flightLength: number): void {
  const { loss, send, congestion } = record;
  const length = segmentLength(record);
  if (loss.phase === 'fast-recovery') {
    if (send.unacknowledgedOffset < loss.recoverOffset) {
      // A partial acknowledgment: the next hole (RFC 6582 section 3.2, step 3).
      send.retransmitPending = true;
      const deflated = congestion.windowLength - acknowledgedLength + (acknowledgedLength >= length ? length : 0);
      congestion.windowLength = Math.max(deflated, length);
      return;
    }
    const flight = send.nextOffset - send.unacknowledgedOffset;
    congestion.windowLength = Math.min(congestion.slowStartThresholdLength, Math.max(flight, length) + length);
    loss.phase = 'open';
    loss.duplicateCount = 0;
    return;
  }
  loss.duplicateCount = 0;
  growWindow(record, now, acknowledgedLength, flightLength);
  if (loss.phase === 'timeout' && send.unacknowledgedOffset >= loss.recoverOffset) loss.phase = 'open';
}

/** So much has arrived outside of a recovery, while `flightLength` was in the network. */
export function growWindow(record: TcpRecord, now: number, arrivedLength: number, flightLength: number): void {
  const { loss, congestion, config, rtt } = record;
  // A window that is not in use is not known to be right: it does not grow (RFC 7661).
  if (flightLength * 2 < congestion.windowLength || isReducedForMarks(record)) return;
  const length = segmentLength(record);
  const maxGrowthLength = loss.phase === 'timeout' ? length : Math.max(2 * length, config.maxSuperSegmentLength);
  const roundTripMs = rtt.smoothedMs ?? config.initialRtoMs;
  controllerOf(congestion).acknowledged(congestion, now, arrivedLength, length, maxGrowthLength, roundTripMs);
}

/** Starts the retransmission timer from now, with back-off, and never beyond the user timeout (R2 of RFC 9293 MUST-20). */
export function armRetransmission(record: TcpRecord, now: number): void {
  const at = now + backedOffTimeoutMs(record.rtt, record.config, record.rtt.backOffCount);
  const giveUpAt = record.send.lastProgressAt + record.config.userTimeoutMs;
  record.timers.retransmissionAt = giveUpAt > now ? Math.min(at, giveUpAt) : at;
}

export function retransmissionTimeout(record: TcpRecord, now: number): void {
  const { loss, send, congestion, config, timers } = record;
  timers.retransmissionAt = Infinity; // armed again by what is sent
  const opening = record.state === 'syn-sent' || record.state === 'syn-received';
  if (opening ? loss.timeoutCount >= config.synRetryCount : now - lastSignOfLife(record) >= config.userTimeoutMs) {
    give(record, 'timed-out');
    return;
  }
  if (opening) {
    send.synPending = true;
    loss.synLost = true;
  } else {
    const length = segmentLength(record);
    if (loss.timeoutCount === 0) {
      controllerOf(congestion).timedOut(congestion, now, send.highestOffset - send.unacknowledgedOffset, length);
    }
    congestion.windowLength = length;
    record.congestionMarks.reductionUntold = record.congestionMarks.agreed;
    loss.phase = 'timeout';
    loss.recoverOffset = send.highestOffset;
    loss.anotherLost = false;
    loss.duplicateCount = 0;
    forgetTailProbe(record);
    sendAgainAfterTimeout(record, now);
  }
  record.rtt.timedOffset = undefined; // Karn
  record.rtt.backOffCount++;
  loss.timeoutCount++;
  record.events.push({ kind: 'retransmission-timeout', consecutive: loss.timeoutCount });
}

/** L2. */
function sendAgainAfterTimeout(record: TcpRecord, now: number): void {
  const { send } = record;
  const selectively =
    record.sackPermitted &&
    send.windowLength > 0 &&
    send.unacknowledgedOffset < Math.min(send.limitOffset, send.nextOffset);
  send.retransmitPending = selectively;
  if (selectively) {
    markLostOnTimeout(record, now);
    return;
  }
  send.nextOffset = send.unacknowledgedOffset;
  if (send.unacknowledgedOffset >= send.limitOffset) send.blocked = true;
  clearFlight(record.flight);
  record.timers.reorderingAt = Infinity;
}

/** A peer that answers with a closed window is alive (RFC 9293 MUST-37), one that does not acknowledge otherwise is not. */
function lastSignOfLife({ send, receive }: TcpRecord): number {
  return send.windowLength === 0 ? Math.max(send.lastProgressAt, receive.lastReceivedAt) : send.lastProgressAt;
}
