// Clients that want more than their share: whatever they do, memory stays bounded and others are answered.

import { setTimeout as later } from 'node:timers/promises';
import test from 'ava';
import { LIMITS } from '@migratory/pg-frontend/internal/limits.js';
import { startPostgresWorld, type PostgresWorld } from '../../../support/postgres/world.js';
import type { Place } from '../clients/suite.js';
import { frontendBytes, MEMORY_IS_KNOWN } from './memory.js';
import { describe, int16, message, query, RawClient, SYNC, text } from './raw-client.js';

const MIB = 1024 * 1024;
/** Beyond what a few connections' windows and queues hold, and far below what the clients here try to push in. */
const MAX_GROWTH = 96 * MIB;
const PIECE = message('d', Buffer.concat([Buffer.alloc(64 * 1024 - 8, 'x'), Buffer.from('\n')]));
const FLOWING_COPY = 192 * MIB;
const STUCK_MS = 2_000;
/** The kernel, the gateway, the front-end and the server hold something each; what is beyond all of them is a leak. */
const MAX_HELD = 64 * MIB;
/** Far more than an answer takes on a busy machine, and far less than one takes that waits for the greedy one. */
const OTHERS_MS = 2_000;
const SYNC_COUNT = 10_000;
const STATEMENT_COUNT = 100_000;

const memoryTest = MEMORY_IS_KNOWN ? test.serial : test.serial.skip;

let world: PostgresWorld;
let watcher: RawClient;
test.before(async () => {
  world = await startPostgresWorld({ memberCount: 2 });
  watcher = await RawClient.login(world.database);
  await ask(watcher, 'CREATE TABLE sunk (line text)');
  await ask(watcher, 'CREATE TABLE held (line text)');
  await ask(watcher, 'CREATE TABLE kept (id int PRIMARY KEY, n int); INSERT INTO kept VALUES (1, 0)');
  await ask(
    watcher,
    `CREATE FUNCTION sink() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
     CREATE TRIGGER sink BEFORE INSERT ON sunk FOR EACH ROW EXECUTE FUNCTION sink();
     CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END';
     CREATE TRIGGER hold BEFORE INSERT ON held FOR EACH ROW EXECUTE FUNCTION hold();`,
  );
});
test.after.always(async () => {
  watcher?.vanish();
  await world?.close();
});

async function ask(client: RawClient, sql: string): Promise<string> {
  client.send(query(sql));
  return describe(await client.until('Z'));
}

/** Resolves when no session with this application name does anything, nor is in a transaction: it may be kept for others. */
async function untilReleased(name: string): Promise<void> {
  const sql = `SELECT 1 FROM pg_stat_activity WHERE application_name = '${name}' AND state <> 'idle'`;
  while ((await ask(watcher, sql)) !== 'T, C, ZI') await later(20);
}

/** The longest of some answers to another client. */
async function slowestAnswerMs(place: Place, count: number): Promise<number> {
  const client = await RawClient.login(place);
  let slowest = 0;
  for (let asked = 0; asked < count; asked++) {
    const began = performance.now();
    await ask(client, 'SELECT 1');
    slowest = Math.max(slowest, performance.now() - began);
  }
  await client.end();
  return slowest;
}

memoryTest('a COPY that never ends flows through without being kept', async (t) => {
  const client = await RawClient.login(world);
  client.send(query('COPY sunk FROM STDIN'));
  t.is(describe(await client.until('G')), 'G');
  const before = frontendBytes(world);
  let greatest = before;
  for (let sent = 0; sent < FLOWING_COPY; sent += PIECE.length) {
    await client.sendSlowly(PIECE);
    greatest = Math.max(greatest, frontendBytes(world));
  }
  t.true(greatest - before < MAX_GROWTH, `${((greatest - before) / MIB).toFixed(0)} MiB more`);
  t.true((await slowestAnswerMs(world, 20)) < OTHERS_MS);
  client.vanish();
});

