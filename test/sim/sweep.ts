// The sweep: one short exchange on a quiet network, again and again, with a move at every segment boundary.
//
// The exchange is always the same, so its segments can be counted: once for each of them something happens right after it
// was sent. A run is a scenario of its own, watched by the same oracle.

import { simulateShort, type Interference, type ShortRun } from './short-exchange.js';
import { type ExchangeKind } from './exchange.js';

export interface Finding {
  readonly run: ShortRun;
  readonly failure: string;
}

export const EXCHANGE_KINDS: readonly ExchangeKind[] = ['file', 'duplex', 'calculator'];
const MOVES = ['client', 'origin', 'pull'] as const;

/** How many segments the run has without its failures. */
function segmentCount(run: ShortRun): number {
  return simulateShort(run).segmentCount;
}

/** A move by client, by origin's advice and by the destination's pull, after each segment. */
export function* movesEverywhere(kind: ExchangeKind): Generator<ShortRun> {
  const count = segmentCount({ kind, interferences: [] });
  for (let at = 0; at < count; at++) {
    for (const by of MOVES) yield { kind, interferences: [{ kind: 'move', at, by, to: 2 }] };
  }
}

/** A second move after each segment that follows a first one: to a third member, and back to the first. */
export function* pairsOfMoves(kind: ExchangeKind): Generator<ShortRun> {
  const count = segmentCount({ kind, interferences: [] });
  for (let at = 0; at < count; at++) {
    const first: Interference = { kind: 'move', at, by: 'client', to: 2 };
    const moved = segmentCount({ kind, interferences: [first] });
    for (let then = at + 1; then < moved; then++) {
      yield { kind, interferences: [first, { kind: 'move', at: then, by: 'client', to: 1 + 2 * (then % 2) }] };
    }
  }
}

/** One segment of an exchange with a move is lost, or comes twice, or late; every one in turn. */
export function* disturbances(kind: ExchangeKind): Generator<ShortRun> {
  const count = segmentCount({ kind, interferences: [] });
  for (let at = 1; at < count; at += 3) {
    for (const to of [1, 2]) {
      const move: Interference = { kind: 'move', at, by: 'client', to };
      const moved = segmentCount({ kind, interferences: [move] });
      for (let other = Math.max(0, at - 3); other < Math.min(moved, at + 12); other++) {
        for (const kindOf of ['lose', 'repeat', 'delay'] as const) {
          yield { kind, interferences: [move, { kind: kindOf, at: other }] };
        }
      }
    }
  }
}

export interface Played {
  readonly count: number;
  /** Moves that took place in all runs together. */
  readonly moves: number;
  /** The runs that broke something. */
  readonly findings: Finding[];
}

export function play(runs: Iterable<ShortRun>): Played {
  const findings: Finding[] = [];
  let count = 0;
  let moves = 0;
  for (const run of runs) {
    count++;
    try {
      moves += simulateShort(run).moves;
    } catch (error) {
      findings.push({ run, failure: error instanceof Error ? error.message : String(error) });
    }
  }
  return { count, moves, findings };
}
