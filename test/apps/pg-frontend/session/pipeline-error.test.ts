// Errors in the middle of a pipeline: a client that has been told of one hears nothing more before its Sync, wherever its session
// goes meanwhile, and whatever becomes of its session at the database.

import test from 'ava';
import { FLUSH, query, SYNC } from '@migratory/pg-frontend/internal/wire/frontend-messages.js';
import { bind, execute, parse } from '../../../support/postgres/client-messages.js';
import { FakeDatabase } from '../../../support/postgres/fake-database.js';
import { SessionClient } from '../../../support/postgres/session-client.js';

const REST = [parse('', 'INSERT 3'), bind('', ''), execute('')];
/** Virtual time: what is run again is done, and the session may move on. */
const LONG_MS = 1000;
const NOT_CONTINUED = 'E ERROR 40001';

interface Run {
  readonly database: FakeDatabase;
  readonly client: SessionClient;
}

/** A client in a transaction that has written. */
async function inTransaction(use: (run: Run) => Promise<void>): Promise<void> {
  const database = new FakeDatabase();
  const client = await SessionClient.connect({ database });
  try {
    await client.login();
    await client.ask(query('BEGIN'));
    await client.ask(query('INSERT 1'));
    await use({ database, client });
  } finally {
    await client.close();
  }
}

/** Somebody else commits a number: a SELECT of the client's would be answered differently now. */
async function commitElsewhere(database: FakeDatabase, number: number): Promise<void> {
  const other = await SessionClient.connect({ database });
  await other.login();
  await other.ask(query(`INSERT ${number}`));
  await other.leave();
  await other.close();
}

/** In which ways a client is told of an error, and has still to say its Sync. */
const errors: readonly [what: string, fail: (run: Run) => Promise<readonly string[]>, told: readonly string[]][] = [
  [
    'its session at the database was lost under way',
    ({ database, client }) => {
      database.living[0]?.lose();
      return client.answerBy('E', parse('', 'INSERT 2'), FLUSH);
    },
    [NOT_CONTINUED],
  ],
  [
    'its transaction had been given up before',
    async ({ database, client }) => {
      await client.ask(query('SELECT'));
      await commitElsewhere(database, 7);
      await client.client.move();
      await client.client.pass(LONG_MS);
      return client.answerBy('E', parse('', 'INSERT 2'), FLUSH);
    },
    [NOT_CONTINUED],
  ],
  [
    'its transaction was given up under way',
    async ({ database, client }) => {
      await client.answerBy('C', parse('', 'SELECT'), bind('', ''), execute(''), FLUSH);
      await commitElsewhere(database, 7);
      await client.client.move();
      return client.answerBy('E');
    },
    [NOT_CONTINUED],
  ],
  [
    'the database has told it',
    ({ client }) => client.answerBy('E', parse('', 'INSERT 2'), bind('', ''), parse('', 'NONSENSE'), FLUSH),
    ['1', '2', 'E ERROR 42601'],
  ],
];

/** What becomes of the session before its client goes on. */
const fates: readonly [what: string, befall: (run: Run) => unknown][] = [
  ['it stays', () => undefined],
  ['it moves', ({ client }) => client.client.move()],
  ['it is lost at the database', ({ database }) => database.living[0]?.lose()],
  [
    'it moves, and is lost at the database',
    async ({ database, client }) => {
      await client.client.move();
      await client.client.pass(LONG_MS);
      for (const backend of database.living) backend.lose();
    },
  ],
];

for (const [error, fail, told] of errors) {
  for (const [fate, befall] of fates) {
    test(`one error and no more, where ${error} and ${fate}`, async (t) => {
      await inTransaction(async (run) => {
        const { client, database } = run;
        t.deepEqual(await fail(run), told);
        await befall(run);
        t.deepEqual((await client.ask(...REST, SYNC)).told, ['Z E']);
        t.deepEqual((await client.ask(query('INSERT 4'))).told, ['E ERROR 25P02', 'Z E']);
        t.deepEqual((await client.ask(query('ROLLBACK'))).told, ['C ROLLBACK', 'Z I']);
        t.deepEqual((await client.ask(query('INSERT 5'))).told, ['C INSERT 0 1', 'Z I']);
        t.deepEqual(
          database.store.committed.filter((number) => number !== 7),
          [5],
        );
        t.deepEqual(await client.leave(), []);
      });
    });
  }
}
