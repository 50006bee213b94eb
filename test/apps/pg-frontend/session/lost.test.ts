// A session at the database that is lost, at every message of a client's session: the client is told the truth of what is in
// the database, every request is answered once, and whoever tries again after 40001 has it there once.

import test, { type ExecutionContext } from 'ava';
import { query, SYNC } from '@migratory/pg-frontend/internal/wire/frontend-messages.js';
import { BACKEND, message } from '@migratory/pg-frontend/internal/wire/message.js';
import { LIMITS } from '@migratory/pg-frontend/internal/limits.js';
import type { CommitMode } from '@migratory/pg-frontend/internal/session/session-services.js';
import {
  bind,
  close,
  COPY_DONE,
  copyData,
  copyFail,
  execute,
  parse,
} from '../../../support/postgres/client-messages.js';
import { FakeDatabase, type FakeDatabaseOptions } from '../../../support/postgres/fake-database.js';
import { SessionClient, type Answer } from '../../../support/postgres/session-client.js';

const NOTICE = message(BACKEND.noticeResponse, 'SNOTICE\0VNOTICE\0\0');

interface Run {
  readonly database: FakeDatabase;
  readonly client: SessionClient;
}

async function withClient(
  options: FakeDatabaseOptions & { readonly commitMode?: CommitMode },
  use: (run: Run) => Promise<void>,
): Promise<void> {
  const { commitMode = 'locked', ...rest } = options;
  const database = new FakeDatabase(rest);
  const client = await SessionClient.connect({ database, commitMode });
  try {
    await use({ database, client });
  } finally {
    await client.close();
  }
}

/** How a transaction ended for the client: what it may conclude. */
type Conclusion = 'committed' | 'rolled-back' | 'unknown';

interface Ending {
  readonly conclusion: Conclusion;
  readonly session: 'open' | 'closed';
}

const TRANSACTION: readonly (readonly Buffer[])[] = [
  [query('BEGIN')],
  [query('INSERT 1')],
  [parse('', 'INSERT 2'), bind('', ''), execute(''), SYNC],
  [query('SELECT')],
  [query('COMMIT')],
];

/** Runs the transaction as an application would: the first error is followed by ROLLBACK. */
async function runTransaction(t: ExecutionContext, client: SessionClient): Promise<Ending> {
  for (const [index, messages] of TRANSACTION.entries()) {
    const answer = await client.ask(...messages);
    const isCommit = index === TRANSACTION.length - 1;
    if (answer.status === 'closed') return { conclusion: concluded(answer, isCommit), session: 'closed' };
    const error = answer.told.find((line) => line.startsWith('E '));
    if (error === undefined) continue;
    t.is(error, 'E ERROR 40001');
    if (answer.status === 'I') return { conclusion: 'rolled-back', session: 'open' };
    t.is(answer.status, 'E');
    t.deepEqual((await client.ask(query('ROLLBACK'))).told, ['C ROLLBACK', 'Z I']);
    return { conclusion: 'rolled-back', session: 'open' };
  }
  return { conclusion: 'committed', session: 'open' };
}

function concluded({ told }: Answer, isCommit: boolean): Conclusion {
  if (!isCommit) return 'rolled-back'; // nothing was committed before COMMIT was asked
  return told.some((line) => line.startsWith('E FATAL 40001')) ? 'rolled-back' : 'unknown';
}

/** What was lost is behind it: what it does now is done once, wherever. */
async function goOnElsewhere(t: ExecutionContext, client: SessionClient): Promise<void> {
  for (const number of [8, 9]) {
    await client.client.move();
    t.deepEqual((await client.ask(query(`INSERT ${number}`))).told, ['C INSERT 0 1', 'Z I']);
  }
}

for (const commitMode of ['locked', 'two-phase'] as const) {
  for (const when of ['before', 'after'] as const) {
    test(`a session that is lost ${when} it has dealt with a message: the truth is told (${commitMode})`, async (t) => {
      const conclusions: Conclusion[] = [];
      for (let atMessage = 1, lastMessage = Infinity; atMessage <= lastMessage; atMessage++) {
        await withClient({ loss: { atMessage, when }, commitMode }, async ({ database, client }) => {
          await client.login();
          const { conclusion, session } = await runTransaction(t, client);
          conclusions.push(conclusion);
          const [isThere, isGone] = [[1, 2], []];
          const rows = [...database.store.committed];
          if (conclusion !== 'unknown') t.deepEqual(rows, conclusion === 'committed' ? isThere : isGone);
          if (database.messageCount < atMessage) lastMessage = atMessage; // it was not lost any more
          database.loseNoMore();
          if (session === 'open') {
            await goOnElsewhere(t, client);
            t.deepEqual(database.store.committed, [...rows, 8, 9]);
          }
          t.deepEqual(await client.leave(), []);
          t.is(database.store.prepared.size, 0);
        }).catch((error: unknown) => t.fail(`lost at message ${atMessage}: ${String(error)}`));
      }
      t.false(conclusions.includes('unknown'), 'what became of a plain COMMIT is always found out');
      t.true(conclusions.includes('committed') && conclusions.includes('rolled-back'));
    });
  }
}

