// `npm run demo:pg [-- --database postgres://...] [--seconds 10]`: its arguments.

import { parseCommandLine, runCommand, type Arguments } from '../command.js';
import { UsageError } from '../failure.js';
import { DEFAULT_DURATION_S, MAX_DURATION_S } from './config.js';
import { runBankDemo, type BankOptions } from './demo.js';

const USAGE = `npm run demo:pg [-- --database postgres://... --seconds ${DEFAULT_DURATION_S}]

Transfers money with psql over PostgreSQL sessions that move between two servers, inside of transactions too,
and checks that every acknowledged transfer is there exactly once.

--database  a server that runs already; its schema migratory_demo is made, and dropped at the end.
            Without it a PostgreSQL of the demo's own is started.
--seconds   how long
`;

function readArguments(): Arguments<BankOptions> {
  const { values } = parseCommandLine({
    options: {
      help: { type: 'boolean', short: 'h' },
      database: { type: 'string' },
      seconds: { type: 'string', default: String(DEFAULT_DURATION_S) },
    },
  });
  if (values.help === true) return { kind: 'help' };
  const { database: databaseUrl, seconds } = values;
  if (databaseUrl !== undefined && !isDatabaseUrl(databaseUrl)) {
    throw new UsageError('--database is an address such as postgres://user@127.0.0.1:5432/name');
  }
  const durationS = Number(seconds);
  if (!(durationS > 0 && durationS <= MAX_DURATION_S)) {
    throw new UsageError(`--seconds is a number above 0, ${MAX_DURATION_S} at most`);
  }
  return { kind: 'run', given: { databaseUrl, durationMs: durationS * 1000 } };
}

function isDatabaseUrl(text: string): boolean {
  return URL.canParse(text) && ['postgres:', 'postgresql:'].includes(new URL(text).protocol);
}

await runCommand({ usage: USAGE, readArguments, tell: runBankDemo });
