// A scenario: one seed's world, drawn from the whole space of what a network, applications and operators may do.
//
// Each seed picks its own mix, and leaves much out altogether: faults that only show without others are found that way
// (swarm testing). All faults are healed at `healedAtMs`; the connections must complete afterwards.

import { SeededEntropy } from '@migratory/stack/internal/drivers/virtual-clock.js';
import type { NetworkConditions } from '@migratory/stack/internal/drivers/memory.js';
import type { HostLimits } from '@migratory/stack/internal/host/config.js';
import type { MigrationLimits } from '@migratory/stack/internal/migration/config.js';
import type { TcpConfig } from '@migratory/stack/internal/tcp/config.js';
import type { ClientHabits } from './client-application.js';
import type { Exchange, ExchangeKind } from './exchange.js';
import type { Habits } from './server-application.js';

/** Something that happens to the world at a time. Members and clients are numbers that are taken modulo their count. */
export type Happening =
  | { readonly kind: 'move' | 'advise'; readonly client: number; readonly to: number }
  | { readonly kind: 'pull'; readonly from: number; readonly to: number; readonly count: number }
  | { readonly kind: 'rebind'; readonly client: number }
  | { readonly kind: 'crash' | 'drain'; readonly member: number; readonly forMs: number }
  | { readonly kind: 'cut-members' | 'cut-client'; readonly from: number; readonly to: number; readonly forMs: number }
  | { readonly kind: 'replay' | 'forge'; readonly count: number };

export interface Scenario {
  readonly seed: number;
  readonly memberCount: number;
  readonly conditions: NetworkConditions;
  readonly peerDelayMs: number;
  readonly mtu: number;
  readonly tcp: Partial<TcpConfig>;
  readonly migration: Partial<MigrationLimits>;
  readonly limits: Partial<HostLimits>;
  readonly habits: Habits;
  readonly connections: readonly {
    readonly startAtMs: number;
    readonly exchange: Exchange;
    readonly habits: ClientHabits;
    readonly policy: 'leave-silent' | 'stay';
    readonly target: number;
  }[];
  readonly happenings: readonly { readonly atMs: number; readonly happening: Happening }[];
  /** All faults are over by then, and nobody dawdles any more. */
  readonly healedAtMs: number;
}

const KINDS: readonly ExchangeKind[] = ['file', 'duplex', 'calculator'];

export function scenarioOf(seed: number): Scenario {
  const draw = new Draw(seed);
  const memberCount = draw.between(2, 4);
  const network = conditions(draw);
  // In round trips, so that whatever the network is like the exchanges go on while things happen.
  const roundTripMs = 2 * network.maxDelayMs + 0.2;
  const durationMs = roundTripMs * draw.pick([6, 15, 40, 120]);
  const happenings = [...moves(draw, durationMs), ...faults(draw, durationMs)].sort((a, b) => a.atMs - b.atMs);
  const healedAtMs = happenings.reduce((latest, { atMs, happening }) => {
    return Math.max(latest, atMs + ('forMs' in happening ? happening.forMs : 0));
  }, durationMs);
  const peerDelayMs = roundTripMs * draw.pick([0.1, 0.5, 2]);
  const mayFreeze = draw.chance(0.7);
  const sendBufferLength = draw.pick([2_000, 10_000, 100_000]);
  return {
    seed,
    memberCount,
    conditions: network,
    peerDelayMs,
    mtu: draw.pick([240, 576, 1_500]),
    tcp: {
      receiveBufferLength: draw.pick([600, 1_500, 4_000, 20_000, 1_000_000]),
      sendBufferLength,
      timeWaitMs: 60_000,
      keepAliveIdleMs: 15_000,
      keepAliveIntervalMs: 5_000,
    },
    migration: {
      requestAttemptMs: draw.pick([250, 1_500]),
      setUpTimeoutMs: 60_000,
      ...(draw.chance(0.1) ? { imageLength: draw.pick([300, 2_000]) } : {}),
      ...(draw.chance(0.1) ? { inputLogLength: draw.pick([50, 1_000]) } : {}),
    },
    limits: {
      lockWaitMs: draw.pick([20, 500]),
      handoffTimeoutMs:
        draw.chance(0.3) && peerDelayMs < 20 ? peerDelayMs * draw.pick([1.5, 2.5, 3.5]) + 1 : 1_000 + 4 * peerDelayMs,
    },
    habits: {
      snapshotRate: mayFreeze ? draw.pick([0.02, 0.3, 1]) : 0,
      lockRate: draw.chance(0.3) ? draw.pick([0.02, 0.3]) : 0,
      maxLockMs: draw.pick([5, 100, 700]),
      ...draw.pick([
        { pauseRate: 0, maxPauseMs: 0 },
        { pauseRate: 0.1, maxPauseMs: roundTripMs * draw.pick([0.2, 2, 20]) },
        { pauseRate: 0.5, maxPauseMs: 0.02 * durationMs },
      ]),
      maxWriteLength: draw.pick([10, 500, 5_000]),
      modes: mayFreeze
        ? draw.pick([['live'], ['held'], ['verified'], ['live', 'held', 'verified']])
        : draw.pick([['live'], ['verified']]),
      sendBufferLength,
      pausesUntilMs: healedAtMs,
    },
    connections: Array.from({ length: draw.between(1, 4) }, () => connection(draw, durationMs, healedAtMs)),
    happenings,
    healedAtMs,
  };
}

