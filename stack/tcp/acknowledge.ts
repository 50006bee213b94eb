// What an acknowledgment does: data leaves the queue, timers and windows move, a FIN may be done.

import { FLAG, type Segment } from '../wire/segment.js';
import { hearEcho } from './explicit-congestion.js';
import { finAcknowledged } from './lifecycle.js';
import { duplicateAcknowledged, recover } from './loss.js';
import { advanceAcknowledged, measure } from './progress.js';
import { acknowledgeSelectively } from './recovery.js';
import type { TcpRecord } from './state.js';

/** Bytes written and not yet acknowledged. */
export function sendQueueLength({ send }: TcpRecord): number {
  return Math.max(0, send.endOffset - Math.max(0, send.unacknowledgedOffset));
}

/** Whether the user should stop writing. What a limit holds back does not count: nothing here frees it, the user may have to. */
export function isFull(record: TcpRecord): boolean {
  const { send, config } = record;
  const end = Math.min(send.endOffset, send.limitOffset);
  return (
    end - Math.max(0, send.highestOffset) >= config.unsentLength ||
    end - Math.max(0, send.unacknowledgedOffset) >= config.sendBufferLength
  );
}

/** Whether the peer can mean it: neither what was never sent, nor what is longer ago than its window (RFC 5961 section 5). */
export function isAcceptable({ send }: TcpRecord, acknowledged: number): boolean {
  return acknowledged <= send.highestOffset && acknowledged >= send.unacknowledgedOffset - send.maxWindowLength;
}

/** Handles an acceptable acknowledgment of all below `acknowledged`, in a segment that begins at `offset` of the peer's stream. */
export function acknowledge(
  record: TcpRecord,
  now: number,
  segment: Segment,
  offset: number,
  acknowledged: number,
): void {
  const { send } = record;
  const windowLength = segment.window * send.windowUnitLength;
  const isNew = acknowledged > send.unacknowledgedOffset;
  if ((segment.flags & FLAG.ece) !== 0 && record.congestionMarks.agreed) hearEcho(record, now);
  if (record.sackPermitted) {
    acknowledgeSelectively(record, now, segment, acknowledged);
  } else if (isNew) {
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
}
