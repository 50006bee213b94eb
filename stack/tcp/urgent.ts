// Urgent data of the peer (RFC 9293 section 3.8.5, RFC 6093): it is data in its place, and the user is told that some is on its
// way and how far it reaches. We send none: new applications should not use it (SHLD-13).

import type { Segment } from '../wire/segment.js';
import type { TcpEvent, TcpRecord } from './state.js';

const URGENT: TcpEvent = Object.freeze({ kind: 'urgent' });

/** Takes the urgent pointer of an acceptable segment that begins at `offset` of the peer's stream. */
export function receiveUrgent(record: TcpRecord, segment: Segment, offset: number): void {
  const { urgentPointer } = segment;
  if (urgentPointer === undefined || record.receive.finOffset !== undefined) return;
  expectUrgent(record, offset + urgentPointer);
}

/** The peer's urgent data ends there: the user is told where it is news. */
export function expectUrgent({ receive, events }: TcpRecord, end: number): void {
  if (end <= Math.max(receive.readOffset, receive.urgentEndOffset)) return;
  receive.urgentEndOffset = end;
  events.push(URGENT);
}
