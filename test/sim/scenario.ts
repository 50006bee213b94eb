// A scenario: one seed's world, drawn from the whole space of what a network, applications and operators may do.
//
// Each seed picks its own mix, and leaves much out altogether: faults that only show without others are found that way
// (swarm testing). Some seeds have a theme, which aims at a corner that a mix of everything seldom comes to. All faults are
// healed at `healedAtMs`; the connections must complete afterwards.

import type { NetworkConditions } from '@migratory/stack/internal/drivers/memory.js';
import type { HostLimits } from '@migratory/stack/internal/host/config.js';
import type { MigrationLimits } from '@migratory/stack/internal/migration/config.js';
import type { TcpConfig } from '@migratory/stack/internal/tcp/config.js';
import type { ClientAsks } from '../support/world.js';
import type { ClientHabits } from './client-application.js';
import { Draw } from './draw.js';
import type { Exchange, ExchangeKind } from './exchange.js';
import {
  drawDuel,
  drawEndings,
  drawEnds,
  drawFaults,
  drawForgetting,
  drawMoves,
  drawSleep,
  drawStaleTraffic,
  drawVanishing,
  type TimedHappening,
} from './happenings.js';
import type { Habits } from './server-application.js';

export type { Happening } from './happenings.js';

export interface ConnectionPlan {
  readonly startAtMs: number;
  readonly exchange: Exchange;
  readonly habits: ClientHabits;
  readonly asks: ClientAsks;
  readonly policy: 'leave-silent' | 'stay';
  readonly target: number;
}

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
  readonly connections: readonly ConnectionPlan[];
  readonly happenings: readonly TimedHappening[];
  /** All faults are over by then, and nobody dawdles any more. */
  readonly healedAtMs: number;
}

const KINDS: readonly ExchangeKind[] = ['file', 'duplex', 'calculator'];
const THEMES = [
  ...Array.from({ length: 12 }, () => 'mix' as const),
  'duel',
  'duel',
  'duel',
  'forgetting',
  'vanishing',
  'stale-traffic',
  'stale-traffic',
  'endings',
  'endings',
  'sleep',
] as const;

const bufferLengths = {
  // Nobody reads while all sleep: with room for everything no window closes, and nothing has to be probed for days.
  sleep: [1_000_000],
  // Who vanishes leaves a window that is closed, or nearly so.
  vanishing: [600, 1_500],
  other: [600, 1_500, 4_000, 20_000, 1_000_000],
};

