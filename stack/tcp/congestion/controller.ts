// What a congestion controller is: functions over plain state, so that the state travels and is shown like the rest.
//
// The controller decides how large the window is; loss.ts and recovery.ts decide when something was lost and what is sent
// again, and lead the window through the recovery. Another algorithm is one more file, and another member in select.ts.

/** What every algorithm's state has. */
export interface CongestionWindow {
  /** The congestion window in bytes. */
  windowLength: number;
  slowStartThresholdLength: number;
}

export interface CongestionController<State extends CongestionWindow> {
  start(segmentLength: number): State;
  /** New data was acknowledged outside recovery while the window was in use. */
  acknowledged(
    state: State,
    now: number,
    acknowledgedLength: number,
    segmentLength: number,
    /** The most that one acknowledgment may add in slow start (L of RFC 3465). */
    maxGrowthLength: number,
    /** The smoothed round-trip time. */
    roundTripMs: number,
  ): void;
  /** A loss was seen by what arrived behind it: sets the threshold; the window is set by who saw it. */
  lost(state: State, now: number, flightLength: number, segmentLength: number): void;
  /** A retransmission timeout, the first in a row: sets the threshold. */
  timedOut(state: State, now: number, flightLength: number, segmentLength: number): void;
  /** Nothing was sent for a retransmission timeout (RFC 5681 section 4.1). */
  idled(state: State, segmentLength: number): void;
}

/** RFC 6928. */
export function initialWindowLength(segmentLength: number): number {
  return Math.min(10 * segmentLength, Math.max(2 * segmentLength, 14_600));
}
