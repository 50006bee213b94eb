// Wrong passwords, many times and in every manner: refused in the server's words, and the right one still gets in.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import pg from 'pg';
import { QUICK_SETTINGS, startPostgresWorld, type PostgresWorld } from '../../../support/postgres/world.js';
import type { Place } from '../clients/suite.js';
import { describe, int32, message, query, RawClient, startup, text } from './raw-client.js';

const PASSWORD = 'right horse';
const ATTEMPT_COUNT = 40;
const ATTEMPTS_AT_A_TIME = 5;

const folder = mkdtempSync(join(tmpdir(), 'migratory-users-'));
let world: PostgresWorld;
test.before(async () => {
  const users = join(folder, 'users.json');
  const file = { users: [{ name: 'ann', password: PASSWORD }] };
  writeFileSync(users, JSON.stringify(file), { mode: 0o600 });
  world = await startPostgresWorld({
    memberCount: 2,
    database: { settings: QUICK_SETTINGS, authentication: 'scram-sha-256' },
    options: ['--users', users],
  });
  const chief = new pg.Client(world.database.url);
  await chief.connect();
  await chief.query(`CREATE ROLE ann LOGIN PASSWORD '${PASSWORD}'`);
  await chief.end();
});
test.after.always(async () => {
  await world?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What a driver is told that logs in: the error, or who it is then. */
async function login({ host, port }: Place, user: string, password: string): Promise<string> {
  const client = new pg.Client({ host, port, user, password, database: 'postgres' });
  try {
    await client.connect();
    const { rows } = await client.query<{ current_user: string }>('SELECT current_user');
    return rows[0]?.current_user ?? '';
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    return `${error.severity ?? ''} ${error.code ?? ''} ${error.message}`;
  } finally {
    await client.end();
  }
}

/** What the server says to these bytes as the answer to its request for a password. */
async function answerTo(place: Place, ...bytes: readonly Buffer[]): Promise<string> {
  const client = await RawClient.connect(place);
  client.send(startup({ user: 'ann', database: 'postgres' }));
  const [request] = await client.until('R');
  client.send(...bytes);
  client.socket.end();
  return describe([...(request === undefined ? [] : [request]), ...(await client.untilEnd())]);
}

test('the right password gets in, a wrong one and an unknown name do not', async (t) => {
  for (const [user, password] of [
    ['ann', PASSWORD],
    ['ann', 'wrong'],
    ['ann', `${PASSWORD}\0`],
    ['nobody', PASSWORD],
  ] as const) {
    t.is(await login(world, user, password), await login(world.database, user, password), `${user} ${password}`);
  }
});

test('a wrong password many times is refused as many times, and the right one gets in meanwhile', async (t) => {
  const expected = await login(world.database, 'ann', 'wrong');
  t.regex(expected, /28P01/);
  for (let count = 0; count < ATTEMPT_COUNT; count += ATTEMPTS_AT_A_TIME) {
    const attempts = Array.from({ length: ATTEMPTS_AT_A_TIME }, () => login(world, 'ann', 'wrong'));
    const right = login(world, 'ann', PASSWORD);
    t.deepEqual(new Set(await Promise.all(attempts)), new Set([expected]));
    t.is(await right, 'ann');
  }
});

/** What breaks the protocol may be called so, also where the server just closes or calls it a wrong password. */
const BROKEN = 'R, FATAL 08P01, end';

const sasl = (mechanism: string, ...rest: readonly Buffer[]): Buffer => message('p', text(mechanism), ...rest);
const FIRST = Buffer.from('n,,n=,r=clientnonce');

for (const [name, bytes] of Object.entries({
  'a query instead of a password': [query('SELECT 1')],
  'nothing at all': [],
  'an empty password message': [message('p')],
  'a mechanism that is not offered': [sasl('PLAIN', int32(FIRST.length), FIRST)],
  'a plain password': [message('p', text(PASSWORD))],
  'a response of a negative length': [sasl('SCRAM-SHA-256', int32(-5), FIRST)],
  'a response without text': [sasl('SCRAM-SHA-256', int32(-1))],
  'a response that is longer than its message': [sasl('SCRAM-SHA-256', int32(1000), FIRST)],
  'a response that is no SCRAM': [sasl('SCRAM-SHA-256', int32(5), Buffer.from('hello'))],
  'a request for channel binding': [sasl('SCRAM-SHA-256', int32(25), Buffer.from('p=tls-unique,,n=,r=nonces'))],
  'a second message that is no SCRAM': [sasl('SCRAM-SHA-256', int32(FIRST.length), FIRST), message('p', text('hello'))],
  'a second message that is empty': [sasl('SCRAM-SHA-256', int32(FIRST.length), FIRST), message('p')],
  'a proof of another exchange': [
    sasl('SCRAM-SHA-256', int32(FIRST.length), FIRST),
    message('p', Buffer.from(`c=biws,r=clientnonce,p=${Buffer.alloc(32).toString('base64')}`)),
  ],
  'a password message of 1 MiB': [message('p', Buffer.alloc(1024 * 1024, 'x'))],
})) {
  test(`${name} gets the server's answer`, async (t) => {
    const expected = await answerTo(world.database, ...bytes);
    const answer = await answerTo(world, ...bytes);
    t.true(answer === expected || answer === BROKEN, `${expected}; ${answer}`);
  });
}
