// What the options of both commands have in common: checked values, with a message that names the option.

import type { Pace } from './mover.js';

const MOVES = ['random', 'none'] as const;
export const COMMITS = ['locked', 'two-phase'] as const;

export function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`--${name} is a whole number from ${least} on`);
  }
  return value;
}

export function oneOf<Value extends string>(name: string, text: string, values: readonly Value[]): Value {
  const found = values.find((value) => value === text);
  if (found === undefined) throw new RangeError(`--${name} is one of: ${values.join(', ')}`);
  return found;
}

/** Of `--moves` and `--moves-per-second`. */
export function paceOf(moves: string, movesPerSecond: string): Pace | 'none' {
  const rate = wholeNumber('moves-per-second', movesPerSecond, 1);
  return oneOf('moves', moves, MOVES) === 'none' ? 'none' : { kind: 'by the clock', movesPerSecond: rate };
}
