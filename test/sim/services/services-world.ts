// The services' world, as campaigns, the shrinker and the tests run it.

import type { SimulatedWorld } from '../campaign.js';
import { scenarioOf, type ServicesScenario } from './scenario.js';
import { shrinkSteps } from './shrink.js';
import { Simulation } from './simulation.js';

const EXPECTED = {
  stages: [
    ...['files/request', 'files/body', 'calculator/command', 'calculator/sum', 'calculator/answer'],
    ...['chat/listen', 'chat/say', 'chat/long', 'chat/bye', 'chat/rest'],
    ...['tickets/listen', 'tickets/draw', 'tickets/thank', 'audit/listen', 'audit/report', 'audit/vary'],
    ...['orders/listen', 'orders/pay', 'orders/swap', 'orders/book', 'orders/answer', 'orders/fail', 'orders/late'],
  ],
  'moved during': [
    ...['files/request readUntil', 'files/body write', 'calculator/sum readExactly', 'chat/rest read'],
    ...[
      'tickets/thank readExactly',
      'orders/book once',
      'orders/book use',
      'orders/late readExactly',
      'between stages',
    ],
  ],
  happenings: ['move', 'move-all', 'advise', 'push', 'pull', 'crash', 'restart', 'cut-members', 'cut-client'],
  moves: ['moved', 'stayed', 'lost', 'impossible: moving', 'impossible: not-ready', 'impossible: closing'],
  refusals: ['busy', 'origin-unreachable', 'refused-by-policy', 'not-movable'],
  outcomes: ['finished', 'left', 'diverged', 'failed: its member died', 'failed: its member stopped'],
  effects: ['locked', 'once'],
} as const;

export const servicesWorld: SimulatedWorld<ServicesScenario> = {
  name: 'services',
  expected: Object.entries(EXPECTED).flatMap(([table, rows]) => rows.map((row) => ({ table, row }))),
  scenarioOf,
  run: (scenario, reached, trace) => {
    reached.seed = scenario.seed;
    return new Simulation(scenario, reached, trace).run();
  },
  shrinkSteps,
};