test('a session that is lost at a ROLLBACK has rolled back: the client is answered so', async (t) => {
  const extended = [parse('', 'ROLLBACK'), bind('', ''), execute(''), SYNC];
  for (const [rollback, told] of [
    [[query('ROLLBACK')], ['C ROLLBACK', 'Z I']],
    [extended, ['1', '2', 'C ROLLBACK', 'Z I']],
  ] as const) {
    for (const when of ['before', 'after'] as const) {
      for (const failing of [query('INSERT 1'), query('NONSENSE')]) {
        const straight = await rolledBack(failing, rollback, undefined);
        t.deepEqual(straight.told, told);
        for (let atMessage = straight.rollbackAt; atMessage <= straight.messageCount; atMessage++) {
          const lost = await rolledBack(failing, rollback, { atMessage, when });
          t.deepEqual(lost.told, told, `lost ${when} message ${atMessage}`);
        }
      }
    }
  }
});

async function rolledBack(
  second: Buffer,
  rollback: readonly Buffer[],
  loss: FakeDatabaseOptions['loss'],
): Promise<{ readonly told: readonly string[]; readonly rollbackAt: number; readonly messageCount: number }> {
  let seen = { told: [] as readonly string[], rollbackAt: 0, messageCount: 0 };
  await withClient(loss === undefined ? {} : { loss }, async ({ database, client }) => {
    await client.login();
    await client.ask(query('BEGIN'));
    await client.ask(second);
    const rollbackAt = database.messageCount + 1;
    const { told } = await client.ask(...rollback);
    seen = { told, rollbackAt, messageCount: database.messageCount };
    database.loseNoMore();
    await client.ask(query('INSERT 7'));
    if (!database.store.committed.includes(7)) throw new Error(`it could not go on behind ${told.join()}`);
  });
  return seen;
}

test('a statement outside of a transaction that was under way ends the session', async (t) => {
  for (const when of ['before', 'after'] as const) {
    await withClient({ loss: { atMessage: 1, when } }, async ({ database, client }) => {
      await client.login();
      const { told, status } = await client.ask(query('INSERT 1'));
      t.deepEqual([told, status], [['E FATAL 08006'], 'closed']);
      t.deepEqual(database.store.committed, when === 'after' ? [1] : []);
    });
  }
});

test('a session that is lost between two statements outside of a transaction is not missed', async (t) => {
  await withClient({}, async ({ database, client }) => {
    await client.login();
    await client.ask(query('INSERT 1'));
    database.living[0]?.lose();
    t.deepEqual((await client.ask(query('INSERT 2'))).told, ['C INSERT 0 1', 'Z I']);
    t.deepEqual(database.store.committed, [1, 2]);
    t.deepEqual(await client.leave(), []);
  });
});

test('a session that is lost while its client is idle in a transaction: 40001, once', async (t) => {
  for (const next of [query('INSERT 2'), Buffer.concat([parse('', 'INSERT 2'), bind('', ''), execute(''), SYNC])]) {
    await withClient({}, async ({ database, client }) => {
      await client.login();
      await client.ask(query('BEGIN'));
      await client.ask(query('INSERT 1'));
      database.living[0]?.lose();
      t.deepEqual((await client.ask(next)).told, ['E ERROR 40001', 'Z E']);
      t.deepEqual((await client.ask(query('INSERT 3'))).told, ['E ERROR 25P02', 'Z E']);
      t.deepEqual((await client.ask(query('COMMIT'))).told, ['C ROLLBACK', 'Z I']);
      t.deepEqual(await client.leave(), []);
      t.deepEqual(database.store.committed, []);
    });
  }
});

test('a session that is lost while its client is idle in a transaction: the COMMIT fails', async (t) => {
  for (const commitMode of ['locked', 'two-phase'] as const) {
    await withClient({ commitMode }, async ({ database, client }) => {
      await client.login();
      await client.ask(query('BEGIN'));
      await client.ask(query('INSERT 1'));
      database.living[0]?.lose();
      const { told, status } = await client.ask(query('COMMIT'));
      const isCommitted = told.includes('C COMMIT');
      if (!isCommitted) t.deepEqual(told, ['E ERROR 40001', 'Z I']);
      t.is(status, 'I');
      t.deepEqual(database.store.committed, isCommitted ? [1] : []);
      t.deepEqual(await client.leave(), []);
    });
  }
});

test('a transaction whose statements are not all in the journal is not gone on with when its session is lost', async (t) => {
  await withClient({}, async ({ database, client }) => {
    const long = ' '.repeat(200 * 1024);
    await client.login();
    await client.ask(query('BEGIN'));
    for (const number of [1, 2, 3]) await client.ask(query(`INSERT ${number}${long}`));
    database.living[0]?.lose();
    const { told } = await client.ask(query('COMMIT'));
    t.false(
      told.includes('C COMMIT') && database.store.committed.length < 3,
      `in part: ${database.store.committed.join()}`,
    );
    t.deepEqual(told, ['E ERROR 40001', 'Z I']);
    t.deepEqual(database.store.committed, []);
  });
});

