// Slow start and congestion avoidance (RFC 5681), counted in bytes (RFC 3465): a peer that acknowledges a super-segment
// at once must not slow the growth.

import { initialWindowLength, type CongestionController, type CongestionWindow } from './controller.js';

export interface NewRenoState extends CongestionWindow {
  readonly algorithm: 'new-reno';
  /** Bytes acknowledged towards the next growth in congestion avoidance. */
  countedLength: number;
}

export const NEW_RENO: CongestionController<NewRenoState> = {
  start(segmentLength) {
    return {
      algorithm: 'new-reno',
      windowLength: initialWindowLength(segmentLength),
      slowStartThresholdLength: Infinity,
      countedLength: 0,
    };
  },

  acknowledged(state, _now, acknowledgedLength, segmentLength, maxGrowthLength) {
    if (state.windowLength < state.slowStartThresholdLength) {
      state.windowLength += Math.min(acknowledgedLength, maxGrowthLength);
      return;
    }
    state.countedLength += acknowledgedLength;
    if (state.countedLength >= state.windowLength) {
      state.countedLength -= state.windowLength;
      state.windowLength += segmentLength;
    }
  },

  lost: halve,
  timedOut: halve,

  idled(state, segmentLength) {
    state.windowLength = Math.min(state.windowLength, initialWindowLength(segmentLength));
  },
};

/** RFC 5681, equation 4. */
function halve(state: NewRenoState, _now: number, flightLength: number, segmentLength: number): void {
  state.slowStartThresholdLength = Math.max(flightLength / 2, 2 * segmentLength);
  state.countedLength = 0;
}
