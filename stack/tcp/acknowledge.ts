// What an acknowledgment does: data leaves the queue, timers and windows move, a FIN may be done.

import { FLAG, type Segment } from '../wire/segment.js';
import { timestampAt } from './compose.js';
import { challenge } from './challenge.js';
import { finAcknowledged } from './lifecycle.js';
import { armRetransmission, duplicateAcknowledged, recover } from './loss.js';
import { sendOffsetOf } from './offsets.js';
import { sampleRtt } from './rtt.js';
import { release } from './send-queue.js';
import type { TcpRecord } from './state.js';

/** Bytes written and not yet acknowledged. */
export function sendQueueLength({ send }: TcpRecord): number {
  return Math.max(0, send.endOffset - Math.max(0, send.unacknowledgedOffset));
}

/** Whether the user should stop writing: what a limit holds back counts towards the buffer only, since nothing here frees it. */
export function isFull(record: TcpRecord): boolean {
  const { send, config } = record;
  const unsentLength = Math.min(send.endOffset, send.limitOffset) - Math.max(0, send.highestOffset);
  return unsentLength >= config.unsentLength || sendQueueLength(record) >= config.sendBufferLength;
}

/**
 * Handles the acknowledgment of a segment that begins at `offset` of the peer's stream. `'refused'` means that the rest
 * of the segment must not be looked at either (RFC 5961 section 5).
 */
export function acknowledge(record: TcpRecord, now: number, segment: Segment, offset: number): 'taken' | 'refused' {
  const { send } = record;
  const acknowledged = sendOffsetOf(record, segment.acknowledgment);
  if (acknowledged > send.highestOffset || acknowledged < send.unacknowledgedOffset - send.maxWindowLength) {
    challenge(record, now);
    return 'refused';
  }
  const windowLength = segment.window * send.windowUnitLength;
  const isNew = acknowledged > send.unacknowledgedOffset;
  if (isNew) {
    const flightLength = send.nextOffset - send.unacknowledgedOffset;
    const length = acknowledged - send.unacknowledgedOffset;
    measure(record, now, segment, acknowledged);
    advanceAcknowledged(record, now, acknowledged);
    recover(record, now, length, flightLength);
  } else if (
    acknowledged === send.unacknowledgedOffset &&
    send.nextOffset > acknowledged &&
    segment.payloadLength === 0 &&
    (segment.flags & (FLAG.syn | FLAG.fin)) === 0 &&
    windowLength === send.windowLength
  ) {
    duplicateAcknowledged(record, now);
  }
  if (
    isNew ||
    (acknowledged === send.unacknowledgedOffset &&
      (offset > send.windowUpdateSequenceOffset ||
        (offset === send.windowUpdateSequenceOffset && acknowledged >= send.windowUpdateAcknowledgmentOffset)))
  ) {
    send.windowLength = windowLength;
    send.maxWindowLength = Math.max(send.maxWindowLength, windowLength);
    send.windowUpdateSequenceOffset = offset;
    send.windowUpdateAcknowledgmentOffset = acknowledged;
  }
  if (isNew && send.finOffset !== undefined && acknowledged > send.finOffset) finAcknowledged(record, now);
  return 'taken';
}

/** The peer has everything below `acknowledged`: releases it and restarts the timer (RFC 6298 sections 5.2 and 5.3). */
export function advanceAcknowledged(record: TcpRecord, now: number, acknowledged: number): void {
  const { send, loss } = record;
  send.unacknowledgedOffset = acknowledged;
  send.nextOffset = Math.max(send.nextOffset, acknowledged);
  release(send.queue, Math.min(acknowledged, send.endOffset));
  send.lastProgressAt = now;
  loss.timeoutCount = 0;
  if (send.nextOffset > acknowledged) armRetransmission(record, now);
  else record.timers.retransmissionAt = Infinity;
}

/** One round-trip sample (RFC 7323 section 4 where timestamps are in use, else the timed segment). */
export function measure(record: TcpRecord, now: number, segment: Segment, acknowledged: number): void {
  const { rtt, timestamps } = record;
  if (timestamps.enabled) {
    const echo = segment.options.timestamps?.echo;
    if (echo === undefined || ((echo - timestamps.firstValue) | 0) < 0) return;
    const sampleMs = (timestampAt(record, now) - echo) | 0;
    if (sampleMs >= 0) sampleRtt(rtt, record.config, sampleMs);
  } else if (rtt.timedOffset !== undefined && acknowledged >= rtt.timedOffset) {
    sampleRtt(rtt, record.config, now - rtt.timedAt);
    rtt.timedOffset = undefined;
  }
}
