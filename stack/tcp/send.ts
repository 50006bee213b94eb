// What may be sent now: new data in super-segments, FIN, what resend.ts sends again, probes, or a bare acknowledgment.
//
//   T1. Nothing at or beyond `limitOffset` leaves, the FIN included.
//   T2. A segment shorter than the MSS leaves only at the end of the data (and with Nagle for the first time only while nothing
//       is outstanding), or when the peer's window has never been wider (sender's silly-window avoidance, RFC 9293 MUST-38).
//   T3. While something waits and nothing is outstanding a timer runs: the persist timer, if the window is the reason.

import { FLAG, type Segment } from '../wire/segment.js';
import { acceptableOffset, compose, composeSyn, NO_PAYLOAD, segmentLength } from './compose.js';
import { controllerOf } from './congestion/select.js';
import { allowMarks } from './explicit-congestion.js';
import { MARK, noteSent } from './flight.js';
import { armRetransmission } from './loss.js';
import { forgetPathLimit } from './network-report.js';
import { nextRepeated, repeatLast } from './resend.js';
import { backedOffTimeoutMs } from './rtt.js';
import { pipeLength } from './scoreboard.js';
import { sliceAtCursor } from './send-queue.js';
import type { TcpRecord } from './state.js';
import { armTailProbe } from './tail-probe.js';

/** RFC 3042: so many duplicate acknowledgments each let one new segment out. */
const LIMITED_TRANSMIT_COUNT = 2;
/** What leaves within this part of a round trip is told apart no further. */
const QUANTA_PER_ROUND_TRIP = 64;

/** The next segment to transmit now, or undefined. */
export function nextSegment(record: TcpRecord, now: number): Segment | undefined {
  const { send, receive } = record;
  if (send.synPending) return nextSyn(record, now);
  if (record.state === 'closed' || record.state === 'syn-sent') return undefined;
  if (record.state !== 'syn-received' && send.unacknowledgedOffset < endOfStream(record)) {
    const segment =
      nextRepeated(record, now) ?? nextTailProbe(record, now) ?? nextNew(record, now) ?? nextProbe(record, now);
    if (segment !== undefined) return segment;
    armPersist(record, now);
  }
  if (send.keepAlivePending) {
    send.keepAlivePending = false;
    return compose(record, now, send.nextOffset - 1, 0, NO_PAYLOAD, 0);
  }
  if (receive.acknowledgmentPending) return compose(record, now, acceptableOffset(record), 0, NO_PAYLOAD, 0);
  return undefined;
}

function nextSyn(record: TcpRecord, now: number): Segment {
  const { send, rtt, timers } = record;
  send.synPending = false;
  if (send.highestOffset < 0) {
    send.nextOffset = 0;
    send.highestOffset = 0;
    rtt.timedOffset = 0;
    rtt.timedAt = now;
  } else {
    rtt.timedOffset = undefined; // Karn
  }
  // What answers a repeated SYN leaves the timer as it is: it would never come for one who asks often enough.
  if (timers.retransmissionAt === Infinity) {
    timers.retransmissionAt = now + backedOffTimeoutMs(rtt, record.config, rtt.backOffCount);
  }
  return composeSyn(record, now);
}

/** Data that the congestion window and the peer's window allow, from `nextOffset` on, with the FIN where it follows. */
function nextNew(record: TcpRecord, now: number): Segment | undefined {
  const { send } = record;
  const streamEnd = Math.min(send.endOffset, send.limitOffset); // T1
  const available = streamEnd - send.nextOffset;
  const finWaits = send.finOffset !== undefined && send.nextOffset <= send.finOffset && finAllowed(record);
  if (available <= 0 && !finWaits) return undefined;
  if (send.pathLimitEndsAt <= now) forgetPathLimit(record);
  if (send.nextOffset === send.unacknowledgedOffset) restartAfterIdle(record, now);
  const length = available > 0 ? sendableLength(record, available) : 0;
  const end = send.nextOffset + length;
  const withFin =
    finWaits && end === send.finOffset && end < send.unacknowledgedOffset + Math.max(send.windowLength, 0);
  if (length === 0 && !withFin) return undefined;
  const payload = length > 0 ? sliceAtCursor(send.queue, send.queue.fresh, send.nextOffset, length) : NO_PAYLOAD;
  const flags = (end === streamEnd && length > 0 ? FLAG.psh : 0) | (withFin ? FLAG.fin : 0);
  const segment = compose(record, now, send.nextOffset, flags, payload, length);
  if (record.congestionMarks.agreed && length > 0 && send.nextOffset >= send.highestOffset) allowMarks(record, segment);
  sent(record, now, withFin ? end + 1 : end);
  return segment;
}

