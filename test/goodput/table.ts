// The table of `npm run goodput`: every path with every algorithm, the median of some seeds.

import { Transfer, type Manner, type Path } from './path.js';

const RATE_MBIT_PER_SECOND = 100;
const ROUND_TRIPS_MS = [10, 50];
const LOSS_PERCENTS = [0, 0.1, 1, 3];

/** The columns. */
export const MANNERS: readonly (Manner & { readonly name: string })[] = [
  { name: 'NewReno', congestionControl: 'new-reno', selectiveAcknowledgments: false },
  { name: 'NewReno, SACK', congestionControl: 'new-reno', selectiveAcknowledgments: true },
  { name: 'CUBIC', congestionControl: 'cubic', selectiveAcknowledgments: false },
  { name: 'CUBIC, SACK', congestionControl: 'cubic', selectiveAcknowledgments: true },
];

/** The rows. */
export const PATHS: readonly Path[] = ROUND_TRIPS_MS.flatMap((roundTripMs) =>
  LOSS_PERCENTS.map((lossPercent) => ({ roundTripMs, lossPercent, rateMbitPerSecond: RATE_MBIT_PER_SECOND })),
);

/** What the table of docs/performance.md was made with. */
export const TABLE_MS = 20_000;
export const TABLE_SEED_COUNT = 3;

/** Mbit/s. */
export function medianGoodput(path: Path, manner: Manner, ms: number, seedCount: number): number {
  const results = Array.from(
    { length: seedCount },
    (_, index) => new Transfer(path, manner, index + 1).run(ms).goodputMbitPerSecond,
  );
  return results.sort((a, b) => a - b)[seedCount >> 1] ?? 0;
}
