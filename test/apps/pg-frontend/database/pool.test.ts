// The pool on a real PostgreSQL: who gets a session that another client has had, and what is left of that in it.

import test from 'ava';
import { startEmbeddedDatabase, type EmbeddedDatabase } from '@migratory/demo/internal/embedded-database.js';
import { parseDatabaseUrl } from '@migratory/pg-frontend/internal/database/backend-adapter.js';
import { ask, run } from '@migratory/pg-frontend/internal/database/ask.js';
import type { Backend } from '@migratory/pg-frontend/internal/database/database.js';
import { LIMITS } from '@migratory/pg-frontend/internal/limits.js';
import { BackendPool } from '@migratory/pg-frontend/internal/database/pool-adapter.js';
import type { Login } from '@migratory/pg-frontend/internal/session/session-record.js';
import { QUICK_SETTINGS } from '../../../support/postgres/world.js';

let database: EmbeddedDatabase;

test.before(async () => {
  database = await startEmbeddedDatabase({ settings: QUICK_SETTINGS });
});

test.after.always(async () => {
  await (database as EmbeddedDatabase | undefined)?.stop();
});

const login = (name: string): Login => {
  return { user: 'postgres', database: 'postgres', parameters: { application_name: name } };
};
const STAYS = new AbortController().signal;
const PATIENCE_MS = 10_000;

async function withPool(
  backendCount: number,
  use: (pool: BackendPool) => Promise<void>,
  backendWaitMs: number = LIMITS.backendWaitMs,
): Promise<void> {
  const limits = { backendCount, backendWaitMs };
  const pool = new BackendPool(parseDatabaseUrl(database.url).address, () => undefined, limits);
  try {
    await use(pool);
  } finally {
    pool.close();
  }
}

/** Gives it back, and waits until the pool has it. */
async function giveBack(pool: BackendPool, backend: Backend): Promise<void> {
  const { idle } = pool.size;
  backend.release();
  await until(() => pool.size.idle > idle);
}

