// Commits in two phases, which the client's COMMIT does not see: nothing that it has said goes missing by that.

import test from 'ava';
import { query, SYNC } from '@migratory/pg-frontend/internal/wire/frontend-messages.js';
import { bind, close, describe, execute, parse } from '../../../support/postgres/client-messages.js';
import { FakeDatabase } from '../../../support/postgres/fake-database.js';
import { SessionClient } from '../../../support/postgres/session-client.js';

async function withClient(use: (client: SessionClient, database: FakeDatabase) => Promise<void>): Promise<void> {
  const database = new FakeDatabase();
  const client = await SessionClient.connect({ database, commitMode: 'two-phase' });
  try {
    await client.login();
    await use(client, database);
    await client.leave();
  } finally {
    await client.close();
  }
}

test('a transaction that writes is prepared, then committed, under one name', async (t) => {
  await withClient(async (client, database) => {
    await client.ask(query('BEGIN'));
    await client.ask(query('INSERT 1'));
    const before = database.messageCount;
    t.deepEqual((await client.ask(query('COMMIT'))).told, ['C COMMIT', 'Z I']);
    t.deepEqual(database.store.committed, [1]);
    t.deepEqual(database.store.preparedNames.length, 1);
    t.true(database.messageCount > before + 1);
  });
});

test('one that has written nothing is not', async (t) => {
  await withClient(async (client, database) => {
    await client.ask(query('BEGIN'));
    await client.ask(query('SELECT'));
    t.deepEqual((await client.ask(query('COMMIT'))).told, ['C COMMIT', 'Z I']);
    t.deepEqual(database.store.preparedNames, []);
  });
});

test('a statement that is prepared together with its COMMIT can be used again', async (t) => {
  await withClient(async (client, database) => {
    await client.ask(query('BEGIN'));
    await client.ask(query('INSERT 1'));
    const first = await client.ask(parse('end', 'COMMIT'), bind('', 'end'), execute(''), SYNC);
    t.deepEqual(first.told, ['1', '2', 'C COMMIT', 'Z I']);
    await client.ask(query('BEGIN'));
    await client.ask(query('INSERT 2'));
    const second = await client.ask(bind('', 'end'), execute(''), SYNC);
    t.deepEqual(second.told, ['2', 'C COMMIT', 'Z I']);
    t.deepEqual(database.store.committed, [1, 2]);
  });
});

test('a transaction that can not be prepared is answered as its COMMIT would be', async (t) => {
  for (const [request, told] of [
    [[query('COMMIT')], ['E ERROR 23503', 'Z I']],
    [
      [parse('', 'COMMIT'), describe('S', ''), bind('', ''), execute(''), close('P', ''), SYNC],
      ['1', 't', 'n', '2', 'E ERROR 23503', 'Z I'],
    ],
  ] as const) {
    await withClient(async (client, database) => {
      await client.ask(query('SET own.commit = fail'));
      await client.ask(query('BEGIN'));
      await client.ask(query('INSERT 1'));
      t.deepEqual((await client.ask(...request)).told, told);
      t.deepEqual([database.store.committed, database.store.prepared.size], [[], 0]);
      t.deepEqual((await client.ask(query('INSERT 2'))).told, ['C INSERT 0 1', 'Z I']);
    });
  }
});

test('what the database tells besides an answer to the front-end is told to the client', async (t) => {
  await withClient(async (client) => {
    await client.ask(query('SET own.questions = tell'));
    await client.ask(query('BEGIN'));
    await client.ask(query('INSERT 1')); // behind it the transaction's id is asked for
    const heard = [...(await client.ask(query('SELECT'))).told, ...(await client.ask(query('COMMIT'))).told];
    t.deepEqual(heard, ['N', 'S', 'T', 'D 1', 'C SELECT 1', 'Z T', 'C COMMIT', 'Z I']);
    await client.client.move();
    // It is known what it was told: the new session has another one.
    t.deepEqual((await client.ask(query('SELECT'))).told, ['S', 'T', 'D 1', 'C SELECT 1', 'Z I']);
  });
});
