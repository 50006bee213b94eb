// `npm run fuzz`: connections under segments that nobody should send, by the million.
//
// The first life that breaks an invariant ends the run with status 1 and the command that repeats it.

import { parseArgs } from 'node:util';
import { Life, newTally } from './life.js';

const USAGE = 'usage: fuzz [--segments COUNT] [--seed SEED] [--life]';
const DEFAULT_SEGMENT_COUNT = 10_000_000;

function main(): number {
  let values: { segments?: string; seed?: string; life?: boolean };
  try {
    ({ values } = parseArgs({
      options: { segments: { type: 'string' }, seed: { type: 'string' }, life: { type: 'boolean' } },
    }));
  } catch {
    console.error(USAGE);
    return 2;
  }
  const wanted = Number(values.segments ?? DEFAULT_SEGMENT_COUNT);
  const first = Number(values.seed ?? 1);
  if (!Number.isSafeInteger(wanted) || !Number.isSafeInteger(first)) {
    console.error(USAGE);
    return 2;
  }
  const tally = newTally();
  const startedAt = process.cpuUsage();
  let seed = first;
  do {
    try {
      new Life(seed, tally).run();
    } catch (error) {
      console.error(error instanceof Error ? error.stack : error);
      console.error(`life ${seed} broke; npm run fuzz -- --seed ${seed} --life`);
      return 1;
    }
    seed++;
  } while (tally.segments < wanted && values.life !== true);
  const cpuSeconds = process.cpuUsage(startedAt).user / 1e6;
  console.log(
    `${tally.segments} segments in ${seed - first} lives, ${cpuSeconds.toFixed(0)} s of CPU, ${tally.twins} copies, nothing broken`,
  );
  for (const [what, count] of [...tally.states, ...tally.phases]) console.log(`  ${what.padEnd(24)} ${count} inputs`);
  return 0;
}

process.exitCode = main();
