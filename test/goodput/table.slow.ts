// The table that docs/performance.md shows is what comes out today: whoever changes recovery or the window has to say what that
// does to goodput.

import { readFileSync } from 'node:fs';
import test from 'ava';
import { MANNERS, medianGoodput, PATHS, TABLE_MS, TABLE_SEED_COUNT } from './table.js';

/** The world is simulated, so a slow machine changes nothing; another one may round otherwise, and a loss falls elsewhere. */
const TOLERATED_SHARE = 0.1;
const DOCUMENT = new URL('../../../docs/performance.md', import.meta.url);

/** The cells of the row that begins like this. */
function committed(roundTripMs: number, lossPercent: number): number[] {
  const beginning = `| ${roundTripMs} ms | ${lossPercent} % |`.replaceAll(' ', ' *').replaceAll('|', '\\|');
  const row = new RegExp(`^${beginning}(.*)\\|$`, 'm').exec(readFileSync(DOCUMENT, 'utf8'));
  return (row?.[1] ?? '').split('|').map(Number);
}

for (const path of PATHS) {
  const { roundTripMs, lossPercent } = path;
  test(`${roundTripMs} ms, ${lossPercent} % lost: goodput is what docs/performance.md says`, (t) => {
    const expected = committed(roundTripMs, lossPercent);
    t.is(expected.length, MANNERS.length, 'the table has this row, and a column for each algorithm');
    for (const [index, manner] of MANNERS.entries()) {
      const measured = medianGoodput(path, manner, TABLE_MS, TABLE_SEED_COUNT);
      const said = expected[index] ?? NaN;
      const isAsSaid = Math.abs(measured - said) <= Math.max(said * TOLERATED_SHARE, 0.1);
      t.true(isAsSaid, `${manner.name}: ${measured.toFixed(1)} Mbit/s, not ${said}: npm run goodput`);
    }
  });
}
