// postgres.js (`postgres`): it pipelines whatever is asked at a time, and has transactions and cursors of its own manner.

import postgres from 'postgres';
import { withRetry } from './retry.js';
import type { ClientCase, ClientSuite, Target } from './suite.js';
import { digestOf, sqlStateOf, Transcript } from './transcript.js';

/** How many rows at a time, and the row after which the reader has enough. */
const CURSOR_READS = [
  [120, 1000],
  [30, 60],
] as const;

const NOTIFICATION_COUNT = 20;

async function withSql(
  { host, port, user, database }: Target,
  body: (sql: postgres.Sql, transcript: Transcript) => Promise<unknown>,
  options: postgres.Options<Record<string, never>> = {},
): Promise<string> {
  const transcript = new Transcript();
  const sql = postgres({ host, port, user, database, max: 1, onnotice: () => undefined, ...options });
  try {
    await body(sql, transcript);
    return transcript.text();
  } finally {
    await sql.end({ timeout: 5 });
  }
}

const pipelining = (target: Target): Promise<string> =>
  withSql(target, async (sql, transcript) => {
    for (let round = 0; round < 5; round++) {
      const asked = Array.from({ length: 150 }, (_, n) => sql`SELECT ${n + round}::int AS n, ${`text ${n}`} AS text`);
      const moved = target.move();
      const answers = await Promise.all(asked);
      await moved;
      transcript.note(
        'answers',
        answers.map(([row]) => row),
      );
    }
    const mixed = await Promise.allSettled([sql`SELECT 1 AS one`, sql`SELECT 1 / 0`, sql`SELECT 2 AS two`]);
    transcript.note(
      'mixed',
      mixed.map((one) => (one.status === 'fulfilled' ? one.value[0] : sqlStateOf(one.reason))),
    );
  });

const transactions = (target: Target): Promise<string> =>
  withSql(target, async (sql, transcript) => {
    await sql`CREATE TABLE entry (id int PRIMARY KEY, name text)`;
    await sql.begin(async (block) => {
      await target.move();
      await block`INSERT INTO entry VALUES (1, 'one')`;
      await target.move();
      await transcript.attempt('savepoint', () =>
        block.savepoint(async (nested) => {
          await nested`INSERT INTO entry VALUES (2, 'two')`;
          await target.move();
          await nested`INSERT INTO entry VALUES (1, 'again')`;
        }),
      );
      await target.move();
      await block.savepoint(async (nested) => {
        await nested`INSERT INTO entry VALUES (3, 'three')`;
        await target.move();
      });
      transcript.note('inside', await block`SELECT * FROM entry ORDER BY id`);
      await target.move();
    });
    await transcript.attempt('rolled back', () =>
      sql.begin(async (block) => {
        await block`DELETE FROM entry`;
        await target.move();
        transcript.note('deleted', await block`SELECT count(*)::int FROM entry`);
        throw new Error('changed my mind');
      }),
    );
    await transcript.attempt('in parallel', () =>
      sql.begin('isolation level repeatable read', (block) =>
        Array.from({ length: 20 }, (_, n) => block`INSERT INTO entry VALUES (${n + 10}, 'many') RETURNING id`),
      ),
    );
    transcript.note('after', await sql`SELECT * FROM entry ORDER BY id`);
  });

const cursors = (target: Target): Promise<string> =>
  withSql(target, async (sql, transcript) => {
    const read = async (source: postgres.Sql | postgres.TransactionSql): Promise<void> => {
      for (const [count, last] of CURSOR_READS) {
        for await (const rows of source`SELECT n FROM generate_series(1, 1000) n`.cursor(count)) {
          transcript.note('rows', [rows.length, rows.at(-1)?.n]);
          await target.move();
          if (rows.at(-1)?.n === last) break;
        }
      }
    };
    await read(sql);
    await sql.begin(read);
    transcript.note('after', await sql`SELECT 1 AS one`);
  });