/** How much of `waiting` leaves in one segment now; zero when it is better to wait. */
function sendableLength(record: TcpRecord, waiting: number): number {
  const { send, congestion, config } = record;
  const mss = segmentLength(record);
  // What tells of a reduction is one segment, for who cuts super-segments need not know the flag.
  const available = record.congestionMarks.reductionUntold ? Math.min(waiting, mss) : waiting;
  const flight = send.nextOffset - send.unacknowledgedOffset;
  const congestionLength = Math.max(congestion.windowLength, mss) + limitedTransmitLength(record, mss);
  const usable = Math.min(send.windowLength - flight, congestionLength - pipeLength(record));
  const burst = Math.max(mss, config.maxSuperSegmentLength - (config.maxSuperSegmentLength % mss));
  if (available <= Math.min(usable, burst)) {
    // All that waits.
    const hasLeftBefore = send.nextOffset + available <= send.highestOffset;
    if (config.noDelay || flight === 0 || available % mss === 0 || send.finOffset !== undefined || hasLeftBefore) {
      return available;
    }
    return available - (available % mss); // T2: Nagle
  }
  const length = Math.min(usable, burst);
  if (length >= mss) {
    if (length < burst && flight > 0 && isUntroubled(record)) {
      // An acknowledgment is on its way: a longer super-segment then is cheaper than a short one now.
      if (length < Math.min(burst, Math.min(send.windowLength, congestionLength) / 4)) return 0;
    }
    return length - (length % mss);
  }
  const byWindow = send.windowLength - flight;
  return byWindow === length && length > 0 && length >= send.maxWindowLength / 2 ? length : 0; // T2
}

/** Nothing hints at a loss. */
function isUntroubled({ loss, flight }: TcpRecord): boolean {
  return loss.phase === 'open' && loss.duplicateCount === 0 && flight.sackedLength === 0;
}

function limitedTransmitLength({ loss }: TcpRecord, mss: number): number {
  if (loss.phase !== 'open' || loss.duplicateCount === 0) return 0;
  return Math.min(loss.duplicateCount, LIMITED_TRANSMIT_COUNT) * mss;
}

/** Accounts for new or repeated data up to `end`. */
function sent(record: TcpRecord, now: number, end: number): void {
  const { send, rtt, timers, loss } = record;
  // R2 counts how long the peer has had something to acknowledge (RFC 9293 section 3.8.3).
  if (send.blocked || (send.nextOffset === send.unacknowledgedOffset && loss.timeoutCount === 0))
    send.lastProgressAt = now;
  send.blocked = false;
  if (!record.timestamps.enabled && rtt.timedOffset === undefined && send.nextOffset === send.highestOffset) {
    rtt.timedOffset = end;
    rtt.timedAt = now;
  }
  if (record.sackPermitted) noteInFlight(record, now, end);
  send.nextOffset = end;
  send.highestOffset = Math.max(send.highestOffset, end);
  send.lastSentAt = now;
  send.probePending = false;
  loss.probeCount = 0;
  timers.persistAt = Infinity;
  if (timers.retransmissionAt === Infinity) armRetransmission(record, now);
  if (record.sackPermitted) armTailProbe(record, now);
}

function noteInFlight({ send, rtt, flight, loss, config }: TcpRecord, now: number, end: number): void {
  // After a move, or a timeout in which nothing could be sent, it may have left before.
  const marks = send.nextOffset < send.highestOffset ? MARK.repeated : 0;
  const quantumMs = (rtt.smoothedMs ?? 0) / QUANTA_PER_ROUND_TRIP;
  noteSent(flight, now, send.nextOffset, end, marks, quantumMs, config.maxFlightRangeCount);
  if (loss.phase === 'fast-recovery') loss.recoverySentLength += end - send.nextOffset;
}

