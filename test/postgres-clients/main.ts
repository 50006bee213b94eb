// `npm run clients`: real clients of PostgreSQL, straight to the server, through the front-ends, and through the front-ends
// while all sessions move; each has to see the same on every way.
//
// The exit status is 1 where anything differs or fails, 2 where the command line can't be understood. A suite whose program
// is not installed is said to be skipped, with what to install.

import { parseArgs } from 'node:util';
import { runCampaign, type CampaignOptions } from './campaign.js';
import { SUITES } from './suites.js';

const NAMES = SUITES.map(({ name }) => name);
const USAGE = `usage: npm run clients -- [--only ${NAMES.join('|')}] [--case TEXT] [--way straight|still|moving] [--moves-per-second N]`;
/** A transaction is run again by each move: more often than that takes, it makes no progress. */
const MOVES_PER_SECOND = 2;

function readArguments(): CampaignOptions | undefined {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        case: { type: 'string', default: '' },
        way: { type: 'string' },
        'moves-per-second': { type: 'string', default: String(MOVES_PER_SECOND) },
      },
    });
    const movesPerSecond = Number(values['moves-per-second']);
    const suites = SUITES.filter(({ name }) => values.only === undefined || values.only === name);
    if (suites.length === 0 || !(movesPerSecond > 0)) return undefined;
    const way = values.way;
    if (way !== undefined && way !== 'straight' && way !== 'still' && way !== 'moving') return undefined;
    return { suites, movesPerSecond, caseFilter: values.case, lastWay: way ?? 'moving' };
  } catch {
    return undefined;
  }
}

const options = readArguments();
if (options === undefined) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
}
process.exit(await runCampaign(options, (line) => process.stdout.write(`${line}\n`)));
