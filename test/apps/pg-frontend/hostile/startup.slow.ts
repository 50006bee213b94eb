// Clients that misbehave before they are logged in: they get what the real server answers, cost little, and disturb nobody.

import { once } from 'node:events';
import { setTimeout as later } from 'node:timers/promises';
import test from 'ava';
import { startPostgresWorld, type PostgresWorld } from '../../../support/postgres/world.js';
import type { Place } from '../clients/suite.js';
import { requestCancel } from '../clients/cancel-request.js';
import { describe, fieldsOf, int32, message, query, RawClient, startup, SYNC, text } from './raw-client.js';

const SSL_REQUEST = Buffer.concat([int32(8), int32(80_877_103)]);
const GSSENC_REQUEST = Buffer.concat([int32(8), int32(80_877_104)]);
const CLIENT_HELLO = Buffer.from('16030100050100000100', 'hex');
const STARTUP = startup({ user: 'postgres', database: 'postgres' });
const DRIBBLER_COUNT = 50;
const GUESS_COUNT = 200;
const CANCEL_AGAIN_MS = 200;

let world: PostgresWorld;
test.before(async () => {
  world = await startPostgresWorld({ memberCount: 2 });
});
test.after.always(() => world?.close());

async function answerOf(client: RawClient, sql: string): Promise<string> {
  client.send(query(sql));
  return describe(await client.until('Z'));
}

test('encryption is refused with one letter, and the client goes on without', async (t) => {
  const client = await RawClient.connect(world);
  client.send(SSL_REQUEST);
  t.is(await client.nextByte(), 'N');
  client.send(GSSENC_REQUEST);
  t.is(await client.nextByte(), 'N');
  client.send(STARTUP);
  t.regex(describe(await client.until('Z')), /^R, (?:S, )+K, ZI$/);
  await client.end();
});

test('a startup packet right behind the request for encryption is no way in', async (t) => {
  // What an attacker may have put into the stream before encryption began must not be taken for the client's word.
  const client = await RawClient.connect(world);
  client.send(SSL_REQUEST, SSL_REQUEST, SSL_REQUEST, SSL_REQUEST);
  client.socket.end();
  await client.nextByte();
  let answers = 1;
  while ((await client.nextByte()) === 'N') answers += 1;
  t.true(answers <= 3);
});

test('TLS without a request for it is closed', async (t) => {
  const answers: string[] = [];
  for (const place of [world.database, world]) {
    const client = await RawClient.connect(place);
    client.send(CLIENT_HELLO);
    client.socket.end();
    answers.push(describe(await client.untilEnd()));
  }
  t.true([answers[0], 'FATAL 08P01, end'].includes(answers[1]));
});

test('startup packets that never end keep nobody out', async (t) => {
  const dribblers = await Promise.all(Array.from({ length: DRIBBLER_COUNT }, () => RawClient.connect(world)));
  for (const client of dribblers) client.send(STARTUP.subarray(0, 4));
  for (const byte of STARTUP.subarray(4, -1)) {
    for (const client of dribblers) client.send(Buffer.from([byte]));
    if (byte !== 0) continue;
    const other = await RawClient.login(world);
    t.is(await answerOf(other, 'SELECT 1'), 'T, D, C, ZI');
    await other.end();
  }
  // None is let in before its last byte; with it, each.
  t.true(dribblers.every(({ socket }) => socket.bytesRead === 0 && !socket.readableEnded));
  for (const client of dribblers.slice(0, 5)) {
    client.send(STARTUP.subarray(-1));
    t.regex(describe(await client.until('Z')), /ZI$/);
  }
  for (const client of dribblers) client.vanish();
});

test('a startup packet that claims 2 GiB is refused before it is awaited', async (t) => {
  const client = await RawClient.connect(world);
  client.send(Buffer.concat([int32(0x8000_0000), int32(196_608)]), Buffer.alloc(64 * 1024));
  t.regex(describe(await client.untilEnd()), /^(?:FATAL 08P01, )?end$/);
  client.vanish();
});

test('messages before the login is done are no way in', async (t) => {
  const answers = await Promise.all(
    [world.database, world].map(async (place: Place) => {
      const client = await RawClient.connect(place);
      client.send(query('SELECT 1'), SYNC, STARTUP);
      client.socket.end();
      return describe(await client.untilEnd());
    }),
  );
  t.true([answers[0], 'FATAL 08P01, end'].includes(answers[1]));
});

