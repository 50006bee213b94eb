// The shrinker on violations that were planted: what is left is what makes the run fail, and it can be replayed.

import test from 'ava';
import { Violation, type SimulatedWorld } from './campaign.js';
import { hostWorld } from './host-world.js';
import { scenarioOf, type Scenario } from './scenario.js';
import { judge, shrink } from './shrinker.js';

interface Numbers {
  readonly seed: number;
  readonly numbers: readonly number[];
}

/** Breaks S2 where 3 and 7 meet, and S1, which is another thing, wherever there is a 5 without them. */
const numbersWorld: SimulatedWorld<Numbers> = {
  name: 'numbers',
  expected: [],
  scenarioOf: (seed) => ({ seed, numbers: [1, 2, 3, 4, 5, 6, 7, 8] }),
  run: ({ numbers }) => {
    if (numbers.includes(3) && numbers.includes(7)) throw new Violation(`S2: three met seven among ${numbers.length}`);
    if (numbers.includes(5)) throw new Violation('S1: a five');
  },
  *shrinkSteps(scenario) {
    for (const index of scenario.numbers.keys()) yield { ...scenario, numbers: scenario.numbers.toSpliced(index, 1) };
  },
};

test('what is left breaks the same invariant, and without any part of it nothing is broken', async (t) => {
  const { scenario, message } = await shrink(numbersWorld, numbersWorld.scenarioOf(1), () => undefined);
  t.deepEqual(scenario.numbers, [3, 7]);
  t.is(message, 'S2: three met seven among 2');
});

test('what does not fail is not shrunk', async (t) => {
  await t.throwsAsync(
    shrink(numbersWorld, { seed: 1, numbers: [1] }, () => undefined),
    { message: /does not fail/ },
  );
});

/** The hosts' world with a defect that shows without playing: a move while some member declines breaks S5. */
const plantedWorld: SimulatedWorld<Scenario> = {
  ...hostWorld,
  run: ({ happenings }) => {
    const kinds = happenings.map(({ happening }) => happening.kind);
    if (kinds.includes('decline') && kinds.includes('move')) throw new Violation('S5: planted');
  },
};

test('a scenario of hosts becomes as small as the defect, and plays from JSON', async (t) => {
  let seed = 1;
  while ((await judge(plantedWorld, scenarioOf(seed))).kind === 'passed') seed++;
  const { scenario, taken } = await shrink(plantedWorld, scenarioOf(seed), () => undefined);
  t.true(taken > 5);
  t.deepEqual(scenario.happenings.map(({ happening }) => happening.kind).sort(), ['decline', 'move']);
  t.is(scenario.connections.length, 1);
  t.is(scenario.memberCount, 2);
  t.deepEqual(scenario.conditions, { lossRate: 0, duplicationRate: 0, minDelayMs: 1, maxDelayMs: 1 });
  for (const smaller of hostWorld.shrinkSteps(scenario)) {
    t.notDeepEqual(smaller, scenario);
    t.is((await judge(plantedWorld, smaller)).kind, 'passed', 'nothing more can go');
  }
  const replayed = JSON.parse(JSON.stringify(scenario)) as Scenario;
  t.deepEqual(replayed, scenario);
  t.is((await judge(hostWorld, replayed)).kind, 'passed');
});
