// A scenario of the services' world: one seed's members, services, clients, and what happens to them.
//
// As in the world of bare connections each seed picks its own mix and leaves much out altogether. All faults are healed at
// `healedAtMs`; from then on every connection must complete.

import type { HostLimits, MigrationLimits, NetworkConditions, TcpConfig } from '@migratory/stack';
import { Draw } from '../draw.js';
import { SERVICE_NAMES, type ServiceName } from './dialogue.js';

/** Something that happens at a time. Members and clients are numbers that are taken modulo their count. */
export type Happening =
  | { readonly kind: 'move' | 'advise'; readonly client: number; readonly to: number }
  | { readonly kind: 'move-all'; readonly to: number }
  | { readonly kind: 'push' | 'pull'; readonly from: number; readonly to: number; readonly count: number }
  | { readonly kind: 'crash'; readonly member: number; readonly forMs: number }
  /** The member drains, or stops at once, and comes back after a while. */
  | {
      readonly kind: 'restart';
      readonly member: number;
      readonly manner: 'drain' | 'stop';
      readonly noticeMs: number;
      readonly forMs: number;
    }
  | { readonly kind: 'cut-members' | 'cut-client'; readonly from: number; readonly to: number; readonly forMs: number };

/** How a client behaves. */
export interface ClientHabits {
  readonly pauseRate: number;
  readonly maxPauseMs: number;
  readonly maxWriteLength: number;
  readonly maxReadLength: number;
  /** `dialogue` waits for the answer to one request before it sends the next. */
  readonly order: 'dialogue' | 'pipeline';
  readonly ends: 'when-written' | 'when-read';
  /** Moves by itself after each so many reads; 0: never. */
  readonly moveEveryCount: number;
  /** Resets the connection after so many bytes; -1: never. */
  readonly leavesAfterLength: number;
}

export interface ClientPlan {
  readonly group: number;
  readonly startAtMs: number;
  readonly dialogueSeed: number;
  readonly turnCount: number;
  readonly habits: ClientHabits;
  readonly policy: 'leave-silent' | 'stay';
  readonly target: number;
}

/** The members of one service. */
export interface GroupPlan {
  readonly service: ServiceName;
  readonly memberCount: number;
}

export interface ServicesScenario {
  readonly seed: number;
  readonly conditions: NetworkConditions;
  readonly peerDelayMs: number;
  readonly mtu: number;
  readonly tcp: Partial<TcpConfig>;
  readonly migration: Partial<MigrationLimits>;
  readonly limits: Partial<HostLimits>;
  readonly lingerMs: number;
  /** How long handlers wait for what they work with, and the outside world for its orders. */
  readonly maxWorkMs: number;
  readonly workRate: number;
  readonly groups: readonly GroupPlan[];
  readonly clients: readonly ClientPlan[];
  readonly happenings: readonly { readonly atMs: number; readonly happening: Happening }[];
  readonly healedAtMs: number;
}

export function scenarioOf(seed: number): ServicesScenario {
  const draw = new Draw(seed ^ 0x5e21);
  const minDelayMs = draw.pick([0.1, 1, 20]);
  const conditions: NetworkConditions = {
    lossRate: draw.pick([0, 0, 0.01, 0.05]),
    duplicationRate: draw.pick([0, 0.02, 0.2]),
    minDelayMs,
    maxDelayMs: minDelayMs * draw.pick([1, 1.2, 4]),
  };
  const roundTripMs = 2 * conditions.maxDelayMs + 0.2;
  const durationMs = roundTripMs * draw.pick([8, 20, 60]);
  const groups = draw
    .some(SERVICE_NAMES)
    .slice(0, 3)
    .map((service) => ({ service, memberCount: draw.between(2, 4) }));
  const happenings = [...moves(draw, durationMs), ...faults(draw, durationMs)].sort((a, b) => a.atMs - b.atMs);
  const healedAtMs = happenings.reduce((latest, { atMs, happening }) => {
    const noticeMs = happening.kind === 'restart' ? happening.noticeMs : 0;
    return Math.max(latest, atMs + noticeMs + ('forMs' in happening ? happening.forMs : 0));
  }, durationMs);
  return {
    seed,
    conditions,
    peerDelayMs: roundTripMs * draw.pick([0.1, 0.5, 2]),
    mtu: draw.pick([240, 576, 1_500]),
    tcp: {
      receiveBufferLength: draw.pick([600, 2_000, 20_000]),
      sendBufferLength: draw.pick([1_000, 4_000, 100_000]),
      // A client that only waits learns of the death of its member from these alone.
      keepAliveIdleMs: 15_000,
      keepAliveIntervalMs: 5_000,
    },
    migration: {
      requestAttemptMs: draw.pick([250, 1_500]),
      setUpTimeoutMs: 60_000,
      ...(draw.chance(0.1) ? { inputLogLength: draw.pick([50, 500]) } : {}),
    },
    limits: { lockWaitMs: draw.pick([20, 500]), handoffTimeoutMs: 1_000 + 4 * roundTripMs },
    lingerMs: 60_000,
    workRate: draw.pick([0, 0.2, 0.7]),
    maxWorkMs: roundTripMs * draw.pick([0.3, 2, 10]),
    groups,
    clients: Array.from({ length: Math.max(groups.length, draw.between(1, 4)) }, (_, index) =>
      client(draw, index, groups.length, durationMs),
    ),
    happenings,
    healedAtMs,
  };
}

