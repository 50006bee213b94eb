// The world of hosts, for campaigns: what its seeds have to reach, and how its scenarios become smaller.

import { TRANSITIONS } from '@migratory/stack/internal/migration/machine.js';
import type { Reached, SimulatedWorld, Trace } from './campaign.js';
import { scenarioOf, type ConnectionPlan, type Scenario } from './scenario.js';
import { Simulation } from './simulation.js';

/** Not among them: those that this protocol's members never give (see docs/simulation.md). */
const REFUSALS = [
  'unknown-connection',
  'stale-epoch',
  'bad-proof',
  'busy',
  'not-movable',
  'image-too-large',
  'origin-unreachable',
  'held-elsewhere',
  'refused-by-policy',
  'state-not-supported',
];
const FROZEN_IN = ['established', 'fin-wait-1', 'fin-wait-2', 'close-wait', 'closing', 'last-ack'];
const HANDOFF = ['fetch', 'image', 'refuse', 'installed', 'returned', 'inquire', 'held', 'disclaimed', 'pull'];

const transitions = Object.entries(TRANSITIONS).flatMap(([from, targets]) => targets.map((to) => `${from} → ${to}`));
const rowsOf = (table: string, rows: readonly string[]) => rows.map((row) => ({ table, row }));

export const hostWorld: SimulatedWorld<Scenario> = {
  name: 'hosts',
  expected: [
    ...rowsOf('transitions', transitions),
    ...rowsOf('refusals', REFUSALS),
    ...rowsOf('frozen in', FROZEN_IN),
    ...rowsOf('handoff', [...HANDOFF, 'taken back', 'came round again']),
  ],
  scenarioOf,
  run: (scenario: Scenario, reached: Reached, trace?: Trace) => {
    reached.seed = scenario.seed;
    new Simulation(scenario, reached, trace).run();
  },
  shrinkSteps,
};

/** Fewer happenings first: nothing else makes a run so much easier to read. */
function* shrinkSteps(scenario: Scenario): Generator<Scenario> {
  const { happenings, connections, conditions, habits } = scenario;
  for (const fewer of withoutParts(happenings)) yield { ...scenario, happenings: fewer };
  if (connections.length > 1) {
    for (const fewer of withoutParts(connections)) if (fewer.length > 0) yield { ...scenario, connections: fewer };
  }
  for (const smaller of smallerObjects(conditions, PLAIN_CONDITIONS)) yield { ...scenario, conditions: smaller };
  for (const [index, plan] of connections.entries()) {
    for (const smaller of smallerConnections(plan))
      yield { ...scenario, connections: connections.with(index, smaller) };
  }
  for (const smaller of smallerObjects(habits, PLAIN_HABITS)) yield { ...scenario, habits: smaller };
  if (habits.modes.length > 1 || habits.modes[0] !== 'live') {
    for (const mode of ['live', ...(habits.modes.length > 1 ? habits.modes : [])] as const) {
      yield { ...scenario, habits: { ...habits, modes: [mode] } };
    }
  }
  // Without the others of TCP's settings nobody would notice the loss of a peer, or room for output.
  const { receiveBufferLength, ...tcp } = scenario.tcp;
  if (receiveBufferLength !== undefined) yield { ...scenario, tcp };
  for (const part of ['limits', 'migration'] as const) {
    for (const fewer of withoutKeys(scenario[part])) yield { ...scenario, [part]: fewer };
  }
  if (scenario.mtu < 1_500) yield { ...scenario, mtu: 1_500 };
  if (scenario.memberCount > 2) yield { ...scenario, memberCount: scenario.memberCount - 1 };
  if (scenario.peerDelayMs !== 1) yield { ...scenario, peerDelayMs: 1 };
  for (const [index, { atMs, happening }] of happenings.entries()) {
    const smaller = [
      ...smallerNumbers(atMs).map((at) => ({ atMs: at, happening })),
      ...Object.entries(happening).flatMap(([key, value]) =>
        typeof value === 'number'
          ? smallerNumbers(value).map((less) => ({ atMs, happening: { ...happening, [key]: less } }))
          : [],
      ),
    ];
    for (const each of smaller) yield { ...scenario, happenings: happenings.with(index, each) };
  }
  const healedAtMs = Math.max(
    1,
    ...happenings.map(({ atMs, happening }) => atMs + ('forMs' in happening ? happening.forMs : 0)),
  );
  if (healedAtMs < scenario.healedAtMs) yield { ...scenario, healedAtMs };
}

const PLAIN_CONDITIONS = { lossRate: 0, duplicationRate: 0, minDelayMs: 1, maxDelayMs: 1 };
const PLAIN_HABITS = {
  snapshotRate: 0,
  lockRate: 0,
  maxLockMs: 0,
  pauseRate: 0,
  maxPauseMs: 0,
  divergeRate: 0,
  maxEndPauseMs: 0,
  maxWriteLength: 5_000,
};
const PLAIN_CLIENT_HABITS = { pauseRate: 0, maxPauseMs: 0, maxWriteLength: 5_000 };

function* smallerConnections(plan: ConnectionPlan): Generator<ConnectionPlan> {
  const { exchange, habits, startAtMs } = plan;
  for (const key of ['outputLength', 'inputLength'] as const) {
    for (const less of smallerNumbers(exchange[key])) yield { ...plan, exchange: { ...exchange, [key]: less } };
  }
  if (exchange.kind !== 'file') yield { ...plan, exchange: { ...exchange, kind: 'file' } };
  if (startAtMs > 0) yield { ...plan, startAtMs: 0 };
  if (plan.policy !== 'stay') yield { ...plan, policy: 'stay' };
  if (plan.asks !== 'moving') yield { ...plan, asks: 'moving' };
  for (const less of smallerNumbers(plan.target)) yield { ...plan, target: less };
  for (const smaller of smallerObjects(habits, PLAIN_CLIENT_HABITS)) yield { ...plan, habits: smaller };
}

/** Without halves, quarters, and so on down to single ones (delta debugging). */
function* withoutParts<Item>(items: readonly Item[]): Generator<Item[]> {
  for (let length = items.length; length >= 1; length = Math.floor(length / 2)) {
    for (let from = 0; from < items.length; from += length) yield items.toSpliced(from, length);
  }
}

function* withoutKeys<Value extends object>(value: Value): Generator<Value> {
  const keys = Object.keys(value);
  if (keys.length > 1) yield {} as Value;
  for (const key of keys) yield Object.fromEntries(Object.entries(value).filter(([other]) => other !== key)) as Value;
}

/** With all, or one, of the fields at their plainest. */
function* smallerObjects<Value extends object>(value: Value, plain: object): Generator<Value> {
  const others = Object.entries(plain as Record<string, unknown>).filter(
    ([key, plainest]) => key in value && value[key as keyof Value] !== plainest,
  );
  if (others.length > 1) yield { ...value, ...Object.fromEntries(others) };
  for (const [key, plainest] of others) yield { ...value, [key]: plainest };
}

function smallerNumbers(value: number): number[] {
  if (value <= 0) return [];
  const whole = Math.floor(value);
  return [...new Set([0, Math.floor(whole / 2), whole < value ? whole : whole - 1])].filter(
    (less) => less < value && less >= 0,
  );
}