/** The probe for the end of the flight: new data where the peer's window takes it, else the last segment again. */
function nextTailProbe(record: TcpRecord, now: number): Segment | undefined {
  const { send, loss, tailProbe } = record;
  if (!tailProbe.pending) return undefined;
  tailProbe.pending = false;
  if (loss.phase !== 'open' || send.nextOffset === send.unacknowledgedOffset) return undefined;
  const from = send.nextOffset;
  const streamEnd = Math.min(send.endOffset, send.limitOffset);
  const length = Math.min(streamEnd - from, segmentLength(record));
  let segment: Segment | undefined;
  if (length > 0 && from + length <= send.unacknowledgedOffset + send.windowLength) {
    const flags = from + length === streamEnd ? FLAG.psh : 0;
    segment = compose(record, now, from, flags, sliceAtCursor(send.queue, send.queue.fresh, from, length), length);
    sent(record, now, from + length);
    armRetransmission(record, now);
  } else {
    segment = repeatLast(record, now);
  }
  if (segment === undefined) return undefined;
  tailProbe.endOffset = send.nextOffset;
  tailProbe.repeated = send.nextOffset === from;
  record.timers.tailProbeAt = Infinity;
  return segment;
}

/**
 * What the persist timer sends (RFC 9293 MUST-36, section 3.8.6.2.1): all that a narrow window takes, or one byte beyond a
 * closed one, or the FIN. The probe is not counted as sent: it is part of the next segment again.
 */
function nextProbe(record: TcpRecord, now: number): Segment | undefined {
  const { send } = record;
  if (!send.probePending) return undefined;
  send.probePending = false;
  const from = send.nextOffset;
  const available = Math.min(send.endOffset, send.limitOffset) - from;
  if (from !== send.unacknowledgedOffset || (available <= 0 && !finAllowed(record))) return undefined;
  if (available > 0 && send.windowLength > 0) {
    const length = Math.min(available, send.windowLength, segmentLength(record));
    const segment = compose(
      record,
      now,
      from,
      FLAG.psh,
      sliceAtCursor(send.queue, send.queue.fresh, from, length),
      length,
    );
    sent(record, now, from + length);
    return segment;
  }
  send.highestOffset = Math.max(send.highestOffset, from + 1);
  return available > 0
    ? compose(record, now, from, 0, sliceAtCursor(send.queue, send.queue.fresh, from, 1), 1)
    : compose(record, now, from, FLAG.fin, NO_PAYLOAD, 0);
}

/** T3. Called when nothing could be sent. */
function armPersist(record: TcpRecord, now: number): void {
  const { send, timers, loss, rtt, config } = record;
  if (timers.persistAt !== Infinity || !windowHolds(record)) return;
  // What has been sent before, and not been acknowledged, waits since then: who is gone must not be probed for ever.
  if (loss.timeoutCount === 0) send.lastProgressAt = now;
  if (send.windowLength === 0) send.blocked = true;
  timers.persistAt = now + backedOffTimeoutMs(rtt, config, loss.probeCount);
}

/** Whether something waits while nothing is outstanding that an acknowledgment could come for. */
export function windowHolds(record: TcpRecord): boolean {
  const { send } = record;
  if (send.nextOffset !== send.unacknowledgedOffset) return false;
  if (send.nextOffset < Math.min(send.endOffset, send.limitOffset)) return true;
  return send.nextOffset === send.finOffset && finAllowed(record);
}

/** RFC 5681 section 4.1. */
function restartAfterIdle(record: TcpRecord, now: number): void {
  const { send, rtt, congestion } = record;
  if (now - send.lastSentAt > rtt.timeoutMs) controllerOf(congestion).idled(congestion, segmentLength(record));
}

/** T1 for the FIN. */
function finAllowed({ send }: TcpRecord): boolean {
  return send.finOffset !== undefined && send.finOffset < send.limitOffset;
}

/** Where the stream ends, its FIN included. */
function endOfStream({ send }: TcpRecord): number {
  return send.finOffset === undefined ? send.endOffset : send.finOffset + 1;
}