test('a newer minor version and unknown protocol options are negotiated as the server does it', async (t) => {
  const answers = await Promise.all(
    [world.database, world].map(async (place: Place) => {
      const client = await RawClient.connect(place);
      client.send(startup({ user: 'postgres', database: 'postgres', '_pq_.unknown': '1' }, 196_608 + 99));
      const heard = await client.until('Z');
      await client.end();
      const negotiated = heard.find((one) => one.kind === 'message' && one.type === 'v');
      return {
        body: negotiated?.kind === 'message' ? negotiated.body.toString('hex') : undefined,
        letters: describe(heard).replace(/(?:S, )+/g, 'S, '),
      };
    }),
  );
  t.deepEqual(answers[1], answers[0]);
});

test('guessed keys cancel nothing, and what they cost is bounded', async (t) => {
  const sleeper = await RawClient.login(world);
  sleeper.send(query("SELECT pg_sleep(3), 'not cancelled'"));
  for (let guessed = 0; guessed < GUESS_COUNT; guessed += 20) {
    const guesses = Array.from({ length: 20 }, (_, n) => ({ processId: guessed + n, secretKey: 7 * guessed + n }));
    await Promise.all(guesses.map((key) => requestCancel(world, key)));
  }
  const other = await RawClient.login(world);
  t.is(await answerOf(other, 'SELECT 1'), 'T, D, C, ZI');
  await other.end();
  t.is(describe(await sleeper.until('Z')), 'T, D, C, ZI');
  await sleeper.end();
});

test('the right process with a guessed key cancels nothing', async (t) => {
  const sleeper = await RawClient.connect(world);
  sleeper.send(STARTUP);
  const heard = await sleeper.until('Z');
  const key = heard.find((one) => one.kind === 'message' && one.type === 'K');
  if (key?.kind !== 'message') return t.fail('the server told no key');
  sleeper.send(query('SELECT pg_sleep(1)'));
  const processId = key.body.readInt32BE(0);
  const secretKey = key.body.readInt32BE(4);
  for (let bit = 0; bit < 32; bit++) await requestCancel(world, { processId, secretKey: secretKey ^ (1 << bit) });
  t.is(describe(await sleeper.until('Z')), 'T, D, C, ZI');
  // And the right one does, however many wrong ones come with it.
  sleeper.send(query('SELECT pg_sleep(20)'));
  const answered = sleeper.until('Z');
  const cancelled = new AbortController();
  const insist = async (): Promise<void> => {
    while (!cancelled.signal.aborted) {
      for (let bit = 0; bit < 32; bit++) await requestCancel(world, { processId, secretKey: secretKey ^ (1 << bit) });
      await requestCancel(world, { processId, secretKey });
      await later(CANCEL_AGAIN_MS);
    }
  };
  const insisted = insist();
  t.is(describe(await answered).replace('T, ', ''), 'ERROR 57014, ZI');
  cancelled.abort();
  await insisted;
  await sleeper.end();
});

test('one connection more than a role may have gets the server’s refusal', async (t) => {
  const chief = await RawClient.login(world.database);
  await answerOf(chief, 'CREATE ROLE limited LOGIN CONNECTION LIMIT 1');
  const answers: string[] = [];
  for (const place of [world.database, world]) {
    const first = await RawClient.login(place, { user: 'limited' });
    const second = await RawClient.connect(place);
    second.send(startup({ user: 'limited', database: 'postgres' }));
    const heard = await second.untilEnd();
    const refusal = heard.find((one) => one.kind === 'message' && one.type === 'E');
    if (refusal?.kind === 'message') answers.push(`${fieldsOf(refusal).C ?? ''} ${fieldsOf(refusal).M ?? ''}`);
    await first.end();
    const gone = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'limited'";
    await answerOf(chief, gone);
  }
  t.is(answers[0], '53300 too many connections for role "limited"');
  t.is(answers[1], answers[0]);
  await chief.end();
});

test('a client that ends its direction before the login is let go', async (t) => {
  const client = await RawClient.connect(world);
  client.socket.end();
  t.is(describe(await client.untilEnd()), 'end');
  const reset = await RawClient.connect(world);
  reset.send(STARTUP.subarray(0, 20));
  reset.vanish();
  await once(reset.socket, 'close').catch(() => undefined);
  const other = await RawClient.login(world);
  t.is(await answerOf(other, 'SELECT 1'), 'T, D, C, ZI');
  other.send(message('X', text('')));
  other.vanish();
});

test('a connection for replication is refused: it could not move', async (t) => {
  const client = await RawClient.connect(world);
  client.send(startup({ user: 'postgres', database: 'postgres', replication: 'database' }));
  t.is(describe(await client.untilEnd()), 'FATAL 0A000, end');
});
