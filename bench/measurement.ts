// What a benchmark answers: one line of the table each, with the aim that it is held against.

import { summarise, type Summary } from './statistics.js';

/** What a measurement should come to; `of` names the figure of the summary that counts. */
export interface Aim {
  readonly kind: 'at-most' | 'at-least';
  readonly value: number;
  readonly of: 'median' | 'p99';
}

export interface Measurement {
  readonly what: string;
  readonly unit: string;
  readonly summary: Summary;
  readonly aims: readonly Aim[];
}

/** How a benchmark is to go about it. */
export interface Conduct {
  readonly runCount: number;
}

/** A benchmark by its name; some give several lines. */
export interface Benchmark {
  readonly name: string;
  /** Whether it observes as often as it is told: others need their own number of observations. */
  readonly runs: 'as-told' | 'its-own';
  readonly measure: (conduct: Conduct) => Promise<readonly Measurement[]>;
}

export function measurement(
  what: string,
  unit: string,
  observations: readonly number[],
  ...aims: readonly Aim[]
): Measurement {
  return { what, unit, summary: summarise(observations), aims };
}

export function isMet({ kind, value, of }: Aim, summary: Summary): boolean {
  return kind === 'at-most' ? summary[of] <= value : summary[of] >= value;
}
