// The bank's clients, both kinds by the same tests, against a real server and without anything that moves.

import test, { type ExecutionContext } from 'ava';
import type { SqlClient } from '@migratory/demo/internal/bank/client.js';
import { DriverClient } from '@migratory/demo/internal/bank/driver-client.js';
import { findPsql, PsqlClient } from '@migratory/demo/internal/bank/psql-client.js';
import { startEmbeddedDatabase, type EmbeddedDatabase } from '@migratory/demo/internal/embedded-database.js';
import { DemoFailed } from '@migratory/demo/internal/failure.js';
import { Programs } from '@migratory/demo/internal/programs.js';
import { QUICK_SETTINGS } from '../../support/postgres/world.js';

const programs = new Programs();
const psql = await findPsql(programs);
let database: EmbeddedDatabase;

test.before(async () => {
  database = await startEmbeddedDatabase({ settings: QUICK_SETTINGS });
});
test.after.always(async () => {
  await programs.close();
  await database?.stop();
});

function makeClient(kind: 'psql' | 'driver'): SqlClient {
  const login = { host: database.host, port: database.port, user: 'postgres', database: 'postgres' };
  return kind === 'psql' ? new PsqlClient('client 1', programs, login) : new DriverClient('client 1', login);
}

function assertRefused(t: ExecutionContext, promise: Promise<unknown>, message: RegExp): Promise<unknown> {
  return t.throwsAsync(promise, { instanceOf: DemoFailed, message });
}

for (const kind of ['psql', 'driver'] as const) {
  const check = kind === 'psql' && psql === undefined ? test.skip : test;

  check(`${kind}: each statement has its command tag`, async (t) => {
    const client = makeClient(kind);
    await client.execute('CREATE TEMPORARY TABLE amounts (amount integer)');
    const tags = [
      ['BEGIN', 'BEGIN'],
      ['INSERT INTO amounts VALUES (1)', 'INSERT 0 1'],
      ['UPDATE amounts SET amount = 2', 'UPDATE 1'],
      ['UPDATE amounts SET amount = 2 WHERE amount = 3', 'UPDATE 0'],
      ['COMMIT', 'COMMIT'],
    ];
    for (const [statement = '', tag] of tags) t.deepEqual(await client.execute(statement), { kind: 'done', tag });
    await client.close();
  });

  check(`${kind}: a failed statement has its SQLSTATE, and COMMIT after it is no COMMIT`, async (t) => {
    const client = makeClient(kind);
    await client.execute('BEGIN');
    t.deepEqual(await client.execute('SELECT 1 / 0'), { kind: 'failed', sqlState: '22012' });
    t.deepEqual(await client.execute('COMMIT'), { kind: 'done', tag: 'ROLLBACK' });
    await client.close();
  });

  check(`${kind}: a lost session is a failure, in the statement that meets it and in all after it`, async (t) => {
    const [client, other] = [makeClient(kind), makeClient(kind)];
    const name = `SET application_name = 'to be lost (${kind})'`;
    await client.execute(name);
    const waiting = client.execute('SELECT pg_sleep(60)');
    const kill = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'to be lost (${kind})'`;
    await other.execute(kill);
    await assertRefused(t, waiting, /client 1/);
    await assertRefused(t, client.execute('SELECT 1'), /client 1/);
    await other.close();
  });
}