export function scenarioOf(seed: number): Scenario {
  const draw = new Draw(seed);
  const theme = draw.pick(THEMES);
  const memberCount = theme === 'duel' ? draw.between(2, 3) : draw.between(2, 4);
  const network = conditions(draw, theme);
  // In round trips, so that whatever the network is like the exchanges go on while things happen.
  const roundTripMs = 2 * network.maxDelayMs + 0.2;
  const durationMs = roundTripMs * draw.pick([6, 15, 40, 120]);
  const connectionCount = theme === 'forgetting' ? 1 : theme === 'duel' ? draw.between(1, 2) : draw.between(1, 4);
  const attemptMs = draw.pick([250, 1_500]);
  const happenings = draw.chance(0.25) ? drawEnds(draw, durationMs) : [];
  if (theme === 'duel') happenings.push(...drawDuel(draw, durationMs, connectionCount));
  else if (theme === 'forgetting') happenings.push(...drawForgetting(draw, durationMs, { memberCount, attemptMs }));
  else happenings.push(...drawMoves(draw, durationMs), ...drawFaults(draw, durationMs));
  if (theme === 'stale-traffic') {
    happenings.push(...drawStaleTraffic(draw, durationMs, { clientCount: connectionCount, roundTripMs }));
  }
  if (theme === 'endings') happenings.push(...drawEndings(draw, connectionCount));
  if (theme === 'vanishing') happenings.push(...drawVanishing(draw, durationMs, connectionCount));
  if (theme === 'sleep') happenings.push(...drawSleep(draw, durationMs));
  happenings.sort((a, b) => a.atMs - b.atMs);
  const healedAtMs = happenings.reduce((latest, { atMs, happening }) => {
    return Math.max(latest, atMs + ('forMs' in happening ? happening.forMs : 0));
  }, durationMs);
  const peerDelayMs = roundTripMs * (theme === 'duel' ? draw.pick([0.5, 2, 6]) : draw.pick([0.1, 0.5, 2]));
  const mayFreeze = draw.chance(0.7);
  const modes = mayFreeze
    ? draw.pick([['live'], ['held'], ['verified'], ['live', 'held', 'verified']] as const)
    : draw.pick([['live'], ['verified']] as const);
  const sendBufferLength = theme === 'sleep' ? 100_000 : draw.pick([2_000, 10_000, 100_000]);
  const isHasty = theme === 'duel' || draw.chance(0.3);
  return {
    seed,
    memberCount,
    conditions: network,
    peerDelayMs,
    mtu: draw.pick([240, 576, 1_500]),
    tcp: {
      receiveBufferLength: draw.pick(bufferLengths[theme === 'sleep' || theme === 'vanishing' ? theme : 'other']),
      sendBufferLength,
      timeWaitMs: 60_000,
      // A path may be cut for longer than most of the usual attempts take.
      synRetryCount: 9,
      keepAliveIdleMs: theme === 'sleep' ? 5 * 86_400_000 : 15_000,
      keepAliveIntervalMs: 5_000,
    },
    migration: {
      requestAttemptMs: attemptMs,
      setUpTimeoutMs: 240_000,
      ...(draw.chance(0.1) ? { imageLength: draw.pick([300, 2_000]) } : {}),
      ...(draw.chance(0.1) ? { inputLogLength: draw.pick([50, 1_000]) } : {}),
      ...(draw.chance(0.05) ? { inputLogCount: draw.pick([2, 20]) } : {}),
    },
    limits: {
      lockWaitMs: draw.pick([20, 500]),
      handoffTimeoutMs:
        isHasty && peerDelayMs < 20 ? peerDelayMs * draw.pick([2.2, 2.6, 3.5]) + 1 : 1_000 + 4 * peerDelayMs,
      ...(draw.chance(0.15) ? tightLimits(draw) : {}),
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
      modes,
      sendBufferLength,
      pausesUntilMs: healedAtMs,
      divergeRate: draw.chance(0.3) ? draw.pick([0.3, 1]) : 0,
      maxEndPauseMs: theme === 'endings' ? roundTripMs * draw.pick([0, 2, 10]) : 0,
    },
    connections: Array.from({ length: connectionCount }, () => connection(draw, durationMs, healedAtMs)),
    happenings,
    healedAtMs,
  };
}

/** Some of the limits as low as a world with a handful of connections can bear (S6). */
function tightLimits(draw: Draw): Partial<HostLimits> {
  return {
    ...(draw.chance(0.5) ? { halfOpenCount: draw.between(1, 2) } : {}),
    ...(draw.chance(0.3) ? { connectionCount: draw.between(2, 5) } : {}),
    ...(draw.chance(0.5) ? { arrivingCount: draw.between(1, 2) } : {}),
    ...(draw.chance(0.3) ? { requestCount: draw.between(3, 10) } : {}),
    ...(draw.chance(0.5) ? { retainedImagesLength: draw.pick([200, 2_000, 20_000]) } : {}),
    ...(draw.chance(0.5) ? { formerPathCount: 8 } : {}),
    ...(draw.chance(0.5) ? { forwardingPointerCount: 8 } : {}),
  };
}

function conditions(draw: Draw, theme: (typeof THEMES)[number]): NetworkConditions {
  const minDelayMs = theme === 'duel' ? draw.pick([0.1, 1, 5]) : draw.pick([0.1, 1, 20]);
  return {
    lossRate: draw.pick(theme === 'endings' ? [0.05, 0.1, 0.15] : [0, 0, 0.01, 0.03, 0.1]),
    duplicationRate: draw.pick([0, 0.02, 0.3]),
    minDelayMs,
    maxDelayMs: minDelayMs * draw.pick([1, 1.2, 4, 20]),
  };
}

function connection(draw: Draw, durationMs: number, pausesUntilMs: number): ConnectionPlan {
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
    asks: draw.chance(0.9) ? 'moving' : draw.pick(['plain', 'plain', 'other-service']),
    policy: draw.chance(0.5) ? 'leave-silent' : 'stay',
    target: draw.below(12),
  };
}