/** As in the suite of node-postgres: something may be missed on a move, nothing is heard twice or out of order. */
const notifications = (target: Target): Promise<string> =>
  withSql(target, async (sql, transcript) => {
    const heard: number[] = [];
    let isOver = false;
    await sql.listen('tidings', (payload) => {
      if (payload === 'last') isOver = true;
      else heard.push(Number(payload));
    });
    for (let n = 1; n <= NOTIFICATION_COUNT; n++) {
      await target.move();
      await sql.notify('tidings', String(n));
    }
    while (!isOver) await sql.notify('tidings', 'last');
    transcript.note(
      'in order',
      heard.every((n, index) => n > (heard[index - 1] ?? 0)),
    );
    transcript.note('complete', target.way === 'moving' || heard.length === NOTIFICATION_COUNT);
  });

const large = (target: Target): Promise<string> =>
  withSql(target, async (sql, transcript) => {
    const rows = await sql`SELECT n, md5(n::text) AS hash FROM generate_series(1, 50000) n`;
    transcript.note('rows', [rows.length, digestOf(JSON.stringify(rows))]);
    await target.move();
    await sql.begin(async (block) => {
      const [row] = await block<{ body: string }[]>`SELECT repeat('four megabytes ', 280000) AS body`;
      transcript.note('row', digestOf(row?.body ?? ''));
      await target.move();
      transcript.note('one', await block`SELECT 1 AS one`);
    });
    await sql`SELECT n, md5(n::text) AS hash FROM generate_series(1, 20000) n`.forEach((row) => {
      if (row.n % 5000 === 0) transcript.note('each', row);
    });
  });

const copying = (target: Target): Promise<string> =>
  withSql(target, async (sql, transcript) => {
    await sql`CREATE TABLE copied (id int, name text)`;
    const into = await sql`COPY copied FROM STDIN`.writable();
    for (let n = 1; n <= 5000; n++) into.write(`${n}\tname ${n}\n`);
    await target.move();
    await new Promise<void>((resolve, reject) => {
      into.on('error', reject);
      into.end(() => resolve());
    });
    transcript.note('copied', await sql`SELECT count(*)::int, sum(id)::int FROM copied`);
    const out = await sql`COPY (SELECT * FROM copied ORDER BY id) TO STDOUT`.readable();
    const pieces: Buffer[] = [];
    for await (const piece of out) pieces.push(piece as Buffer);
    transcript.note('out', digestOf(Buffer.concat(pieces)));
  });

const unprepared = (target: Target): Promise<string> =>
  withSql(
    target,
    async (sql, transcript) => {
      transcript.note('simple', await sql.unsafe("SELECT 1 AS one; SELECT 'two' AS two; SELECT 3 AS three").simple());
      for (let n = 0; n < 20; n++) {
        await target.move();
        transcript.note(
          'unnamed',
          await sql`SELECT ${n}::int8 AS big, ${[n, n + 1]}::int[] AS list, ${sql.json({ n })}::jsonb AS json`,
        );
      }
      transcript.note('described', (await sql`SELECT ${1}::int AS a, 'x' AS b`.describe()).string);
    },
    { prepare: false },
  );

const unrepeatable = (target: Target): Promise<string> =>
  withSql(target, async (sql, transcript) => {
    await sql`CREATE TABLE dice (value float8)`;
    let isFirst = true;
    const failureCount = await withRetry(
      () =>
        sql.begin(async (block) => {
          const [row] = await block<{ value: number }[]>`SELECT random() AS value`;
          if (isFirst) await target.move();
          isFirst = false;
          await block`INSERT INTO dice VALUES (${row?.value ?? 0})`;
        }),
      () => Promise.resolve(), // the driver has rolled back
    );
    if (target.way === 'moving' && failureCount === 0) throw new Error('the moved transaction was not told to retry');
    if (target.way !== 'moving' && failureCount > 0) throw new Error('a transaction that stayed was told to retry');
    transcript.note('dice', await sql`SELECT count(*)::int FROM dice`);
  });

const CASES: Readonly<Record<string, (target: Target) => Promise<string>>> = {
  pipelining,
  transactions,
  cursors,
  notifications,
  large,
  copying,
  unprepared,
  unrepeatable,
};

export const postgresJsSuite: ClientSuite = {
  name: 'postgres.js',
  needs: [],
  cases: Object.entries(CASES).map(([name, run]): ClientCase => ({ name, run })),
};
