// Challenge acknowledgments (RFC 5961): a segment that might be forged is answered with where we are, at a bounded rate.

import type { TcpRecord } from './state.js';

export function challenge(record: TcpRecord, now: number): void {
  const { config } = record;
  const limit = (record.challenge ??= { intervalStartedAt: now, count: 0 });
  if (now - limit.intervalStartedAt >= config.challengeAckIntervalMs) {
    limit.intervalStartedAt = now;
    limit.count = 0;
  }
  if (limit.count >= config.challengeAckCount) return;
  limit.count++;
  record.receive.acknowledgmentPending = true;
}
