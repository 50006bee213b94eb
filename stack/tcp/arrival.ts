// A segment arrives: the checks of RFC 9293 section 3.10.7.4 in their order, with RFC 7323 (PAWS) and RFC 5961.
//
//   A1. What is not acceptable changes nothing; it is at most answered with where we are.
//   A2. Answers to segments that occupy no sequence space are limited in rate, so that two ends never answer each other
//       without end.
//   A3. What acknowledges something impossible is not the peer's (RFC 5961 section 5): it proves no life, and its timestamp,
//       once remembered, would make the peer's own segments old.

import { FLAG, sequenceLength, type Segment } from '../wire/segment.js';
import { acknowledge, isAcceptable } from './acknowledge.js';
import { challenge } from './challenge.js';
import { answeredKeepAlive } from './deadlines.js';
import { resetFor } from './compose.js';
import { TIMESTAMP_VALID_MS } from './config.js';
import { arriveInSynSent, synAcknowledged } from './handshake.js';
import { give, waitOut } from './lifecycle.js';
import { receiveOffsetOf, sendOffsetOf } from './offsets.js';
import { noteDuplicate, receiveData } from './receive.js';
import type { TcpRecord } from './state.js';
import { receiveUrgent } from './urgent.js';

export function arrive(record: TcpRecord, now: number, segment: Segment): void {
  if (record.state === 'closed') return;
  if (record.state === 'syn-sent') {
    arriveInSynSent(record, now, segment);
    return;
  }
  const { flags } = segment;
  const offset = receiveOffsetOf(record, segment.sequence);
  if ((flags & FLAG.syn) !== 0 && (flags & FLAG.rst) === 0) {
    arriveSyn(record, now, segment, offset);
    return;
  }
  if (!fresh(record, now, segment) || !inWindow(record, segment, offset)) {
    refuse(record, now, segment, offset);
    return;
  }
  if ((flags & FLAG.rst) !== 0) {
    arriveReset(record, now, offset);
    return;
  }
  if ((flags & FLAG.ack) === 0) return;
  if (record.state === 'syn-received' && !synchronize(record, now, segment)) return;
  const acknowledged = sendOffsetOf(record, segment.acknowledgment);
  if (!isAcceptable(record, acknowledged)) {
    challenge(record, now); // A3
    return;
  }
  record.receive.lastReceivedAt = now;
  if (record.loss.keepAliveCount > 0) answeredKeepAlive(record, now);
  rememberTimestamp(record, now, segment, offset);
  acknowledge(record, now, segment, offset, acknowledged);
  receiveUrgent(record, segment, offset);
  if (segment.payloadLength === 0 && (flags & FLAG.fin) === 0) return;
  if (record.receive.finOffset === undefined) receiveData(record, now, segment, offset);
  else record.receive.acknowledgmentPending = true;
}

/** A SYN on a connection that has one (RFC 5961 section 4): whatever its number, it moves nothing. */
function arriveSyn(record: TcpRecord, now: number, segment: Segment, offset: number): void {
  if (record.state !== 'syn-received' || offset !== -1) {
    challenge(record, now);
  } else if ((segment.flags & FLAG.ack) === 0) {
    record.send.synPending = true; // our SYN/ACK was lost
  } else if (synchronize(record, now, segment)) {
    record.receive.acknowledgmentPending = true; // both ends opened at once (RFC 9293 section 3.5, figure 7)
  }
}

/** RFC 9293 section 3.10.7.4, first. At the edge of a closed window acknowledgments and resets still count (MUST-66). */
function inWindow({ receive }: TcpRecord, segment: Segment, offset: number): boolean {
  if (offset > Math.max(receive.edgeOffset, receive.nextOffset)) return false;
  const length = sequenceLength(segment);
  return length === 0 ? offset >= receive.nextOffset : offset + length > receive.nextOffset;
}

/** PAWS (RFC 7323 section 5.3). */
function fresh({ timestamps }: TcpRecord, now: number, segment: Segment): boolean {
  if (!timestamps.enabled || (segment.flags & FLAG.rst) !== 0) return true;
  const stamps = segment.options.timestamps;
  // A Migratory option may have left no room for timestamps.
  if (stamps === undefined) return segment.options.migrate !== undefined;
  return ((stamps.value - timestamps.recent) | 0) >= 0 || now - timestamps.recentAt > TIMESTAMP_VALID_MS;
}

/** RFC 7323 section 4.3: only from a segment that what we last acknowledged reaches. */
function rememberTimestamp({ timestamps, receive }: TcpRecord, now: number, segment: Segment, offset: number): void {
  const stamps = segment.options.timestamps;
  if (!timestamps.enabled || stamps === undefined || offset > receive.lastAcknowledgedOffset) return;
  timestamps.recent = stamps.value;
  timestamps.recentAt = now;
}

/** A1, A2. */
function refuse(record: TcpRecord, now: number, segment: Segment, offset: number): void {
  if ((segment.flags & FLAG.rst) !== 0) return;
  if (sequenceLength(segment) === 0) {
    challenge(record, now);
    return;
  }
  if (segment.payloadLength > 0) noteDuplicate(record, offset, offset + segment.payloadLength);
  record.receive.acknowledgmentPending = true;
  if (record.state === 'time-wait' && (segment.flags & FLAG.fin) !== 0) waitOut(record, now);
}

/** RFC 5961 section 3: only a reset with the exact number counts. */
function arriveReset(record: TcpRecord, now: number, offset: number): void {
  if (offset !== record.receive.nextOffset) {
    challenge(record, now);
    return;
  }
  give(record, record.state === 'syn-received' && record.opened === 'actively' ? 'refused' : 'reset');
}

/** SYN-RECEIVED becomes ESTABLISHED; false where the segment acknowledges something else. */
function synchronize(record: TcpRecord, now: number, segment: Segment): boolean {
  if (sendOffsetOf(record, segment.acknowledgment) !== 0 || record.send.highestOffset !== 0) {
    record.outbox.push(resetFor(segment.acknowledgment));
    return false;
  }
  synAcknowledged(record, now, segment);
  return true;
}
