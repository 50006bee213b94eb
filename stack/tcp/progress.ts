// What has been acknowledged leaves: data is released, the timer begins anew, the round trip is measured.

import type { Segment } from '../wire/segment.js';
import { timestampAt } from './compose.js';
import { armRetransmission } from './loss.js';
import { echoesEarlier } from './rack.js';
import { sampleRtt } from './rtt.js';
import { release } from './send-queue.js';
import type { TcpRecord } from './state.js';

/** About twelve days: long after the last echo of another path can have come, and before a value can come round to being older. */
const ECHO_HORIZON_MS = 2 ** 30;

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

/** Whether the peer has echoed something that was sent since the connection began here. */
export function echoesThisPath(record: TcpRecord, now: number, echo: number): boolean {
  const { pathBeganAt } = record.timestamps;
  return now - pathBeganAt > ECHO_HORIZON_MS || !echoesEarlier(record, pathBeganAt, echo);
}

/** One round-trip sample (RFC 7323 section 4 where timestamps are in use, else the timed segment). */
export function measure(record: TcpRecord, now: number, segment: Segment, acknowledged: number): void {
  const { rtt, timestamps } = record;
  if (timestamps.enabled) {
    const echo = segment.options.timestamps?.echo;
    if (echo === undefined || !echoesThisPath(record, now, echo)) return;
    const sampleMs = (timestampAt(record, now) - echo) | 0;
    if (sampleMs >= 0) sampleRtt(rtt, record.config, sampleMs);
  } else if (rtt.timedOffset !== undefined && acknowledged >= rtt.timedOffset) {
    sampleRtt(rtt, record.config, now - rtt.timedAt);
    rtt.timedOffset = undefined;
  }
}
