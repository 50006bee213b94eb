// What each deadline does when it has come. The timers themselves are numbers in timers.ts.

import { give } from './lifecycle.js';
import { armRetransmission, retransmissionTimeout } from './loss.js';
import { reorderingTimeout } from './recovery.js';
import { backedOffTimeoutMs } from './rtt.js';
import { windowHolds } from './send.js';
import { advance, type TcpRecord } from './state.js';
import { stopTimers } from './timers.js';

/** Handles every deadline at or before `now`. */
export function meetDeadlines(record: TcpRecord, now: number): void {
  const { timers } = record;
  if (timers.timeWaitAt <= now) {
    stopTimers(timers);
    advance(record, 'waited');
    return;
  }
  if (timers.delayedAckAt <= now) {
    timers.delayedAckAt = Infinity;
    record.receive.acknowledgmentPending = true;
  }
  if (timers.reorderingAt <= now) reorderingTimeout(record, now);
  if (timers.tailProbeAt <= now) probeTail(record, now);
  if (timers.retransmissionAt <= now) retransmissionTimeout(record, now);
  if (timers.persistAt <= now) persist(record, now);
  if (timers.keepAliveAt <= now) keepAlive(record, now);
}

/** A timeout that is due with the probe is put off (RFC 8985 section 7.2), but for the last one (RFC 9293 MUST-20). */
function probeTail(record: TcpRecord, now: number): void {
  const { timers, tailProbe, send, config } = record;
  timers.tailProbeAt = Infinity;
  tailProbe.pending = true;
  if (timers.retransmissionAt <= now && now < send.lastProgressAt + config.userTimeoutMs)
    armRetransmission(record, now);
}

/** Probes as long as the peer answers (RFC 9293 MUST-35, MUST-36, MUST-37). */
function persist(record: TcpRecord, now: number): void {
  const { send, receive, loss, timers, config, rtt } = record;
  timers.persistAt = Infinity;
  if (!windowHolds(record)) return;
  if (now - Math.max(send.lastProgressAt, receive.lastReceivedAt) >= config.userTimeoutMs) {
    give(record, 'timed-out');
    return;
  }
  loss.probeCount++;
  send.probePending = true;
  timers.persistAt = now + backedOffTimeoutMs(rtt, config, loss.probeCount);
}

/** The peer is there: the silence begins anew. */
export function answeredKeepAlive({ loss, timers, config }: TcpRecord, now: number): void {
  loss.keepAliveCount = 0;
  timers.keepAliveAt = now + config.keepAliveIdleMs;
}

/** RFC 9293 section 3.8.4. Only where nothing is outstanding: unacknowledged data asks by itself. */
function keepAlive(record: TcpRecord, now: number): void {
  const { send, receive, loss, timers, config } = record;
  const idleUntil = receive.lastReceivedAt + config.keepAliveIdleMs;
  if (send.nextOffset !== send.unacknowledgedOffset) {
    timers.keepAliveAt = now + config.keepAliveIdleMs;
  } else if (loss.keepAliveCount === 0 && idleUntil > now) {
    timers.keepAliveAt = idleUntil;
  } else if (loss.keepAliveCount >= config.keepAliveProbeCount) {
    give(record, 'timed-out');
  } else {
    loss.keepAliveCount++;
    send.keepAlivePending = true;
    timers.keepAliveAt = now + config.keepAliveIntervalMs;
  }
}
