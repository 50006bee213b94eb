// How long statements took: those during which their session moved, and the others.

import { durationOf, touches, type Interval } from '../interval.js';

export interface Waits {
  readonly count: number;
  /** 0 where there was none. */
  readonly medianMs: number;
  readonly longestMs: number;
}

/** Both of the same session, each in the order of time. */
export interface SessionTimes {
  readonly statements: readonly Interval[];
  /** From the request to the end of the replay. */
  readonly moves: readonly Interval[];
}

export function waitsOf(sessions: readonly SessionTimes[]): { readonly moving: Waits; readonly resting: Waits } {
  const parts = sessions.map(({ statements, moves }) => ({
    moving: statements.filter((statement) => moves.some((move) => touches(statement, move))),
    resting: statements.filter((statement) => !moves.some((move) => touches(statement, move))),
  }));
  return {
    moving: summarise(parts.flatMap(({ moving }) => moving)),
    resting: summarise(parts.flatMap(({ resting }) => resting)),
  };
}

function summarise(statements: readonly Interval[]): Waits {
  const durations = statements.map(durationOf).sort((one, other) => one - other);
  return {
    count: durations.length,
    medianMs: durations[Math.floor(durations.length / 2)] ?? 0,
    longestMs: durations.at(-1) ?? 0,
  };
}
