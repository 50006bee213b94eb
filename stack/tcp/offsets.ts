// The edge between stream offsets and 32-bit sequence numbers.
//
// Offset -1 is the SYN. An incoming number is read as the offset nearest to what is expected, within half the space.

import type { Sequence } from '../wire/sequence.js';
import type { TcpRecord } from './state.js';

export function sequenceOfSendOffset(record: TcpRecord, offset: number): Sequence {
  // `>>> 0` is modulo 2^32 for any integer that a double holds exactly.
  return (record.send.initialSequence + 1 + offset) >>> 0;
}

export function sequenceOfReceiveOffset(record: TcpRecord, offset: number): Sequence {
  return (record.receive.initialSequence + 1 + offset) >>> 0;
}

/** The offset in our stream that an acknowledgment number means. */
export function sendOffsetOf(record: TcpRecord, sequence: Sequence): number {
  const expected = record.send.unacknowledgedOffset;
  return expected + ((sequence - sequenceOfSendOffset(record, expected)) | 0);
}

/** The offset in the peer's stream that a segment's sequence number means. */
export function receiveOffsetOf(record: TcpRecord, sequence: Sequence): number {
  const expected = record.receive.nextOffset;
  return expected + ((sequence - sequenceOfReceiveOffset(record, expected)) | 0);
}
