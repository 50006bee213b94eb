// CUBIC (RFC 9438): after a loss the window grows back to where it was, rests there, and then probes beyond, as a cubic
// function of the time since; never slower than a Reno of the same average.
//
// Lengths are bytes and times are milliseconds; the RFC's equations count segments and seconds.
//   U1. The time in which the window was not in use is no time of growth (section 5.8).
//   U2. Below where the last loss was, room is left for others (fast convergence, section 4.7).

import { initialWindowLength, type CongestionController, type CongestionWindow } from './controller.js';

export interface CubicState extends CongestionWindow {
  readonly algorithm: 'cubic';
  /** Where the window was at the last loss (W_max). */
  peakLength: number;
  /** Where it was just before that (cwnd_prior). */
  priorLength: number;
  /** When the growth since the last loss began; undefined until the window grows in congestion avoidance. */
  epochStartedAt: number | undefined;
  /** How long it takes to be back at the peak (K). */
  returnMs: number;
  /** The window that Reno would have (W_est). */
  renoLength: number;
  lastGrowthAt: number;
  /** The last loss was a timeout, or there was none: the growth begins at its peak (section 4.8). */
  peakUnknown: boolean;
}

const SEGMENTS_PER_CUBIC_SECOND = 0.4; // C
const DECREASE = 0.7; // beta
const RENO_INCREASE = (3 * (1 - DECREASE)) / (1 + DECREASE); // alpha
/** In a round trip the window grows by half at most (section 4.2). */
const MAX_TARGET_RATIO = 1.5;

export const CUBIC: CongestionController<CubicState> = {
  start(segmentLength) {
    return {
      algorithm: 'cubic',
      windowLength: initialWindowLength(segmentLength),
      slowStartThresholdLength: Infinity,
      peakLength: 0,
      priorLength: 0,
      epochStartedAt: undefined,
      returnMs: 0,
      renoLength: 0,
      lastGrowthAt: 0,
      peakUnknown: true,
    };
  },

  acknowledged(state, now, acknowledgedLength, segmentLength, maxGrowthLength, roundTripMs) {
    if (state.windowLength < state.slowStartThresholdLength) {
      state.windowLength += Math.min(acknowledgedLength, maxGrowthLength);
      return;
    }
    if (state.epochStartedAt === undefined) beginEpoch(state, now, segmentLength);
    else state.epochStartedAt += Math.max(0, now - state.lastGrowthAt - roundTripMs); // U1
    state.lastGrowthAt = now;
    const elapsedMs = now - (state.epochStartedAt ?? now);
    const increase = state.renoLength >= state.priorLength ? 1 : RENO_INCREASE; // section 4.3
    state.renoLength += (increase * segmentLength * acknowledgedLength) / state.windowLength;
    if (lengthAfter(state, elapsedMs, segmentLength) < state.renoLength) {
      state.windowLength = Math.max(state.windowLength, state.renoLength);
      return;
    }
    const wanted = lengthAfter(state, elapsedMs + roundTripMs, segmentLength);
    const target = Math.min(Math.max(wanted, state.windowLength), MAX_TARGET_RATIO * state.windowLength);
    state.windowLength += ((target - state.windowLength) * acknowledgedLength) / state.windowLength;
  },

  lost(state, _now, flightLength, segmentLength) {
    reduce(state, flightLength, segmentLength);
    state.peakUnknown = false;
  },

  timedOut(state, _now, flightLength, segmentLength) {
    reduce(state, flightLength, segmentLength);
    state.peakUnknown = true;
  },

  idled(state, segmentLength) {
    state.windowLength = Math.min(state.windowLength, initialWindowLength(segmentLength));
  },
};

function reduce(state: CubicState, flightLength: number, segmentLength: number): void {
  const { windowLength } = state;
  state.priorLength = windowLength;
  state.peakLength = windowLength < state.peakLength ? (windowLength * (1 + DECREASE)) / 2 : windowLength; // U2
  state.slowStartThresholdLength = Math.max(flightLength * DECREASE, 2 * segmentLength);
  state.epochStartedAt = undefined;
}

function beginEpoch(state: CubicState, now: number, segmentLength: number): void {
  state.epochStartedAt = now;
  state.renoLength = state.windowLength;
  if (state.peakUnknown || state.peakLength < state.windowLength) state.peakLength = state.windowLength;
  const segments = (state.peakLength - state.windowLength) / segmentLength;
  state.returnMs = 1000 * Math.cbrt(segments / SEGMENTS_PER_CUBIC_SECOND);
}

/** W_cubic of section 4.2. */
function lengthAfter({ returnMs, peakLength }: CubicState, elapsedMs: number, segmentLength: number): number {
  return SEGMENTS_PER_CUBIC_SECOND * segmentLength * ((elapsedMs - returnMs) / 1000) ** 3 + peakLength;
}
