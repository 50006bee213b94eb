// What is sent again: the first unacknowledged segment where NewReno or a timeout asks for it, with selective
// acknowledgments whatever is marked as lost, and the probe for the end of the flight.

import { FLAG, type Segment } from '../wire/segment.js';
import { compose, NO_PAYLOAD, segmentLength } from './compose.js';
import { locate, MARK, noteRepeated, rangeStart, setMarks, splitRange } from './flight.js';
import { armRetransmission } from './loss.js';
import { pipeLength } from './scoreboard.js';
import { sliceAtCursor } from './send-queue.js';
import type { TcpRecord } from './state.js';

export function nextRepeated(record: TcpRecord, now: number): Segment | undefined {
  if (record.sackPermitted) return record.flight.lostLength > 0 ? nextLost(record, now) : undefined;
  const { send } = record;
  if (!send.retransmitPending) return undefined;
  send.retransmitPending = false;
  const from = send.unacknowledgedOffset;
  const end = Math.min(from + segmentLength(record), send.highestOffset);
  return repeat(record, now, from, end);
}

/** The first range that is marked as lost, as far as the window lets it. The first of a recovery waits for no window. */
function nextLost(record: TcpRecord, now: number): Segment | undefined {
  const { send, flight, congestion, config, loss } = record;
  const length = segmentLength(record);
  const room = congestion.windowLength - pipeLength(record);
  let index = flight.head;
  while (((flight.marks[index] ?? MARK.lost) & MARK.lost) === 0) index++;
  const from = rangeStart(flight, index);
  const missing = (flight.ends[index] as number) - from;
  if (room < Math.min(length, missing) && !send.retransmitPending) return undefined;
  const burst = Math.max(length, Math.min(room, config.maxSuperSegmentLength));
  const end = from + Math.min(missing, burst - (burst % length));
  const segment = repeat(record, now, from, end);
  if (segment === undefined) return undefined;
  // The FIN that did not fit beside the data stays lost.
  const sentEnd = from + segment.payloadLength + ((segment.flags & FLAG.fin) !== 0 ? 1 : 0);
  noteRepeated(flight, now, index, sentEnd, config.maxFlightRangeCount);
  send.retransmitPending = false;
  if (loss.phase === 'fast-recovery') loss.recoverySentLength += sentEnd - from;
  return segment;
}

/** The last segment once more, up to what has been sent; the caller sends it as a probe. */
export function repeatLast(record: TcpRecord, now: number): Segment | undefined {
  const { send, flight, config } = record;
  // A FIN takes no room in a segment: the data in front of it is cut as it was before.
  const finLength = send.finOffset !== undefined && send.nextOffset > send.finOffset ? 1 : 0;
  const from = Math.max(send.unacknowledgedOffset, send.nextOffset - finLength - segmentLength(record));
  const segment = repeat(record, now, from, send.nextOffset);
  if (segment === undefined) return undefined;
  let index = locate(flight, from);
  if (rangeStart(flight, index) < from && splitRange(flight, index, from, config.maxFlightRangeCount)) index++;
  for (; index < flight.ends.length; index++) {
    setMarks(flight, index, MARK.repeated);
    flight.sentAt[index] = now;
  }
  armRetransmission(record, now);
  return segment;
}

/** [from, end) of what was sent before; `end` may lie behind the FIN. Undefined where nothing of it may leave now. */
function repeat(record: TcpRecord, now: number, from: number, end: number): Segment | undefined {
  const { send } = record;
  const windowEnd = send.unacknowledgedOffset + send.windowLength;
  const dataEnd = Math.min(end, send.endOffset, send.limitOffset, windowEnd);
  const length = Math.max(0, dataEnd - from);
  const withFin = from + length === send.finOffset && end > send.finOffset && send.finOffset < send.limitOffset;
  if (send.windowLength === 0 || (length === 0 && !withFin)) return undefined;
  const payload = length > 0 ? sliceAtCursor(send.queue, send.queue.repeated, from, length) : NO_PAYLOAD;
  if (from === send.unacknowledgedOffset) armRetransmission(record, now);
  send.lastSentAt = now;
  // The last of what is there is pushed, also when it leaves again (RFC 9293 MUST-61).
  const isLast = length > 0 && dataEnd === Math.min(send.endOffset, send.limitOffset);
  return compose(record, now, from, (isLast ? FLAG.psh : 0) | (withFin ? FLAG.fin : 0), payload, length);
}