async function until(isSo: () => boolean): Promise<void> {
  for (const startedAt = performance.now(); !isSo();) {
    if (performance.now() - startedAt > PATIENCE_MS) throw new Error('it does not become so');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function settingOf(backend: Backend, name: string): Promise<string | null | undefined> {
  const { rows } = await ask(backend, `SELECT current_setting('${name}', true)`);
  return rows[0]?.[0];
}

test('a session is used again for the same login, as new', async (t) => {
  await withPool(5, async (pool) => {
    const first = await pool.open(login('till'), STAYS);
    await run(first, "SET work_mem = '5MB'; CREATE TEMPORARY TABLE a (b int); LISTEN c");
    await run(first, 'SELECT pg_advisory_lock(7)');
    await giveBack(pool, first);
    const second = await pool.open(login('till'), STAYS);
    t.is(second.identity, first.identity);
    t.is(await settingOf(second, 'work_mem'), '4MB');
    t.is(await settingOf(second, 'application_name'), 'till');
    const { rows } = await ask(
      second,
      `SELECT to_regclass('pg_temp.a'), (SELECT count(*) FROM pg_listening_channels()),
        (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())`,
    );
    t.deepEqual(rows, [[null, '0', '0']]);
    t.deepEqual(pool.counters, { opened: 1, reused: 1, refused: 0 });
  });
});

test('never for another login', async (t) => {
  await withPool(5, async (pool) => {
    const first = await pool.open(login('till'), STAYS);
    await giveBack(pool, first);
    const others: readonly Login[] = [
      login('door'),
      { ...login('till'), database: 'template1' },
      { ...login('till'), parameters: {} },
    ];
    for (const other of others) t.not((await pool.open(other, STAYS)).identity, first.identity);
    const parameters = { extra_float_digits: '1', application_name: 'a' };
    const ordered = await pool.open({ ...login(''), parameters }, STAYS);
    await giveBack(pool, ordered);
    const turned = { application_name: 'a', extra_float_digits: '1' };
    t.is((await pool.open({ ...login(''), parameters: turned }, STAYS)).identity, ordered.identity);
  });
});

test('a session that is given back in a transaction is not used again', async (t) => {
  await withPool(5, async (pool) => {
    const first = await pool.open(login('till'), STAYS);
    await run(first, 'BEGIN');
    first.release();
    await until(() => pool.size.open === 0);
    t.is(pool.size.idle, 0);
    t.not((await pool.open(login('till'), STAYS)).identity, first.identity);
  });
});

test('beyond the limit a client waits for the next that is free', async (t) => {
  await withPool(2, async (pool) => {
    const [first] = [await pool.open(login('till'), STAYS), await pool.open(login('till'), STAYS)];
    const order: string[] = [];
    const waiting = ['one', 'two'].map(async (name) => {
      const backend = await pool.open(login('till'), STAYS);
      order.push(name);
      return backend;
    });
    t.is(pool.size.open, 2);
    first.release();
    const third = await waiting[0];
    t.is(third?.identity, first.identity);
    t.deepEqual(order, ['one']);
    third?.close();
    t.not((await waiting[1])?.identity, first.identity);
    t.is(pool.size.open, 2);
  });
});

test('idle sessions of others give way first', async (t) => {
  await withPool(1, async (pool) => {
    const first = await pool.open(login('till'), STAYS);
    await giveBack(pool, first);
    const second = await pool.open(login('door'), STAYS);
    t.not(second.identity, first.identity);
    t.deepEqual(pool.size, { open: 1, idle: 0 });
  });
});

test('an idle session that was terminated is not handed out', async (t) => {
  await withPool(5, async (pool) => {
    const [first, other] = [await pool.open(login('till'), STAYS), await pool.open(login('door'), STAYS)];
    await giveBack(pool, first);
    await ask(other, `SELECT pg_terminate_backend(${first.identity.split('/')[0] ?? ''}, 5000)`);
    const second = await pool.open(login('till'), STAYS);
    t.not(second.identity, first.identity);
    t.is((await run(second, 'SELECT 1')).error, undefined);
    await until(() => pool.size.open === 2);
  });
});

test('who waits no longer is not given one, and takes none from those who do', async (t) => {
  await withPool(1, async (pool) => {
    const first = await pool.open(login('till'), STAYS);
    const leaving = new AbortController();
    const left = pool.open(login('till'), leaving.signal);
    const staying = pool.open(login('till'), STAYS);
    leaving.abort(new Error('gone'));
    await t.throwsAsync(left, { message: 'gone' });
    first.close();
    t.not((await staying).identity, first.identity);
  });
});

test('nor where it leaves in the instant in which one becomes free', async (t) => {
  await withPool(1, async (pool) => {
    const first = await pool.open(login('till'), STAYS);
    const leaving = new AbortController();
    const left = pool.open(login('till'), leaving.signal);
    const staying = pool.open(login('till'), STAYS);
    const startedAt = performance.now();
    first.close();
    leaving.abort(new Error('gone'));
    await t.throwsAsync(left, { message: 'gone' });
    await staying;
    t.true(performance.now() - startedAt < PATIENCE_MS / 2);
  });
});

test('who comes just when one becomes free does not come before those who wait', async (t) => {
  await withPool(1, async (pool) => {
    const first = await pool.open(login('till'), STAYS);
    const order: string[] = [];
    const opened = async (name: string): Promise<void> => {
      const backend = await pool.open(login(name), STAYS);
      order.push(name);
      backend.close();
    };
    const waiting = opened('waiting');
    first.close();
    await Promise.all([waiting, opened('coming')]);
    t.deepEqual(order, ['waiting', 'coming']);
  });
});

test('who is served by an idle session that gives way does not upset the order of the others', async (t) => {
  await withPool(1, async (pool) => {
    const first = await pool.open(login('till'), STAYS);
    const order: string[] = [];
    const waiting = ['door', 'gate', 'yard'].map(async (name) => {
      const backend = await pool.open(login(name), STAYS);
      order.push(name);
      t.is(pool.size.open, 1);
      backend.close();
    });
    first.release();
    await Promise.all(waiting);
    t.deepEqual(order, ['door', 'gate', 'yard']);
  });
});

test('who has waited for long enough is refused, and what becomes free then is for others', async (t) => {
  await withPool(
    1,
    async (pool) => {
      const first = await pool.open(login('till'), STAYS);
      const error = await t.throwsAsync(pool.open(login('till'), STAYS), { name: 'DatabaseRefused' });
      t.like((error as unknown as { complaint: unknown }).complaint, { severity: 'FATAL', code: '53300' });
      t.is(pool.counters.refused, 1);
      first.close();
      t.not((await pool.open(login('till'), STAYS)).identity, first.identity);
    },
    10,
  );
});

test('who waits when the pool is closed is refused, and opens nothing any more', async (t) => {
  await withPool(1, async (pool) => {
    await pool.open(login('till'), STAYS);
    const waiting = pool.open(login('till'), STAYS);
    pool.close();
    const error = await t.throwsAsync(waiting, { name: 'DatabaseRefused' });
    t.like((error as unknown as { complaint: unknown }).complaint, { code: '57P01' });
    t.deepEqual(pool.size, { open: 0, idle: 0 });
  });
});

test('a refusal of the database is told as it is, and leaves the place free', async (t) => {
  await withPool(1, async (pool) => {
    const refused = pool.open({ ...login('till'), database: 'nowhere' }, STAYS);
    const next = pool.open(login('till'), STAYS);
    const error = await t.throwsAsync(refused, { name: 'DatabaseRefused' });
    t.like((error as unknown as { complaint: unknown }).complaint, { severity: 'FATAL', code: '3D000' });
    await t.notThrowsAsync(next);
    t.is(pool.counters.refused, 1);
  });
});

test('a question that fails leaves nothing behind that the next one would stumble over', async (t) => {
  await withPool(1, async (pool) => {
    const backend = await pool.open(login('till'), STAYS);
    t.is((await ask(backend, 'SELECT 1/0')).error?.C, '22012');
    const { rows, error } = await ask(backend, 'SELECT 1');
    t.deepEqual([rows, error], [[['1']], undefined]);
  });
});