test('numbers that were copied in a transaction are not gone on without when its session is lost', async (t) => {
  await withClient({}, async ({ database, client }) => {
    await client.login();
    await client.ask(query('BEGIN'));
    await client.client.write(query('COPY numbers FROM STDIN'));
    t.deepEqual((await client.ask(copyData('1'), copyData('2'), COPY_DONE)).told, ['G', 'C COPY 2', 'Z T']);
    database.living[0]?.lose();
    const { told } = await client.ask(query('COMMIT'));
    t.deepEqual(told, ['E ERROR 40001', 'Z I']);
    t.deepEqual(database.store.committed, []);
  });
});

test('what a request writes before its own COMMIT is not said to be rolled back', async (t) => {
  const requests = [
    [query('INSERT 1; COMMIT')],
    [parse('', 'INSERT 1'), bind('', ''), execute(''), parse('', 'COMMIT'), bind('', ''), execute(''), SYNC],
  ];
  for (const request of requests) {
    for (let atMessage = 1, isOver = false; !isOver; atMessage++) {
      await withClient({ loss: { atMessage, when: 'after' } }, async ({ database, client }) => {
        await client.login();
        if ((await client.ask(query('BEGIN'))).status !== 'T') return;
        const { told } = await client.ask(...request);
        isOver = database.messageCount < atMessage;
        if (told.some((line) => line.endsWith(' 40001'))) t.deepEqual(database.store.committed, [], told.join(' '));
        if (told.includes('C COMMIT')) t.deepEqual(database.store.committed, [1]);
      });
    }
  }
});

test('a copy in the extended protocol, whose Sync is sent with the Execute and once more behind the data', async (t) => {
  await withClient({}, async ({ database, client }) => {
    await client.login();
    const copy = [parse('', 'COPY numbers FROM STDIN'), bind('', ''), execute(''), SYNC];
    const { told } = await client.ask(...copy, copyData('1'), COPY_DONE, SYNC);
    t.deepEqual(told, ['1', '2', 'G', 'C COPY 1', 'Z I']);
    const failed = await client.ask(...copy, copyData('2'), copyFail('no more'), SYNC);
    t.deepEqual(failed.told, ['1', '2', 'G', 'E ERROR 57014', 'Z I']);
    t.deepEqual(database.store.committed, [1]);
    t.deepEqual(await client.leave(), []);
  });
});

test('a session goes on that closes in time what it has prepared; one that prepares without end is ended', async (t) => {
  const long = ' '.repeat(120_000);
  const count = Math.ceil(LIMITS.preparedLength / (1024 + parse('000', `SELECT${long}`).length));
  await withClient({}, async ({ database, client }) => {
    await client.login();
    const prepare = (name: string): Promise<Answer> => client.ask(parse(name, `SELECT${long}`), SYNC);
    for (let index = 0; index < count; index++) t.deepEqual((await prepare(`${index}`)).told, ['1', 'Z I']);
    t.deepEqual((await client.ask(close('S', '0'), SYNC)).told, ['3', 'Z I']);
    t.deepEqual((await prepare('one more')).told, ['1', 'Z I']);
    t.deepEqual((await prepare('too much')).told, ['E FATAL 53400']);
    await client.client.pass(10);
    t.is(database.living.length, 0);
  });
});

test('a CopyFail that comes in two parts', async (t) => {
  await withClient({}, async ({ database, client }) => {
    await client.login();
    const fail = copyFail('no more');
    await client.client.write(query('COPY numbers FROM STDIN'));
    await client.client.readExactly(10);
    await client.client.write(Buffer.concat([copyData('1'), fail.subarray(0, 7)]));
    await client.client.pass(100);
    t.deepEqual((await client.ask(fail.subarray(7))).told, ['E ERROR 57014', 'Z I']);
    t.deepEqual(database.store.committed, []);
  });
});

test('a transaction that a question of ours has failed is not rolled back without a word', async (t) => {
  await withClient({}, async ({ database, client }) => {
    await client.login();
    await client.ask(query('SET own.questions = fail'));
    await client.ask(query('BEGIN'));
    t.deepEqual((await client.ask(query('INSERT 1'))).told, ['C INSERT 0 1', 'Z T']);
    const { told } = await client.ask(query('COMMIT'));
    t.true(
      told.includes('C COMMIT') ? database.store.committed.length === 1 : told.includes('E ERROR 40001'),
      told.join(),
    );
  });
});

test('half a message of a session that is lost is not put before the messages of the next one', async (t) => {
  await withClient({}, async ({ database, client }) => {
    await client.login();
    await client.ask(query('INSERT 1'));
    database.living[0]?.tell(NOTICE.subarray(0, 8));
    database.living[0]?.lose();
    await client.ask(query('INSERT 2'));
    database.living[0]?.tell(NOTICE);
    await client.client.pass(10);
    t.deepEqual((await client.ask(query('INSERT 3'))).told, ['N', 'C INSERT 0 1', 'Z I']);
    t.deepEqual(await client.leave(), []);
  });
});
