// node-postgres (`pg`) and `pg-cursor`, as programs use them; between any two steps all sessions move.

import pg from 'pg';
import Cursor from 'pg-cursor';
import { requestCancel, type CancelKey } from './cancel-request.js';
import { withRetry } from './retry.js';
import type { ClientCase, ClientSuite, Target } from './suite.js';
import { digestOf, Transcript } from './transcript.js';

const TRANSFER_COUNT = 40;
const POOL_SIZE = 8;
const NOTIFICATION_COUNT = 20;

/** Runs the body with a client of its own, and closes it. */
async function withClient<Result>(
  { host, port, user, database }: Target,
  body: (client: pg.Client) => Promise<Result>,
  options: pg.ClientConfig & { readonly binary?: boolean } = {},
): Promise<Result> {
  const client = new pg.Client({ host, port, user, database, ...options });
  await client.connect();
  try {
    return await body(client);
  } finally {
    await client.end();
  }
}

/** Notes each statement's rows and tag; all sessions move before each. */
async function steps(
  target: Target,
  transcript: Transcript,
  client: pg.Client,
  statements: readonly string[],
): Promise<void> {
  for (const statement of statements) {
    await target.move();
    await transcript.attempt(statement, async () => {
      const { command, rowCount, rows } = await client.query(statement);
      return { command, rowCount, rows: rows as unknown[] };
    });
  }
}

const VALUES = `SELECT $1::int4 + 1 AS number, $2::text AS text, $3::bytea AS bytes, $4::timestamptz AS time, $5::bool AS truth,
  $6::int8 AS big, $7::float8 AS float, $8::int4[] AS list, $9::jsonb AS json, NULL::text AS nothing`;
const GIVEN = [
  41,
  'ünï',
  Buffer.from([0, 1, 255]),
  new Date(0),
  true,
  '9007199254740993',
  0.1,
  [1, 2, 3],
  { a: [null] },
];

async function values(target: Target): Promise<string> {
  const transcript = new Transcript();
  for (const binary of [false, true]) {
    await withClient(
      target,
      async (client) => {
        for (let round = 0; round < 5; round++) {
          await target.move();
          const { rows, fields } = await client.query(VALUES, GIVEN);
          transcript.note(binary ? 'binary' : 'text', { rows: rows as unknown[], fields });
        }
      },
      { binary },
    );
  }
  return transcript.text();
}

async function preparedStatements(target: Target): Promise<string> {
  const transcript = new Transcript();
  await withClient(target, async (client) => {
    await client.query('CREATE TABLE prepared (id int PRIMARY KEY, name text)');
    const put = (id: number): Promise<unknown> =>
      client
        .query({ name: 'put', text: 'INSERT INTO prepared VALUES ($1, $2) RETURNING *', values: [id, `name ${id}`] })
        .then(({ rows }) => rows as unknown[]);
    const sum = { name: 'sum', text: 'SELECT count(*)::int, sum(id)::int FROM prepared' };
    for (let id = 1; id <= 20; id++) {
      await target.move();
      await transcript.attempt(`put ${id}`, () => put(id % 8));
      if (id === 5) await client.query('BEGIN');
      await target.move();
      await transcript.attempt('sum', () => client.query(sum).then(({ rows }) => rows as unknown[]));
      if (id === 7) await client.query('COMMIT');
    }
  });
  return transcript.text();
}

async function transactions(target: Target): Promise<string> {
  const transcript = new Transcript();
  await withClient(target, (client) =>
    steps(target, transcript, client, [
      'CREATE TABLE tried (id int PRIMARY KEY, name text)',
      ...['BEGIN', "INSERT INTO tried VALUES (1, 'one')", 'SAVEPOINT a', "INSERT INTO tried VALUES (2, 'two')"],
      ...["INSERT INTO tried VALUES (1, 'again')", 'SELECT 1', 'ROLLBACK TO a', 'TABLE tried', 'RELEASE a'],
      ...["INSERT INTO tried VALUES (3, 'three')", 'COMMIT', 'TABLE tried'],
      ...['BEGIN ISOLATION LEVEL SERIALIZABLE', 'DELETE FROM tried WHERE id = 1', 'TABLE tried', 'ROLLBACK'],
      ...['BEGIN', 'SELECT 1 / 0', 'COMMIT', 'BEGIN READ ONLY', 'DELETE FROM tried', 'ROLLBACK', 'TABLE tried'],
    ]),
  );
  return transcript.text();
}

