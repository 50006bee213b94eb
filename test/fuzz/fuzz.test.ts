// A small part of `npm run fuzz`: connections in every state under segments that nobody should send.

import test from 'ava';
import { Life, newTally } from './life.js';

const LIFE_COUNT = 400;
const STATES = [
  'syn-sent',
  'syn-received',
  'established',
  'fin-wait-1',
  'fin-wait-2',
  'close-wait',
  'closing',
  'last-ack',
  'time-wait',
  'closed',
] as const;

test('whatever comes, the invariants hold, and every state is reached', (t) => {
  const tally = newTally();
  for (let seed = 1; seed <= LIFE_COUNT; seed++) {
    try {
      new Life(seed, tally).run();
    } catch (error) {
      t.fail(`${error instanceof Error ? error.message : String(error)}; npm run fuzz -- --seed ${seed} --life`);
      return;
    }
  }
  t.true(tally.segments > 20_000, `only ${tally.segments} segments`);
  for (const state of STATES) t.true((tally.states.get(state) ?? 0) > 0, state);
  t.true(tally.twins > 30, `only ${tally.twins} copies`);
  t.is(tally.phases.size, 6, 'open, recovery and timeout, with selective acknowledgments and without');
});
