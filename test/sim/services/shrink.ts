// Smaller scenarios: what a failing one is tried without, the boldest steps first.

import type { ClientHabits, ClientPlan, ServicesScenario } from './scenario.js';

const QUIET_HABITS: ClientHabits = {
  pauseRate: 0,
  maxPauseMs: 0,
  maxWriteLength: 2_000,
  maxReadLength: 100_000,
  order: 'dialogue',
  ends: 'when-read',
  moveEveryCount: 0,
  leavesAfterLength: -1,
};

/** None of them is the scenario itself. */
export function* shrinkSteps(scenario: ServicesScenario): Generator<ServicesScenario> {
  const known = JSON.stringify(scenario);
  for (const smaller of candidates(scenario)) {
    if (JSON.stringify(smaller) !== known) yield smaller;
  }
}

function* candidates(scenario: ServicesScenario): Generator<ServicesScenario> {
  const { happenings, clients, groups, conditions } = scenario;
  yield* fewer(happenings).map((some) => ({ ...scenario, happenings: some }));
  yield* fewer(clients)
    .filter((some) => some.length > 0)
    .map((some) => ({ ...scenario, clients: some }));
  yield { ...scenario, conditions: { ...conditions, lossRate: 0, duplicationRate: 0 } };
  yield { ...scenario, conditions: { ...conditions, maxDelayMs: conditions.minDelayMs } };
  yield { ...scenario, workRate: 0 };
  yield { ...scenario, mtu: 1_500 };
  yield { ...scenario, groups: groups.map((group) => ({ ...group, memberCount: 2 })) };
  yield* groups.map((_, index) => ({
    ...scenario,
    groups: groups.map((group, at) =>
      at === index ? { ...group, memberCount: Math.min(2, group.memberCount) } : group,
    ),
  }));
  yield* clients.flatMap((_, index) => {
    const withPlan = (plan: Partial<ClientPlan>): ServicesScenario => ({
      ...scenario,
      clients: clients.map((client, at) => (at === index ? { ...client, ...plan } : client)),
    });
    const { habits, turnCount } = clients[index] as ClientPlan;
    return [
      withPlan({ turnCount: Math.ceil(turnCount / 2) }),
      withPlan({ turnCount: Math.max(1, turnCount - 1) }),
      withPlan({ habits: QUIET_HABITS }),
      ...Object.entries(QUIET_HABITS).map(([name, value]) =>
        withPlan({ habits: { ...habits, [name]: value as never } }),
      ),
      withPlan({ startAtMs: 0 }),
      withPlan({ target: 0 }),
      withPlan({ policy: 'stay' }),
    ];
  });
  yield* happenings.flatMap(({ atMs, happening }, index) => {
    const replaced = (change: object): ServicesScenario => ({
      ...scenario,
      happenings: happenings.map((dated, at) =>
        at === index ? { atMs, happening: { ...happening, ...change } } : dated,
      ),
    });
    return 'forMs' in happening ? [replaced({ forMs: Math.floor(happening.forMs / 2) })] : [];
  });
}

/** Without its halves, its quarters, and so on down to without any one item. */
function fewer<Item>(items: readonly Item[]): Item[][] {
  const results: Item[][] = items.length > 0 ? [[]] : [];
  for (let length = Math.ceil(items.length / 2); length >= 1; length = length === 1 ? 0 : Math.ceil(length / 2)) {
    for (let at = 0; at < items.length; at += length) {
      results.push([...items.slice(0, at), ...items.slice(at + length)]);
    }
  }
  return results;
}
