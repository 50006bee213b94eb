// `npm run goodput`: how much of a lossy path a bulk transfer uses, in the simulated world, by algorithm.
//
// The same seeds give the same table. `--ms` and `--seeds` change how long and how often; the table of
// docs/performance.md is the default.

import { parseArgs } from 'node:util';
import { MANNERS, medianGoodput, PATHS, TABLE_MS, TABLE_SEED_COUNT } from './table.js';

const { values } = parseArgs({
  options: {
    ms: { type: 'string', default: String(TABLE_MS) },
    seeds: { type: 'string', default: String(TABLE_SEED_COUNT) },
  },
});
console.log(`| round trip | loss | ${MANNERS.map(({ name }) => name).join(' | ')} |`);
console.log(`| --- | --- | ${MANNERS.map(() => '---').join(' | ')} |`);
for (const path of PATHS) {
  const cells = MANNERS.map((manner) =>
    medianGoodput(path, manner, Number(values.ms), Number(values.seeds)).toFixed(1),
  );
  console.log(`| ${path.roundTripMs} ms | ${path.lossPercent} % | ${cells.join(' | ')} |`);
}
