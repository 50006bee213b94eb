// A short version of `npm run goodput`: bounds below which something has gone wrong with recovery or with the window.
//
// The bounds are some three quarters of what was measured; the world is simulated, so a slow machine changes nothing.

import test from 'ava';
import { Transfer, type Manner, type Path } from './path.js';

const MS = 8_000;
const CUBIC_SACK: Manner = { congestionControl: 'cubic', selectiveAcknowledgments: true };
const RENO_SACK: Manner = { congestionControl: 'new-reno', selectiveAcknowledgments: true };
const RENO: Manner = { congestionControl: 'new-reno', selectiveAcknowledgments: false };

function path(roundTripMs: number, lossPercent: number): Path {
  return { roundTripMs, lossPercent, rateMbitPerSecond: 100 };
}

const BOUNDS: readonly (readonly [Path, Manner, number])[] = [
  [path(10, 0), CUBIC_SACK, 85],
  [path(10, 0), RENO_SACK, 85],
  [path(10, 0), RENO, 50],
  [path(50, 0), CUBIC_SACK, 80],
  [path(10, 0.1), CUBIC_SACK, 38],
  [path(10, 0.1), RENO_SACK, 30],
  [path(10, 1), CUBIC_SACK, 11],
  [path(10, 1), RENO, 9],
  [path(50, 1), CUBIC_SACK, 2.4],
  [path(10, 3), CUBIC_SACK, 5.5],
];

for (const [where, manner, least] of BOUNDS) {
  const { roundTripMs, lossPercent } = where;
  const sack = manner.selectiveAcknowledgments ? 'with SACK' : 'without SACK';
  test(`${roundTripMs} ms, ${lossPercent} % loss, ${manner.congestionControl} ${sack}: at least ${least} Mbit/s`, (t) => {
    const result = new Transfer(where, manner, 1).run(MS);
    t.true(result.goodputMbitPerSecond >= least, `${result.goodputMbitPerSecond}`);
    if (manner.selectiveAcknowledgments) {
      t.is(result.timeouts, 0);
      t.true(result.repeatedPercent < lossPercent * 1.7 + 3, `${result.repeatedPercent} % sent again`);
    }
  });
}

for (const where of [path(10, 1), path(50, 1), path(10, 3)]) {
  test(`${where.roundTripMs} ms, ${where.lossPercent} % marked instead of lost: as fast, and hardly anything is sent twice`, (t) => {
    const lost = new Transfer(where, CUBIC_SACK, 1).run(MS);
    const marked = new Transfer({ ...where, signal: 'mark' }, CUBIC_SACK, 1).run(MS);
    const told = `${marked.goodputMbitPerSecond} and ${lost.goodputMbitPerSecond} Mbit/s, ${marked.repeatedPercent} % sent again`;
    t.true(marked.goodputMbitPerSecond > lost.goodputMbitPerSecond * 0.9, told);
    t.true(marked.goodputMbitPerSecond < lost.goodputMbitPerSecond * 1.3, told);
    t.true(marked.repeatedPercent < 0.1, told);
    t.log(told);
  });
}