async function cursors(target: Target): Promise<string> {
  const transcript = new Transcript();
  await withClient(target, async (client) => {
    for (const block of ['none', 'open']) {
      if (block === 'open') await client.query('BEGIN');
      const cursor = client.query(new Cursor<{ n: number }>('SELECT n FROM generate_series(1, $1::int) n', [1000]));
      let rows: { n: number }[];
      do {
        rows = await cursor.read(150);
        transcript.note('read', [rows.length, rows.at(-1)?.n]);
        await target.move();
      } while (rows.length > 0);
      await cursor.close();
      const early = client.query(new Cursor('SELECT n FROM generate_series(1, 1000) n'));
      transcript.note('first', await early.read(2));
      await target.move();
      await early.close();
      if (block === 'open') await client.query('COMMIT');
      transcript.note('after', (await client.query('SELECT 1 AS one')).rows);
    }
  });
  return transcript.text();
}

/** What a session tells itself is heard once, in order. */
async function ownNotifications(target: Target): Promise<string> {
  const transcript = new Transcript();
  await withClient(target, async (client) => {
    const heard: string[] = [];
    client.on('notification', ({ channel, payload }) => heard.push(`${channel} ${payload ?? ''}`));
    await client.query('LISTEN news');
    for (let n = 1; n <= NOTIFICATION_COUNT; n++) {
      await target.move();
      if (n % 3 === 0) await client.query('BEGIN');
      await client.query('SELECT pg_notify($1, $2)', ['news', String(n)]);
      await target.move();
      if (n % 3 === 0) await client.query('COMMIT');
    }
    transcript.note('heard', heard);
  });
  return transcript.text();
}

/**
 * What others say while a session moves may be missed, and is never heard twice or out of order; what they say when it has
 * arrived is heard.
 */
async function notifications(target: Target): Promise<string> {
  const transcript = new Transcript();
  await withClient(target, (listener) =>
    withClient(target, async (speaker) => {
      const heard: number[] = [];
      let isOver = false;
      listener.on('notification', ({ payload }) => {
        if (payload === 'last') isOver = true;
        else heard.push(Number(payload));
      });
      await listener.query('LISTEN news');
      for (let n = 1; n <= NOTIFICATION_COUNT; n++) {
        await target.move();
        await speaker.query('SELECT pg_notify($1, $2)', ['news', String(n)]);
      }
      while (!isOver) await speaker.query("NOTIFY news, 'last'");
      transcript.note(
        'in order',
        heard.every((n, index) => n > (heard[index - 1] ?? 0)),
      );
      transcript.note('complete', target.way === 'moving' || heard.length === NOTIFICATION_COUNT);
    }),
  );
  return transcript.text();
}

async function cancelling(target: Target): Promise<string> {
  const transcript = new Transcript();
  await withClient(target, (client) =>
    withClient(target, async (watcher) => {
      const key = keyOf(client);
      for (let round = 0; round < 3; round++) {
        const text = `SELECT pg_sleep(30), 'round ${round}'`;
        const slept = transcript.attempt('long query', () => client.query(text));
        await untilRuns(watcher, text);
        await requestCancel(target, key);
        await slept;
        transcript.note('goes on', (await client.query('SELECT 1 AS one')).rows);
        await target.move();
      }
    }),
  );
  return transcript.text();
}

/** What the server told this client for its cancel requests; the types leave it out. */
function keyOf(client: pg.Client): CancelKey {
  const { processID, secretKey } = client as unknown as { readonly processID: number; readonly secretKey: number };
  return { processId: processID, secretKey };
}

async function untilRuns(watcher: pg.Client, text: string): Promise<void> {
  const running = "SELECT 1 FROM pg_stat_activity WHERE query = $1 AND state = 'active'";
  while ((await watcher.query(running, [text])).rowCount === 0);
}