memoryTest('a COPY that the database does not take makes its client wait', async (t) => {
  const client = await RawClient.login(world, { application_name: 'stuck' });
  client.send(query('COPY held FROM STDIN'));
  t.is(describe(await client.until('G')), 'G');
  const before = frontendBytes(world);
  let held = 0;
  const stuck = new AbortController();
  const push = async (): Promise<void> => {
    for (; held < 4 * MAX_HELD && !stuck.signal.aborted; held += PIECE.length) await client.sendSlowly(PIECE);
  };
  await Promise.race([push(), later(STUCK_MS)]);
  stuck.abort();
  t.true(held < MAX_HELD, `${(held / MIB).toFixed(0)} MiB were taken`);
  const growth = frontendBytes(world) - before;
  t.true(growth < MAX_GROWTH, `${(growth / MIB).toFixed(0)} MiB more`);
  t.true((await slowestAnswerMs(world, 20)) < OTHERS_MS);
  client.vanish();
  await ask(watcher, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'stuck'");
  await untilReleased('stuck');
});

memoryTest('a client that stops reading a large result costs a bounded share, and others are answered', async (t) => {
  const client = await RawClient.login(world, { application_name: 'sated' });
  const before = frontendBytes(world);
  client.socket.pause();
  client.send(query("SELECT repeat('x', 100000) FROM generate_series(1, 10000)"));
  const slowest = await slowestAnswerMs(world, 200);
  t.true(slowest < OTHERS_MS, `${slowest.toFixed(0)} ms`);
  const growth = frontendBytes(world) - before;
  t.true(growth < MAX_GROWTH, `${(growth / MIB).toFixed(0)} MiB more`);
  client.vanish();
  await untilReleased('sated');
});

test.serial('a client that vanishes in a transaction leaves nothing locked', async (t) => {
  const client = await RawClient.login(world, { application_name: 'vanishing' });
  t.is(await ask(client, 'BEGIN'), 'C, ZT');
  t.is(await ask(client, 'UPDATE kept SET n = n + 1'), 'C, ZT');
  client.vanish();
  t.is(await ask(watcher, 'SELECT * FROM kept WHERE n = 0 FOR UPDATE'), 'T, D, C, ZI');
  await untilReleased('vanishing');
});

test.serial('a client that vanishes in the middle of a message leaves nothing', async (t) => {
  for (const cut of [1, 3, 5, 20]) {
    const name = `cut ${cut}`;
    const client = await RawClient.login(world, { application_name: name });
    t.is(await ask(client, 'BEGIN'), 'C, ZT');
    t.is(await ask(client, 'UPDATE kept SET n = n + 1'), 'C, ZT');
    client.send(query('UPDATE kept SET n = n + 1').subarray(0, cut));
    if (cut % 2 === 0) client.vanish();
    else client.socket.end();
    await untilReleased(name);
    client.vanish();
  }
  t.is(await ask(watcher, 'SELECT * FROM kept WHERE n = 0 FOR UPDATE'), 'T, D, C, ZI');
});

test.serial('a client that vanishes while its statement runs is not served for ever', async (t) => {
  const client = await RawClient.login(world, { application_name: 'running' });
  client.send(query('UPDATE kept SET n = n + 1 WHERE pg_sleep(1) IS NOT NULL; SELECT pg_sleep(1)'));
  client.vanish();
  await untilReleased('running');
  t.is(await ask(watcher, 'SELECT * FROM kept WHERE id = 1 FOR UPDATE NOWAIT'), 'T, D, C, ZI');
});

test.serial('thousands of connections that come and go leave nothing behind', async (t) => {
  const before = frontendBytes(world);
  const strangers = async (): Promise<void> => {
    for (let count = 0; count < 200; count++) {
      const client = await RawClient.connect(world);
      if (count % 2 === 0) client.vanish();
      else client.socket.end();
      if (count % 2 === 1) await client.untilEnd();
    }
  };
  await Promise.all(Array.from({ length: 10 }, strangers));
  const visitors = async (): Promise<void> => {
    for (let count = 0; count < 40; count++) {
      const client = await RawClient.login(world, { application_name: 'visitor' });
      if (count % 2 === 0) client.vanish();
      else await client.end();
    }
  };
  await Promise.all(Array.from({ length: 5 }, visitors));
  t.is(await ask(await RawClient.login(world), 'SELECT 1'), 'T, D, C, ZI');
  await untilReleased('visitor');
  const growth = frontendBytes(world) - before;
  t.true(growth < MAX_GROWTH, `${(growth / MIB).toFixed(0)} MiB more`);
});

test.serial('ten thousand Syncs at a time get as many answers', async (t) => {
  const client = await RawClient.login(world);
  client.send(...Array.from({ length: SYNC_COUNT }, () => SYNC));
  let answers = 0;
  while (answers < SYNC_COUNT) {
    const one = await client.next();
    if (one.kind === 'end' || one.type !== 'Z') return t.fail(`answer ${answers} is ${describe([one])}`);
    answers += 1;
  }
  t.is(await ask(client, 'SELECT 1'), 'T, D, C, ZI');
  await client.end();
});

memoryTest('prepared statements without end do not take all memory: at some number the session is ended', async (t) => {
  const client = await RawClient.login(world);
  const before = frontendBytes(world);
  let prepared = 0;
  for (;;) {
    const parses = Array.from({ length: 1000 }, (_, n) =>
      message('P', text(`s${prepared + n}`), text(`SELECT ${n}`), int16(0)),
    );
    await client.sendSlowly(Buffer.concat([...parses, SYNC]));
    const heard = describe(await client.until('Z')).split(', ');
    if (heard.at(-1) !== 'ZI') {
      t.deepEqual(heard.slice(-2), ['FATAL 53400', 'end']);
      break;
    }
    t.deepEqual([...new Set(heard)], ['1', 'ZI']);
    prepared += 1000;
    if (prepared > STATEMENT_COUNT) return t.fail('there is no end to it');
  }
  t.true(prepared > LIMITS.preparedStatementCount, `${prepared}`);
  const growth = frontendBytes(world) - before;
  t.true(growth < MAX_GROWTH, `${(growth / MIB).toFixed(0)} MiB more`);
  t.true((await slowestAnswerMs(world, 20)) < OTHERS_MS);
});
