// The simulated world in the test suite: a fixed set of seeds, and the sweep with one move. sim.slow.ts has two moves
// and what may befall one; `npm run sim` goes on from there.

import test from 'ava';
import { scenarioOf } from './scenario.js';
import { hostWorld } from './host-world.js';
import { missedRows, Reached } from './campaign.js';
import { Simulation } from './simulation.js';
import { EXCHANGE_KINDS, movesEverywhere } from './sweep.js';
import { sweep } from './sweep-test.js';

const SEED_COUNT = 150;

test('a connection keeps S1 to S7 whatever happens to its members and its network', (t) => {
  const reached = new Reached();
  for (let seed = 1; seed <= SEED_COUNT; seed++) {
    try {
      reached.seed = seed;
      new Simulation(scenarioOf(seed), reached).run();
    } catch (error) {
      t.fail(`${error instanceof Error ? error.message : String(error)}; npm run sim -- --seed ${seed} --trace`);
    }
  }
  t.true(reached.countOf('totals', 'moves') > SEED_COUNT / 2, 'the seeds reach moves');
  const missed = missedRows(hostWorld, reached).filter((row) => row.startsWith('transitions'));
  t.deepEqual(missed, [], 'the seeds reach every transition; a long campaign reaches the rest too');
  for (const reason of ['busy', 'held-elsewhere', 'stale-epoch', 'bad-proof', 'not-movable']) {
    t.true(reached.countOf('refusals', reason) > 0, `the seeds reach the refusal '${reason}'`);
  }
});

test('a seed replays exactly', (t) => {
  const lines = [1, 2].map(() => {
    const trace: string[] = [];
    new Simulation(scenarioOf(3), new Reached(), (line) => trace.push(line)).run();
    return trace;
  });
  t.deepEqual(lines[0], lines[1]);
});

for (const kind of EXCHANGE_KINDS) {
  test(`${kind}: a move after every segment, by client, by origin and by pull`, (t) => {
    sweep(t, movesEverywhere(kind), { movesPerRun: 0.6 });
  });
}
