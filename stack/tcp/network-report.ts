// What the network says about a segment of ours: believed as little as can be (RFC 5927).
//
//   N1. It must be about a segment that is in flight: to know its number one must be on the path, or very lucky.
//   N2. A packet that was too big lowers the segment size, never below what every path carries, and never ends anything.
//      After a while the path is tried again: it may be another one.
//   N3. Unreachable ends only an attempt to open, and only where nothing is there to be waited for (RFC 1122 section
//       4.2.3.9, RFC 5461 section 4.1): an open connection outlives it. The user is told (RFC 9293 SHLD-25).

import type { NetworkReport } from '../wire/network-report.js';
import { clearFlight } from './flight.js';
import { armRetransmission } from './loss.js';
import { give } from './lifecycle.js';
import { sendOffsetOf } from './offsets.js';
import type { TcpRecord } from './state.js';
import { forgetTailProbe } from './tail-probe.js';

const TCP_HEADER_LENGTH = 20;
/** N2: of a path of 576 bytes; who says less of a real one is after the sender's work. */
const MIN_PATH_SEGMENT_SIZE = 536;

export function hearNetwork(record: TcpRecord, now: number, report: NetworkReport): void {
  const { send } = record;
  if (record.state === 'closed') return;
  const offset = sendOffsetOf(record, report.sequence);
  if (offset < send.unacknowledgedOffset || offset >= send.highestOffset) return; // N1
  if (report.kind === 'unreachable') {
    if (report.hardness === 'hard' && record.state === 'syn-sent')
      give(record, 'refused'); // N3
    else record.events.push({ kind: 'unreachable', hardness: report.hardness });
    return;
  }
  const size = Math.max(MIN_PATH_SEGMENT_SIZE, report.segmentLength - TCP_HEADER_LENGTH);
  if (size >= send.maximumSegmentSize || offset < 0) return;
  send.maximumSegmentSize = size;
  send.pathLimitEndsAt = now + record.config.pathLimitMs;
  // What was longer is lost, and not to congestion: it goes out again at once, cut anew (RFC 1191 section 6.5).
  send.nextOffset = send.unacknowledgedOffset;
  clearFlight(record.flight);
  forgetTailProbe(record);
  record.timers.reorderingAt = Infinity;
  send.retransmitPending = false;
  record.rtt.timedOffset = undefined; // Karn
  armRetransmission(record, now);
}

/** N2. What is sent from now on is as long as was agreed; where that is still too long, the path says so again. */
export function forgetPathLimit({ send }: TcpRecord): void {
  send.maximumSegmentSize = send.agreedSegmentSize;
  send.pathLimitEndsAt = Infinity;
}
