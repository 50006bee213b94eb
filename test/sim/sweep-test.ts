// What the tests ask of a sweep: no finding, and enough moves for that to mean something.

import type { ExecutionContext } from 'ava';
import type { ShortRun } from './short-exchange.js';
import { play } from './sweep.js';

export function sweep(t: ExecutionContext, runs: Iterable<ShortRun>, least: { readonly movesPerRun: number }): void {
  const { count, moves, findings } = play(runs);
  t.deepEqual(findings, []);
  t.true(moves >= count * least.movesPerRun, `only ${moves} moves in ${count} runs`);
}
