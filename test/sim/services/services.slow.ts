// The services' world in the test suite: a fixed set of seeds. `npm run sim -- --world services` goes on from there.

import test from 'ava';
import { Reached, Violation } from '../campaign.js';
import { servicesWorld } from './services-world.js';

const SEED_COUNT = 60;

test('services that move keep S1 to S7 whatever happens to their members and their network', async (t) => {
  const reached = new Reached();
  for (let seed = 1; seed <= SEED_COUNT; seed++) {
    reached.seed = seed;
    try {
      await servicesWorld.run(servicesWorld.scenarioOf(seed), reached);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      t.fail(`${error.message}; npm run sim -- --world services --seed ${seed} --trace`);
    }
  }
  t.true(reached.countOf('moves', 'moved') > 2 * SEED_COUNT, 'the seeds reach moves');
  for (const effect of ['once', 'locked']) t.true(reached.countOf('effects', effect) > 0, `no effect was ${effect}`);
  for (const { table, row } of servicesWorld.expected) {
    if (table === 'stages') t.true(reached.countOf(table, row) > 0, `no seed enters ${row}`);
  }
});

test('a seed replays exactly', async (t) => {
  const traces = [];
  for (let time = 0; time < 2; time++) {
    const trace: string[] = [];
    await servicesWorld.run(servicesWorld.scenarioOf(3), new Reached(), (line) => trace.push(line));
    traces.push(trace);
  }
  t.true((traces[0]?.length ?? 0) > 50);
  t.deepEqual(traces[0], traces[1]);
});

test('a scenario is data, and its shrink steps are others', (t) => {
  const scenario = servicesWorld.scenarioOf(7);
  t.deepEqual(JSON.parse(JSON.stringify(scenario)), scenario);
  const steps = [...servicesWorld.shrinkSteps(scenario)].map((step) => JSON.stringify(step));
  t.true(steps.length > 10);
  t.false(steps.includes(JSON.stringify(scenario)));
});
