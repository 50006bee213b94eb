// How wide a window the path needs: what the user reads in a round trip, several times over (Linux's dynamic right-sizing).
//
// A window as wide as the receive buffer would let the sender fill every queue of a short path, the kernel's buffer for our
// socket included, and all that is in them has to move with a connection. So the window begins narrow and grows.
//   D1. It never shrinks during a stay on one path; a move begins anew, though the edge that was promised stays (W1).
//   D2. The round trip is the shortest of the last periods: time spent in queues is no reason for longer queues.
//   D3. Without timestamps the receiver knows no round trip: it offers its whole buffer.

import type { TcpConfig } from './config.js';
import { lowerMinimum, minimumOf, noMinimum, type RecentMinimum } from './recent-minimum.js';

export interface WindowTuning {
  /** How far the window may reach beyond what was read. */
  windowLength: number;
  readonly roundTripMs: RecentMinimum; // D2
  /** Where the user was when the rate began to be measured. */
  measuredOffset: number;
  measuredAt: number;
}

/** Slow start doubles the sender's window each round trip, and our measurement is one behind. */
const ROUND_TRIPS_PER_WINDOW = 4;

export function startTuning(config: TcpConfig, now: number): WindowTuning {
  return {
    windowLength: Math.min(config.initialReceiveWindowLength, config.receiveBufferLength),
    roundTripMs: noMinimum(now),
    measuredOffset: 0,
    measuredAt: now,
  };
}

/**
 * Data has come. `sampleMs` is the time since our acknowledgment whose timestamp it echoes: longer than the round trip where
 * the peer had nothing to send; undefined where nothing can be told. The user has read up to `readOffset`.
 */
export function tuneWindow(
  tuning: WindowTuning,
  config: TcpConfig,
  now: number,
  sampleMs: number | undefined,
  readOffset: number,
): void {
  if (sampleMs !== undefined) lowerMinimum(tuning.roundTripMs, now, sampleMs);
  const roundTripMs = minimumOf(tuning.roundTripMs);
  const elapsedMs = now - tuning.measuredAt;
  if (roundTripMs === Infinity || elapsedMs < Math.max(roundTripMs, 1)) return;
  const lengthPerRoundTrip = ((readOffset - tuning.measuredOffset) * roundTripMs) / elapsedMs;
  const wanted = Math.min(config.receiveBufferLength, Math.ceil(lengthPerRoundTrip * ROUND_TRIPS_PER_WINDOW));
  tuning.windowLength = Math.max(tuning.windowLength, wanted); // D1
  tuning.measuredOffset = readOffset;
  tuning.measuredAt = now;
}
