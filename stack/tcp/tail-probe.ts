// Tail loss probes: where the last segments of a flight are lost, nothing behind them tells of it; so a while before the
// retransmission timeout the last one, or a new one, is sent, and its acknowledgment shows what is missing (RFC 8985
// section 7). When to probe and what an answer means; the probe itself is sent by resend.ts.
//
//   P1. One probe at a time: the next one only when this one is answered.
//   P2. A loss that the probe itself repaired must still reduce the window.

import type { Segment } from '../wire/segment.js';
import { segmentLength } from './compose.js';
import type { TailProbe, TcpRecord } from './state.js';

export function noTailProbe(): TailProbe {
  return { pending: false, endOffset: undefined, repeated: false };
}

export function forgetTailProbe({ tailProbe, timers }: TcpRecord): void {
  tailProbe.pending = false;
  tailProbe.endOffset = undefined;
  timers.tailProbeAt = Infinity;
}

/** Sets the timer from now, where there is something to probe for; at the latest when the retransmission timeout would come. */
export function armTailProbe(record: TcpRecord, now: number): void {
  const { send, loss, flight, tailProbe, timers, rtt, config } = record;
  const outstandingLength = send.nextOffset - send.unacknowledgedOffset;
  const useful =
    record.sackPermitted &&
    loss.phase === 'open' &&
    outstandingLength > 0 &&
    flight.sackedLength === 0 &&
    tailProbe.endOffset === undefined; // P1
  if (!useful || rtt.smoothedMs === undefined) {
    timers.tailProbeAt = Infinity;
    return;
  }
  let waitMs = Math.max(2 * rtt.smoothedMs, config.minTailProbeMs);
  // A single segment may be acknowledged late.
  if (outstandingLength <= segmentLength(record)) waitMs += config.peerAckDelayMs;
  timers.tailProbeAt = Math.min(now + waitMs, timers.retransmissionAt);
}

/** What an acknowledgment says of the probe (section 7.4.2). */
export function tailProbeAnswer(
  { tailProbe, loss }: TcpRecord,
  segment: Segment,
  acknowledged: number,
  seen: { readonly isNew: boolean; readonly duplicateEnd: number },
): 'nothing' | 'arrived' | 'repaired' {
  const { endOffset, repeated } = tailProbe;
  if (endOffset === undefined || acknowledged < endOffset) return 'nothing';
  const bothArrived =
    !repeated ||
    seen.duplicateEnd >= endOffset ||
    (acknowledged === endOffset && !seen.isNew && segment.options.sackBlocks === undefined);
  if (!bothArrived && acknowledged === endOffset) return 'nothing';
  tailProbe.endOffset = undefined;
  return bothArrived || loss.phase !== 'open' ? 'arrived' : 'repaired'; // P2
}
