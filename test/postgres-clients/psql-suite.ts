// psql, PostgreSQL's own client: scripts of many kinds, and what its command line can do with them.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentOf, runProgram, transcriptOf } from '../apps/pg-frontend/clients/program.js';
import type { ClientCase, ClientSuite, Target } from '../apps/pg-frontend/clients/suite.js';
import { PSQL } from './needed-programs.js';
import { readScript, scriptPath } from './scripts.js';

/** No start-up file, every statement echoed before its answer. */
const ECHOING = ['-X', '-a'];

async function psql(target: Target, args: readonly string[], input = ''): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'migratory-psql-'));
  try {
    return transcriptOf(await runProgram('psql', args, { folder, input, environment: environmentOf(target) }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const SCRIPTS = readdirSync(scriptPath('psql-scripts')).sort();

const scriptCases = SCRIPTS.map((file): ClientCase => ({
  name: file.replace(/\.sql$/, ''),
  run: (target) => psql(target, ECHOING, readScript(`psql-scripts/${file}`)),
}));

/** One `-c` each: what the command line sends, and how it ends. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  'several statements in one string': [
    '-c',
    "CREATE TABLE s (id int); INSERT INTO s VALUES (1), (2); SELECT 'x'; TABLE s",
  ],
  'an error in one string undoes all of it': [
    ...['-c', 'CREATE TABLE u (id int); INSERT INTO u VALUES (1); SELECT 1 / 0; INSERT INTO u VALUES (2)'],
    ...['-c', 'TABLE u'],
  ],
  'a transaction inside one string': [
    ...['-c', 'CREATE TABLE v (id int)'],
    ...[
      '-c',
      'INSERT INTO v VALUES (1); BEGIN; INSERT INTO v VALUES (2); COMMIT; INSERT INTO v VALUES (3); SELECT 1 / 0',
    ],
    ...['-c', 'TABLE v'],
  ],
  'a transaction over several strings': [
    ...['-c', 'CREATE TABLE w (id int)', '-c', 'BEGIN; INSERT INTO w VALUES (1)'],
    ...['-c', 'SELECT pg_sleep(0.1)', '-c', 'INSERT INTO w VALUES (2)', '-c', 'SELECT pg_sleep(0.1)', '-c', 'COMMIT'],
    ...['-c', 'TABLE w'],
  ],
  'a transaction left open at the end': ['-c', 'CREATE TABLE y (id int)', '-c', 'BEGIN; INSERT INTO y VALUES (1)'],
  'stops at an error': ['-v', 'ON_ERROR_STOP=1', '-c', 'SELECT 1', '-c', 'SELECT 1 / 0', '-c', 'SELECT 2'],
  'rows unaligned': ['-At', '-F', '|', '-c', 'SELECT n, n * n FROM generate_series(1, 20) n'],
  'rows in CSV': ['--csv', '-c', `SELECT 'a "quote"' AS "the, heading", NULL, 'x'`],
  'the list of databases': ['-At', '-c', "SELECT datname FROM pg_database WHERE datname !~ 'clients' ORDER BY 1"],
  'a database that is not there': ['-d', 'never_there', '-c', 'SELECT 1'],
};

const commandCases = Object.entries(COMMANDS).map(([name, args]): ClientCase => ({
  name,
  run: (target) => psql(target, ['-X', ...args]),
}));

const SINGLE = `CREATE TABLE single (id int);
INSERT INTO single SELECT generate_series(1, 5);
SELECT pg_sleep(0.1);
SELECT sum(id) FROM single;
SELECT pg_sleep(0.1);
`;

const singleTransactionCases: readonly ClientCase[] = [
  {
    name: 'a script as a single transaction',
    run: async (target) =>
      (await psql(target, [...ECHOING, '-1', '-f', '-'], SINGLE)) + (await psql(target, ['-X', '-c', 'TABLE single'])),
  },
  {
    name: 'a script as a single transaction that fails',
    run: async (target) =>
      (await psql(
        target,
        [...ECHOING, '-1', '-v', 'ON_ERROR_STOP=1', '-f', '-'],
        `DROP TABLE single;\nSELECT 1 / 0;\n`,
      )) + (await psql(target, ['-X', '-c', 'TABLE single'])),
  },
];

export const psqlSuite: ClientSuite = {
  name: 'psql',
  needs: [PSQL],
  cases: [...scriptCases, ...commandCases, ...singleTransactionCases],
};
