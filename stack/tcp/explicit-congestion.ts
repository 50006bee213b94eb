// Explicit congestion notification (RFC 3168): a router marks what it would soon have to drop, the receiver says so in all
// that it sends until it hears that the sender has reduced its window.
//
//   E1. It is used only where the SYN offered it and the SYN/ACK agreed.
//   E2. Marks, and losses, of one window of data are answered by one reduction.
//   E3. Only new data may be marked: neither what is sent again, nor probes, nor what carries no data, for who would tell
//       of a mark on them, or of their loss.

import { FLAG, type Segment } from '../wire/segment.js';
import { segmentLength, type Composed } from './compose.js';
import { controllerOf } from './congestion/select.js';
import type { ExplicitCongestion, TcpRecord } from './state.js';

export function noMarks(): ExplicitCongestion {
  return { agreed: false, echoing: false, reductionUntold: false, reducedOffset: -1 };
}

/** Another path: what the old one's routers said is void. */
export function forgetMarks({ congestionMarks }: TcpRecord): void {
  Object.assign(congestionMarks, { ...noMarks(), agreed: congestionMarks.agreed });
}

/** E1. `syn` is the peer's SYN, or SYN/ACK. A SYN/ACK with both flags is a reflection, not an answer (section 6.1.1). */
export function agreeOnMarks(record: TcpRecord, syn: Segment): void {
  const { opened, config, congestionMarks } = record;
  const wanted = opened === 'actively' ? config.explicitCongestion === 'offered' : config.explicitCongestion !== 'off';
  const isAnswer = (syn.flags & FLAG.ack) !== 0;
  const offered = syn.flags & (FLAG.ece | FLAG.cwr);
  congestionMarks.agreed = wanted && offered === (isAnswer ? FLAG.ece : FLAG.ece | FLAG.cwr);
}

/** What the peer's segment says of marks, its own and the network's. */
export function noteMarks({ congestionMarks, receive }: TcpRecord, segment: Segment): void {
  if (!congestionMarks.agreed) return;
  if ((segment.flags & FLAG.cwr) !== 0) congestionMarks.echoing = false;
  if (segment.ecn !== 'experienced' || segment.payloadLength === 0 || congestionMarks.echoing) return;
  congestionMarks.echoing = true;
  receive.acknowledgmentPending = true;
}

/** E3. `segment` is new data; the first one behind a reduction tells of it. */
export function allowMarks({ congestionMarks }: TcpRecord, segment: Composed): void {
  segment.ecn = 'capable';
  if (!congestionMarks.reductionUntold) return;
  segment.flags |= FLAG.cwr;
  congestionMarks.reductionUntold = false;
}

/** The peer says that something of ours was marked. */
export function hearEcho(record: TcpRecord, now: number): void {
  const { congestionMarks, send, loss, congestion } = record;
  const flightLength = Math.min(congestion.windowLength, send.nextOffset - send.unacknowledgedOffset);
  congestionMarks.reductionUntold ||= loss.phase !== 'open';
  if (loss.phase !== 'open' || isReducedForMarks(record)) return; // E2
  congestionMarks.reductionUntold = true;
  if (flightLength === 0) return;
  controllerOf(congestion).lost(congestion, now, flightLength, segmentLength(record));
  congestion.windowLength = Math.min(congestion.windowLength, congestion.slowStartThresholdLength);
  congestionMarks.reducedOffset = send.highestOffset;
}

/** Whether the window that is in flight has been paid for. */
export function isReducedForMarks({ congestionMarks, send }: TcpRecord): boolean {
  return send.unacknowledgedOffset < congestionMarks.reducedOffset;
}