async function pipelined(target: Target): Promise<string> {
  const transcript = new Transcript();
  await withClient(target, async (client) => {
    for (let round = 0; round < 5; round++) {
      const queued = Array.from({ length: 200 }, (_, n) => client.query('SELECT $1::int * 2 AS twice', [n + round]));
      await target.move();
      const answers = await Promise.all(queued);
      transcript.note(
        'answers',
        answers.map(({ rows }) => (rows as { twice: number }[])[0]?.twice),
      );
    }
  });
  return transcript.text();
}

async function large(target: Target): Promise<string> {
  const transcript = new Transcript();
  await withClient(target, async (client) => {
    for (const block of ['none', 'open']) {
      if (block === 'open') await client.query('BEGIN');
      const { rows } = await client.query('SELECT n, md5(n::text) AS hash FROM generate_series(1, 50000) n');
      transcript.note('rows', [rows.length, digestOf(JSON.stringify(rows))]);
      await target.move();
      const sent = 'parameter '.repeat(300_000);
      const answer = await client.query<{ sent: string }>('SELECT $1::text AS sent', [sent]);
      transcript.note('parameter', answer.rows[0]?.sent === sent);
      await target.move();
      if (block === 'open') await client.query('COMMIT');
    }
  });
  return transcript.text();
}

/** Many clients at a time; what is taken from one account is given to another, exactly once. */
async function pool(target: Target): Promise<string> {
  const { host, port, user, database } = target;
  const transcript = new Transcript();
  const clients = new pg.Pool({ host, port, user, database, max: POOL_SIZE });
  clients.on('error', () => undefined); // a client that was idle; the next query tells
  try {
    await clients.query('CREATE TABLE bank (id int PRIMARY KEY, balance int)');
    await clients.query('INSERT INTO bank SELECT n, 1000 FROM generate_series(1, 20) n');
    const transfer = async (n: number): Promise<void> => {
      const client = await clients.connect();
      try {
        await withRetry(
          async () => {
            await client.query('BEGIN');
            await client.query('UPDATE bank SET balance = balance - $1 WHERE id = $2', [n, 1 + (n % 10)]);
            await client.query('UPDATE bank SET balance = balance + $1 WHERE id = $2', [n, 11 + (n % 10)]);
            await client.query('COMMIT');
          },
          () => client.query('ROLLBACK'),
        );
      } finally {
        client.release();
      }
    };
    const transfers = Array.from({ length: TRANSFER_COUNT }, (_, n) => transfer(n));
    await target.move();
    await Promise.all(transfers);
    transcript.note('bank', (await clients.query('SELECT * FROM bank ORDER BY id')).rows);
  } finally {
    await clients.end();
  }
  return transcript.text();
}

/**
 * A transaction that has told its client the time cannot be replayed: it gets a serialization failure, and a retry
 * succeeds. That it does get one, where sessions move, is checked; so are exactly as many rows as commits.
 */
async function unrepeatable(target: Target): Promise<string> {
  const transcript = new Transcript();
  await withClient(target, async (client) => {
    await client.query('CREATE TABLE told (id serial, at timestamptz)');
    let isFirst = true;
    const failureCount = await withRetry(
      async () => {
        await client.query('BEGIN');
        const { rows } = await client.query<{ now: string }>('SELECT clock_timestamp()::text AS now');
        if (isFirst) await target.move();
        isFirst = false;
        await client.query('INSERT INTO told (at) VALUES ($1)', [rows[0]?.now]);
        await client.query('COMMIT');
      },
      () => client.query('ROLLBACK'),
    );
    if (target.way === 'moving' && failureCount === 0) throw new Error('the moved transaction was not told to retry');
    if (target.way !== 'moving' && failureCount > 0) throw new Error('a transaction that stayed was told to retry');
    transcript.note('told', (await client.query('SELECT count(*) FROM told')).rows);
  });
  return transcript.text();
}

const CASES: Readonly<Record<string, (target: Target) => Promise<string>>> = {
  values,
  'prepared statements': preparedStatements,
  transactions,
  cursors,
  'own notifications': ownNotifications,
  notifications,
  cancel: cancelling,
  pipelined,
  large,
  pool,
  unrepeatable,
};

export const nodePostgresSuite: ClientSuite = {
  name: 'node-postgres',
  needs: [],
  cases: Object.entries(CASES).map(([name, run]): ClientCase => ({ name, run })),
};
