// The bank interrupted: by Ctrl-C at any moment, and by a program that dies, in a database of its own or in somebody else's.
// No process, no file and no schema is left. And the bank without psql.

import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { Client } from 'pg';
import { startEmbeddedDatabase, type EmbeddedDatabase } from '@migratory/demo/internal/embedded-database.js';
import { QUICK_SETTINGS } from '../../support/postgres/world.js';
import { appears, assertNothingLeft, makeFolder, processOf, shows, start } from './run.js';

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

async function assertNoSchema(t: ExecutionContext): Promise<void> {
  t.deepEqual(await query(`SELECT nspname FROM pg_namespace WHERE nspname = 'migratory_demo'`), []);
}

test.serial('a given database, and no psql: the driver does it, and the schema is gone', async (t) => {
  const run = start(t, program, ['--database', database.url, '--seconds', '1'], { PATH: makeFolder(t) });
  t.is(await run.ended, 0, run.output() + run.complaint());
  t.regex(run.output(), /clients +4 × the pg driver for Node; psql is not installed/);
  t.is(run.output().split('✔').length - 1, 4, run.output());
  assertNothingLeft(t, run);
  await assertNoSchema(t);
});

test.serial('Ctrl-C while the database of its own starts leaves no server and no file', async (t) => {
  const run = start(t, program, []);
  await appears(run.temporary, 'data/postgresql.conf');
  run.child.kill('SIGINT');
  t.is(await run.ended, 130);
  t.is(run.complaint(), '');
  t.is(run.output(), '');
  assertNothingLeft(t, run);
});

for (const [moment, text] of [
  ['when the database runs', 'Money transfers'],
  ['when the programs run', 'gateway'],
  ['in the middle of the transfers', 'served by'],
] as const) {
  test.serial(`Ctrl-C ${moment} leaves no process, no file and no schema`, async (t) => {
    const run = start(t, program, ['--database', database.url]);
    await shows(run, text);
    run.child.kill('SIGINT');
    t.is(await run.ended, 130);
    t.is(run.complaint(), '');
    t.notRegex(run.output(), /✔/);
    assertNothingLeft(t, run);
    await assertNoSchema(t);
  });
}

test.serial('a program that dies in the middle fails the demo, in one line', async (t) => {
  const run = start(t, program, ['--database', database.url]);
  await shows(run, 'served by');
  process.kill(processOf(run, 'gateway'), 'SIGKILL');
  t.is(await run.ended, 1);
  t.is(run.complaint().trim().split('\n').length, 1, run.complaint());
  assertNothingLeft(t, run);
  await assertNoSchema(t);
});