function client(draw: Draw, index: number, groupCount: number, durationMs: number): ClientPlan {
  const pipelines = draw.chance(0.5);
  return {
    group: index % groupCount,
    startAtMs: draw.chance(0.7) ? 0 : draw.fraction() * durationMs * 0.5,
    dialogueSeed: draw.below(2 ** 31),
    turnCount: draw.pick([1, 3, 8, 15]),
    habits: {
      ...draw.pick([
        { pauseRate: 0, maxPauseMs: 0 },
        { pauseRate: 0.2, maxPauseMs: 0.2 * durationMs },
        { pauseRate: 0.6, maxPauseMs: 0.04 * durationMs },
      ]),
      maxWriteLength: draw.pick([3, 100, 2_000]),
      maxReadLength: draw.pick([50, 1_000, 100_000]),
      order: pipelines ? 'pipeline' : 'dialogue',
      ends: draw.pick(['when-written', 'when-read']),
      moveEveryCount: draw.chance(0.25) ? draw.pick([1, 4]) : 0,
      leavesAfterLength: draw.chance(0.06) ? draw.below(400) : -1,
    },
    policy: draw.chance(0.5) ? 'leave-silent' : 'stay',
    target: draw.below(12),
  };
}

interface Dated {
  readonly atMs: number;
  readonly happening: Happening;
}

function moves(draw: Draw, durationMs: number): Dated[] {
  if (draw.chance(0.05)) return [];
  const kinds = draw.some(['move', 'move-all', 'advise', 'push', 'pull'] as const);
  const burst = draw.chance(0.3);
  const burstAt = draw.fraction();
  return Array.from({ length: draw.pick([3, 6, 12, 30]) }, (): Dated => {
    const atMs = (burst ? burstAt + draw.fraction() * 0.1 : draw.fraction()) * durationMs;
    const [from, to] = [draw.below(12), draw.below(12)];
    const kind = draw.pick(kinds);
    switch (kind) {
      case 'move':
      case 'advise':
        return { atMs, happening: { kind, client: from, to } };
      case 'move-all':
        return { atMs, happening: { kind, to } };
      default:
        return { atMs, happening: { kind, from, to, count: draw.between(1, 4) } };
    }
  });
}

function faults(draw: Draw, durationMs: number): Dated[] {
  if (draw.chance(0.4)) return [];
  const kinds = draw.some(['crash', 'restart', 'cut-members', 'cut-client'] as const);
  return Array.from({ length: draw.pick([1, 2, 4]) }, (): Dated => {
    const atMs = draw.fraction() * durationMs;
    const forMs = draw.fraction() * draw.pick([30, 1_000, 6_000]);
    const [from, to] = [draw.below(12), draw.below(12)];
    const noticeMs = draw.pick([20, 500, 4_000]);
    const kind = draw.pick(kinds);
    switch (kind) {
      case 'crash':
        return { atMs, happening: { kind, member: from, forMs } };
      case 'restart':
        return {
          atMs,
          happening: { kind, member: from, manner: draw.pick(['drain', 'drain', 'stop']), noticeMs, forMs },
        };
      default:
        return { atMs, happening: { kind, from, to, forMs } };
    }
  });
}
