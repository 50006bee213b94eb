// CUBIC (RFC 9438), as the function of time that it is.

import test from 'ava';
import { CUBIC, type CubicState } from '@migratory/stack/internal/tcp/congestion/cubic.js';

const MSS = 1000;
const ROUND_TRIP_MS = 100;

/** So many round trips, with the whole window acknowledged in each. Answers when they are over. */
function run(state: CubicState, now: number, roundTrips: number, roundTripMs = ROUND_TRIP_MS): number {
  for (let count = 0; count < roundTrips; count++) {
    const segments = Math.floor(state.windowLength / MSS);
    for (let index = 0; index < segments; index++) {
      CUBIC.acknowledged(state, now + (index * roundTripMs) / segments, MSS, MSS, 2 * MSS, roundTripMs);
    }
    now += roundTripMs;
  }
  return now;
}

function afterLoss(segments: number): CubicState {
  const state = CUBIC.start(MSS);
  state.windowLength = segments * MSS;
  CUBIC.lost(state, 0, state.windowLength, MSS);
  state.windowLength = state.slowStartThresholdLength;
  return state;
}

test('MAY-18: section 4.6: a loss takes three tenths of the window', (t) => {
  const state = afterLoss(1000);
  t.is(state.slowStartThresholdLength, 700 * MSS);
  t.is(state.peakLength, 1000 * MSS);
});

test('section 4.2: after K the window is back, having been slow around it and fast before', (t) => {
  const state = afterLoss(1000);
  const k = Math.cbrt(300 / 0.4) * 1000;
  let now = run(state, 0, 1);
  t.true(Math.abs(state.returnMs - k) < 1);
  now = run(state, now, Math.round(k / ROUND_TRIP_MS / 2));
  const atHalf = state.windowLength;
  t.true(atHalf > 950 * MSS && atHalf < 975 * MSS, `${atHalf}: 1000 less an eighth of 300`);
  now = run(state, now, Math.round(k / ROUND_TRIP_MS / 2));
  t.true(Math.abs(state.windowLength - 1000 * MSS) < 5 * MSS, `${state.windowLength}`);
  run(state, now, 100);
  t.true(state.windowLength > 1300 * MSS, 'then it looks for more');
});

test('section 4.3: on a short path with a small window it grows as Reno would', (t) => {
  const state = afterLoss(20);
  run(state, 0, 40, 5);
  // Half a segment in each round trip up to the old window, one beyond it.
  const reno = 20 + (40 - (20 - 14) / 0.53);
  t.true(Math.abs(state.windowLength / MSS - reno) < 4, `${state.windowLength / MSS} for ${reno}`);
});

test('section 4.7: a second loss below the first leaves room for others', (t) => {
  const state = afterLoss(1000);
  state.windowLength = 800 * MSS;
  CUBIC.lost(state, 0, state.windowLength, MSS);
  t.is(state.peakLength, 680 * MSS);
});

test('section 4.8: after a timeout the growth begins where slow start ends', (t) => {
  const state = CUBIC.start(MSS);
  state.windowLength = 1000 * MSS;
  CUBIC.timedOut(state, 0, state.windowLength, MSS);
  state.windowLength = 700 * MSS;
  run(state, 10_000, 1);
  t.is(state.peakLength, 700 * MSS);
  t.is(state.returnMs, 0);
});

test('section 5.8: time in which nothing was sent is no growth', (t) => {
  const state = afterLoss(1000);
  const rested = structuredClone(state);
  run(state, run(state, 0, 10), 10);
  run(rested, run(rested, 0, 10) + 60_000, 10);
  t.true(Math.abs(state.windowLength - rested.windowLength) < 10 * MSS, `${state.windowLength} ${rested.windowLength}`);
});

test('section 4.2: no more than half of the window in a round trip', (t) => {
  const state = afterLoss(100);
  run(state, 0, 1);
  state.epochStartedAt = -1_000_000;
  const before = state.windowLength;
  run(state, ROUND_TRIP_MS, 1);
  t.true(state.windowLength <= before * 1.7, `${state.windowLength / before}`);
});

test('slow start ends at the threshold', (t) => {
  const state = CUBIC.start(MSS);
  t.is(state.windowLength, 10 * MSS);
  run(state, 0, 2);
  t.is(state.windowLength, 40 * MSS);
});
