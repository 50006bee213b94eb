// Round-trip time and the retransmission timeout (RFC 6298, RFC 7323 section 4).
//
//   R1. A segment that has been sent again never gives a sample (Karn), unless a timestamp tells which copy is answered.
//       With selective acknowledgments it is known when everything was sent (scoreboard.ts), and timestamps tell no more than
//       this: one that is echoed late, since an acknowledgment was lost, would count as a long round trip.
//   R2. Back-off lasts until the next sample (RFC 6298 section 5.7): an acknowledgment that may answer any copy says nothing
//       of how long the timeout should be.

import type { TcpConfig } from './config.js';

export interface RttState {
  /** Undefined before the first sample. */
  smoothedMs: number | undefined;
  variationMs: number;
  /** The timeout without back-off. */
  timeoutMs: number;
  /** Timeouts since the last sample: each doubles the next. */
  backOffCount: number;
  /** Where timestamps are not in use one segment at a time is timed: the offset that ends it, and when it was sent. */
  timedOffset: number | undefined;
  timedAt: number;
}

/** The granularity of our clock (G in RFC 6298). */
const CLOCK_GRANULARITY_MS = 1;

export function initialRtt(config: TcpConfig): RttState {
  return {
    smoothedMs: undefined,
    variationMs: 0,
    timeoutMs: config.initialRtoMs,
    backOffCount: 0,
    timedOffset: undefined,
    timedAt: 0,
  };
}

/** Forgets all samples: the connection goes on over another path. */
export function restartRtt(rtt: RttState, config: TcpConfig): void {
  rtt.smoothedMs = undefined;
  rtt.variationMs = 0;
  rtt.timeoutMs = config.initialRtoMs;
  rtt.backOffCount = 0;
  rtt.timedOffset = undefined;
}

/** Takes one measurement (RFC 6298 section 2). */
export function sampleRtt(rtt: RttState, config: TcpConfig, sampleMs: number): void {
  if (rtt.smoothedMs === undefined) {
    rtt.smoothedMs = sampleMs;
    rtt.variationMs = sampleMs / 2;
  } else {
    rtt.variationMs += (Math.abs(rtt.smoothedMs - sampleMs) - rtt.variationMs) / 4;
    rtt.smoothedMs += (sampleMs - rtt.smoothedMs) / 8;
  }
  const timeoutMs = rtt.smoothedMs + Math.max(CLOCK_GRANULARITY_MS, 4 * rtt.variationMs);
  rtt.timeoutMs = Math.min(Math.max(timeoutMs, config.minRtoMs), config.maxRtoMs);
  rtt.backOffCount = 0; // R2
}

/** The timeout after `count` timeouts in a row (RFC 6298 section 5.5). */
export function backedOffTimeoutMs(rtt: RttState, config: TcpConfig, count: number): number {
  return Math.min(rtt.timeoutMs * 2 ** count, config.maxRtoMs);
}
