// A new connection on the path of one that waits in TIME-WAIT (RFC 9293 section 3.6.1, RFC 6191): allowed where nothing of the
// old one can be taken for the new one's.

import { addSequence, type Sequence } from '../wire/sequence.js';
import type { Segment } from '../wire/segment.js';
import { receiveOffsetOf, sequenceOfSendOffset } from './offsets.js';
import type { TcpRecord } from './state.js';

/** Beyond all that the old connection may have in flight. */
const SEQUENCE_DISTANCE = 65_537;

/** Whether `syn` begins a connection that replaces this one: its timestamp, or its number, is above all that came before. */
export function yieldsTo(record: TcpRecord, syn: Segment): boolean {
  if (record.state !== 'time-wait') return false;
  const { timestamps, receive } = record;
  const value = syn.options.timestamps?.value;
  if (timestamps.enabled && value !== undefined) {
    const progress = (value - timestamps.recent) | 0;
    if (progress !== 0) return progress > 0;
  }
  return receiveOffsetOf(record, syn.sequence) >= receive.nextOffset;
}

/** The new connection's initial number: `proposed`, or one above all that the old one sent (RFC 1122 section 4.2.2.13). */
export function sequenceBeyond(record: TcpRecord, proposed: Sequence): Sequence {
  const next = sequenceOfSendOffset(record, record.send.highestOffset);
  return ((proposed - next) | 0) > 0 ? proposed : addSequence(next, SEQUENCE_DISTANCE);
}