function conditions(draw: Draw): NetworkConditions {
  const minDelayMs = draw.pick([0.1, 1, 20]);
  return {
    lossRate: draw.pick([0, 0, 0.01, 0.03, 0.1]),
    duplicationRate: draw.pick([0, 0.02, 0.3]),
    minDelayMs,
    maxDelayMs: minDelayMs * draw.pick([1, 1.2, 4, 20]),
  };
}

function connection(draw: Draw, durationMs: number, pausesUntilMs: number): Scenario['connections'][number] {
  const kind = draw.pick(KINDS);
  const inputLength = draw.pick([0, 1, 60, 2_000, 9_000]);
  return {
    startAtMs: draw.chance(0.7) ? 0 : draw.fraction() * durationMs * 0.5,
    exchange: {
      kind,
      seed: draw.below(2 ** 31),
      outputLength: kind === 'calculator' ? 0 : draw.pick([0, 100, 4_000, 15_000, 30_000]),
      inputLength: kind === 'calculator' ? draw.pick([1, 300, 3_000, 9_000]) : inputLength,
    },
    habits: {
      ...draw.pick([
        { pauseRate: 0, maxPauseMs: 0 },
        { pauseRate: 0.2, maxPauseMs: 0.3 * durationMs },
        { pauseRate: 0.6, maxPauseMs: 0.05 * durationMs },
        { pauseRate: 0.5, maxPauseMs: 0.02 * durationMs },
      ]),
      maxWriteLength: draw.pick([10, 500, 5_000]),
      sendBufferLength: 10_000,
      pausesUntilMs,
      // The others end only once the client has.
      ends: kind === 'file' ? draw.pick(['when-written', 'when-read']) : 'when-written',
    },
    policy: draw.chance(0.5) ? 'leave-silent' : 'stay',
    target: draw.below(12),
  };
}

function moves(draw: Draw, durationMs: number): { atMs: number; happening: Happening }[] {
  const kinds = draw.some(['move', 'advise', 'pull', 'rebind'] as const);
  const count = draw.pick([3, 6, 12, 30]);
  const burst = draw.chance(0.3);
  const burstAt = draw.fraction();
  return Array.from({ length: count }, () => {
    const atMs = (burst ? burstAt + draw.fraction() * 0.1 : draw.fraction()) * durationMs;
    const [client, to] = [draw.below(12), draw.below(12)];
    const kind = draw.pick(kinds);
    switch (kind) {
      case 'rebind':
        return { atMs, happening: { kind, client } };
      case 'pull':
        return { atMs, happening: { kind, from: client, to, count: draw.between(1, 4) } };
      default:
        return { atMs, happening: { kind, client, to } };
    }
  });
}

function faults(draw: Draw, durationMs: number): { atMs: number; happening: Happening }[] {
  if (draw.chance(0.35)) return [];
  const kinds = draw.some(['crash', 'drain', 'cut-members', 'cut-client', 'replay', 'forge'] as const);
  return Array.from({ length: draw.pick([1, 2, 5]) }, () => {
    const atMs = draw.fraction() * durationMs;
    const forMs = draw.fraction() * draw.pick([30, 1_000, 6_000]);
    const [from, to] = [draw.below(12), draw.below(12)];
    const kind = draw.pick(kinds);
    switch (kind) {
      case 'crash':
      case 'drain':
        return { atMs, happening: { kind, member: from, forMs } };
      case 'cut-members':
      case 'cut-client':
        return { atMs, happening: { kind, from, to, forMs } };
      default:
        return { atMs, happening: { kind, count: draw.between(1, 20) } };
    }
  });
}

class Draw extends SeededEntropy {
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(rate: number): boolean {
    return this.fraction() < rate;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  /** A selection of at least one. */
  some<Item>(items: readonly Item[]): Item[] {
    const chosen = items.filter(() => this.chance(0.5));
    return chosen.length === 0 ? [this.pick(items)] : chosen;
  }
}
