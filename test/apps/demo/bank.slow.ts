// The bank as its user starts it: what it shows on a pipe, its exit status, and that it leaves nothing behind, in a
// database of its own or in somebody else's.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { Client } from 'pg';
import { startEmbeddedDatabase, type EmbeddedDatabase } from '@migratory/demo/internal/embedded-database.js';
import { QUICK_SETTINGS } from '../../support/postgres/world.js';
import { assertNothingLeft, assertUsageError, makeFolder, start } from './run.js';

const program = fileURLToPath(new URL('../../../../apps/demo/dist/bank/main.js', import.meta.url));
let database: EmbeddedDatabase;

test.before(async () => {
  database = await startEmbeddedDatabase({ settings: QUICK_SETTINGS });
});
test.after.always(() => database?.stop());

async function query(statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query<{ [column: string]: unknown }>(statement)).rows;
  } finally {
    await client.end();
  }
}

test.serial(
  'a database of its own: money moves, sessions move, all is there, and nothing is left behind',
  async (t) => {
    const run = start(t, program, ['--seconds', '2']);
    t.is(await run.ended, 0, run.output() + run.complaint());
    t.regex(run.output(), /database +process \d+ +TCP 127\.0\.0\.1:\d+/);
    t.regex(run.output(), /1 s +\d+ transfers +\d+ moves +served by [12] [12] [12] [12]\n/);
    t.is(run.output().split('✔').length - 1, 4, run.output());
    const [, transferCount] = /transfers acknowledged +(\d+)/.exec(run.output()) ?? [];
    t.true(Number(transferCount) > 0);
    t.regex(run.output(), new RegExp(`Each of the ${transferCount} acknowledged transfers`));
    t.regex(run.output(), /moves inside a transaction +[1-9]/);
    t.regex(run.output(), /with a move +[1-9]/);
    t.notRegex(run.output(), /\x1b/, 'no colours on a pipe');
    assertNothingLeft(t, run);
  },
);

test.serial('what the caller can put right: one line and status 2', async (t) => {
  const nowhere = new URL(database.url);
  nowhere.pathname = '/nowhere';
  const cases: [string[], RegExp][] = [
    [['--bogus'], /--bogus/],
    [['surplus'], /surplus/],
    [['--seconds', '0'], /--seconds is a number above 0/],
    [['--seconds', 'ten'], /--seconds is a number above 0/],
    [['--database', 'mysql://127.0.0.1/bank'], /--database is an address/],
    [['--database', join(makeFolder(t), 'socket')], /--database is an address/],
    [['--database', nowhere.href], /can't be used: database "nowhere" does not exist/],
    [['--database', 'postgres://postgres@127.0.0.1:1/postgres'], /can't be used: .*ECONNREFUSED/],
  ];
  for (const [args, line] of cases) await assertUsageError(t, start(t, program, args), line);
});

test.serial("a schema of that name is somebody's: it is not touched", async (t) => {
  await query('CREATE SCHEMA migratory_demo; CREATE TABLE migratory_demo.notes AS SELECT 1 AS note');
  await assertUsageError(t, start(t, program, ['--database', database.url]), /has a schema migratory_demo already/);
  t.deepEqual(await query('SELECT note FROM migratory_demo.notes'), [{ note: 1 }]);
  await query('DROP SCHEMA migratory_demo CASCADE');
});
