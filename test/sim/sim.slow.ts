// The sweeps that take longer: two moves at any two places, and one move with any one segment disturbed.

import test from 'ava';
import { disturbances, pairsOfMoves } from './sweep.js';
import { sweep } from './sweep-test.js';

for (const kind of ['duplex', 'calculator'] as const) {
  test(`${kind}: two moves, after every two segments`, (t) => {
    sweep(t, pairsOfMoves(kind), { movesPerRun: 0.8 });
  });

  test(`${kind}: a move during which any one segment is lost, repeated or late`, (t) => {
    sweep(t, disturbances(kind), { movesPerRun: 0.3 });
  });
}
