// pgbench: its initialisation by COPY, its built-in scripts in every protocol mode, and scripts of our own; no client may be
// aborted, no transaction fail for good, and what TPC-B adds up must be the same everywhere.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { environmentOf, runProgram, transcriptOf } from '../apps/pg-frontend/clients/program.js';
import type { ClientCase, ClientSuite, Target } from '../apps/pg-frontend/clients/suite.js';
import { PGBENCH } from './needed-programs.js';
import { scriptPath } from './scripts.js';

const CLIENTS = 4;
/** A transaction may be told to retry by a move; that is not failing. */
const RETRIES = ['--max-tries=100'];
const QUIET = ['-n', '--random-seed=1', '-j', '1'];

/** Lines that say what happened, not how fast. */
const KEPT =
  /^(?:transaction type|scaling factor|query mode|number of clients|number of transactions actually|number of failed)|^done|error|abort|fatal/i;

async function pgbench(target: Target, args: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'migratory-pgbench-'));
  try {
    const ended = await runProgram('pgbench', args, { folder, environment: environmentOf(target) });
    if (ended.status !== 0) throw new Error(`pgbench ${args.join(' ')}: ${transcriptOf(ended)}`);
    const lines = `${ended.output}${ended.complaints}`.split('\n').filter((line) => KEPT.test(line));
    return `${lines.map((line) => line.replace(/^done in .*/, 'done')).join('\n')}\n`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const SUMS = `SELECT (SELECT sum(abalance) FROM pgbench_accounts)::int AS accounts,
  (SELECT sum(tbalance) FROM pgbench_tellers)::int AS tellers, (SELECT sum(bbalance) FROM pgbench_branches)::int AS branches,
  (SELECT coalesce(sum(delta), 0) FROM pgbench_history)::int AS history, (SELECT count(*) FROM pgbench_history)::int AS count`;

/** Rejects where a change was lost or made twice. */
async function sums({ host, port, user, database }: Target): Promise<string> {
  const client = new pg.Client({ host, port, user, database });
  await client.connect();
  try {
    const { rows } =
      await client.query<Record<'accounts' | 'tellers' | 'branches' | 'history' | 'count', number>>(SUMS);
    const [row] = rows;
    if (row === undefined) throw new Error('no sums');
    const { accounts, tellers, branches, history, count } = row;
    if (new Set([accounts, tellers, branches, history]).size !== 1) {
      throw new Error(`the sums differ: ${JSON.stringify(row)}`);
    }
    return `${count} rows of history, sums equal\n`;
  } finally {
    await client.end();
  }
}

/** The arguments of each case, which begins with an initialisation. */
const RUNS: Readonly<Record<string, readonly string[]>> = {
  'TPC-B, simple': ['-c', String(CLIENTS), '-t', '100', '-M', 'simple'],
  'TPC-B, extended': ['-c', String(CLIENTS), '-t', '100', '-M', 'extended'],
  'TPC-B, prepared': ['-c', String(CLIENTS), '-t', '100', '-M', 'prepared'],
  'a connection for each transaction': ['-c', String(CLIENTS), '-t', '20', '-C'],
  'select only': ['-c', String(CLIENTS), '-t', '500', '-S'],
  'select only, prepared': ['-c', String(CLIENTS), '-t', '500', '-S', '-M', 'prepared'],
  'simple update': ['-c', String(CLIENTS), '-t', '100', '-N'],
};
/** TPC-B's sums add up only over whole TPC-B transactions; a simple update leaves out two tables. */
const UNSUMMED = new Set(['simple update']);
const SCRIPTS: Readonly<Record<string, readonly string[]>> = {
  'our transaction, simple': ['-c', String(CLIENTS), '-t', '30', '-f', scriptPath('pgbench-scripts/transfer.sql')],
  'our transaction, prepared': [
    ...['-c', String(CLIENTS), '-t', '30', '-M', 'prepared'],
    ...['-f', scriptPath('pgbench-scripts/transfer.sql')],
  ],
  'our pipeline, extended': [
    ...['-c', String(CLIENTS), '-t', '50', '-M', 'extended'],
    ...['-f', scriptPath('pgbench-scripts/pipeline.sql')],
  ],
};

const INITIALISE = ['-i', '-s', '1', '-q', '-n'];

const cases = Object.entries({ ...RUNS, ...SCRIPTS }).map(([name, args]): ClientCase => ({
  name,
  run: async (target) => {
    const begun = (await pgbench(target, INITIALISE)) + (await sums(target));
    const said = begun + (await pgbench(target, [...QUIET, ...RETRIES, ...args]));
    return UNSUMMED.has(name) ? said : said + (await sums(target));
  },
}));

export const pgbenchSuite: ClientSuite = { name: 'pgbench', needs: [PGBENCH], cases };
