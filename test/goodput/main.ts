// `npm run goodput`: how much of a lossy path a bulk transfer uses, in the simulated world, by algorithm.
//
// The same seeds give the same table. `--ms` and `--seeds` change how long and how often; the table of
// docs/performance.md is the default.

import { parseArgs } from 'node:util';
import { Transfer, type Manner, type Path } from './path.js';

const RATE_MBIT_PER_SECOND = 100;
const ROUND_TRIPS_MS = [10, 50];
const LOSS_PERCENTS = [0, 0.1, 1, 3];
const MANNERS: readonly (Manner & { readonly name: string })[] = [
  { name: 'NewReno', congestionControl: 'new-reno', selectiveAcknowledgments: false },
  { name: 'NewReno, SACK', congestionControl: 'new-reno', selectiveAcknowledgments: true },
  { name: 'CUBIC', congestionControl: 'cubic', selectiveAcknowledgments: false },
  { name: 'CUBIC, SACK', congestionControl: 'cubic', selectiveAcknowledgments: true },
];

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

function cell(path: Path, manner: Manner, ms: number, seedCount: number): string {
  const results = Array.from({ length: seedCount }, (_, index) => new Transfer(path, manner, index + 1).run(ms));
  return median(results.map(({ goodputMbitPerSecond }) => goodputMbitPerSecond)).toFixed(1);
}

const { values } = parseArgs({
  options: { ms: { type: 'string', default: '20000' }, seeds: { type: 'string', default: '3' } },
});
const [ms, seedCount] = [Number(values.ms), Number(values.seeds)];
console.log(`| round trip | loss | ${MANNERS.map(({ name }) => name).join(' | ')} |`);
console.log(`| --- | --- | ${MANNERS.map(() => '---').join(' | ')} |`);
for (const roundTripMs of ROUND_TRIPS_MS) {
  for (const lossPercent of LOSS_PERCENTS) {
    const path = { roundTripMs, lossPercent, rateMbitPerSecond: RATE_MBIT_PER_SECOND };
    const cells = MANNERS.map((manner) => cell(path, manner, ms, seedCount));
    console.log(`| ${roundTripMs} ms | ${lossPercent} % | ${cells.join(' | ')} |`);
  }
}
