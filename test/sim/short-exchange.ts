// A short exchange on a quiet network: always the same segments, but for what a run does at some of them.

import { DEFAULT_MIGRATION_LIMITS } from '@migratory/stack/internal/migration/config.js';
import { PERFECT_CONDITIONS, type Datagram, type Verdict } from '@migratory/stack/internal/drivers/memory.js';
import { Reached, Violation, type Trace } from './campaign.js';
import type { ExchangeKind } from './exchange.js';
import type { Happening, Scenario } from './scenario.js';
import { Simulation } from './simulation.js';

/** What is done right after segment `at` was sent, or to that segment itself. Segments are counted from 0. */
export type Interference =
  | { readonly kind: 'move'; readonly at: number; readonly by: 'client' | 'origin' | 'pull'; readonly to: number }
  | { readonly kind: 'lose' | 'repeat' | 'delay'; readonly at: number };

export interface ShortRun {
  readonly kind: ExchangeKind;
  readonly interferences: readonly Interference[];
}

const MEMBER_COUNT = 3;
const LATE_MS = 150;
/** One lost segment costs a retransmission or two, of the exchange or of its move; no more than that. */
const MAX_DURATION_MS = 4_000;

/** Plays a run under the oracle; throws a `Violation`. */
export function simulateShort(run: ShortRun, trace?: Trace): { readonly segmentCount: number; readonly moves: number } {
  const reached = new Reached();
  const simulation = new Simulation(scenario(run), reached, trace);
  const { world } = simulation;
  const { network, clock } = world;
  let segmentCount = 0;
  let isAgain = false;
  const sendAgain = ({ from, to, segment }: Datagram): void => {
    isAgain = true;
    network.send(from, to, segment);
    isAgain = false;
  };
  simulation.onDatagram = (datagram): Verdict => {
    if (isAgain) return 'pass';
    const index = segmentCount++;
    let verdict: Verdict = 'pass';
    for (const interference of run.interferences) {
      if (interference.at !== index) continue;
      switch (interference.kind) {
        case 'move':
          clock.wakeAt(clock.now(), () => simulation.happen(moveOf(interference)));
          break;
        case 'lose':
          verdict = 'drop';
          break;
        case 'repeat':
          sendAgain(datagram);
          break;
        case 'delay':
          clock.wakeAt(clock.now() + LATE_MS, () => sendAgain(datagram));
          verdict = 'drop';
          break;
      }
    }
    return verdict;
  };
  simulation.run();
  if (simulation.completedAtMs > MAX_DURATION_MS) {
    throw new Violation(`S5: the exchange took ${Math.round(simulation.completedAtMs)} ms`);
  }
  return { segmentCount, moves: reached.countOf('totals', 'moves') };
}

/** Members in happenings are counted from 0. */
function moveOf({ by, to }: Extract<Interference, { kind: 'move' }>): Happening {
  switch (by) {
    case 'client':
      return { kind: 'move', client: 0, to: to - 1 };
    case 'origin':
      return { kind: 'advise', client: 0, to: to - 1 };
    case 'pull':
      return { kind: 'pull', from: 0, to: to - 1, count: 1 };
  }
}

function scenario({ kind }: ShortRun): Scenario {
  return {
    seed: 7,
    memberCount: MEMBER_COUNT,
    conditions: { ...PERFECT_CONDITIONS, minDelayMs: 1, maxDelayMs: 1 },
    peerDelayMs: 0.7,
    mtu: 576,
    tcp: { receiveBufferLength: 2_000, sendBufferLength: 2_000 },
    migration: DEFAULT_MIGRATION_LIMITS,
    limits: {},
    habits: {
      snapshotRate: 0.5,
      lockRate: 0,
      maxLockMs: 0,
      pauseRate: 0.3,
      maxPauseMs: 2,
      pausesUntilMs: 1_000,
      maxWriteLength: 700,
      modes: ['live'],
      sendBufferLength: 2_000,
      divergeRate: 0,
      maxEndPauseMs: 0,
    },
    connections: [
      {
        startAtMs: 0,
        exchange: {
          kind,
          seed: 77,
          outputLength: kind === 'calculator' ? 0 : 2_000,
          inputLength: kind === 'calculator' ? 600 : 900,
        },
        habits: {
          pauseRate: 0.6,
          maxPauseMs: 3,
          pausesUntilMs: 1_000,
          maxWriteLength: 200,
          sendBufferLength: 2_000,
          ends: kind === 'file' ? 'when-read' : 'when-written',
        },
        asks: 'moving',
        policy: 'stay',
        target: 0,
      },
    ],
    happenings: [],
    healedAtMs: 1,
  };
}
