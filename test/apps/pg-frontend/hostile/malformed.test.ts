// Malformed input through the gateway: each kind gets what the real server answers to it, and nobody else notices.

import test from 'ava';
import { startPostgresWorld, type PostgresWorld } from '../../../support/postgres/world.js';
import type { Place } from '../clients/suite.js';
import { MALFORMED_MESSAGES, MALFORMED_STARTUPS, type MalformedInput } from './malformed-input.js';
import { describe, message, query, RawClient, SYNC } from './raw-client.js';

const TABLE = 'CREATE TABLE IF NOT EXISTS malformed (id int)';

let world: PostgresWorld;
test.before(async () => {
  world = await startPostgresWorld({ memberCount: 2 });
  const client = await RawClient.login(world.database);
  client.send(query(TABLE));
  await client.until('Z');
  await client.end();
});
test.after.always(() => world?.close());

/** Which letters, errors and end the server sends when its client has nothing else to say. */
async function answerToStartup(place: Place, { bytes }: MalformedInput): Promise<string> {
  const client = await RawClient.connect(place);
  client.send(bytes);
  client.socket.end();
  return settled(describe(await client.untilEnd()));
}

async function answerToMessage(place: Place, { bytes }: MalformedInput): Promise<string> {
  const client = await RawClient.login(place);
  client.send(bytes, SYNC, query('SELECT 1'), message('X'));
  client.socket.end();
  return describe(await client.untilEnd());
}

/** How many settings a server reports depends on its version. */
function settled(answer: string): string {
  return answer.replace(/(?:S, )+/g, 'S, ');
}

/**
 * Where the server closes without a word (or in the words of protocol 2), since its client makes no sense, one may say why.
 * Whether a client that is trusted is told so before its session fails to begin (R) makes no difference to it.
 */
function isAsGood(answer: string, expected: string): boolean {
  if (expected === 'end') return /^(?:FATAL (?:08P01|0A000), )?end$/.test(answer);
  return answer.replace(/^R, FATAL/, 'FATAL') === expected.replace(/^R, FATAL/, 'FATAL');
}

async function isAlive(place: Place): Promise<boolean> {
  const client = await RawClient.login(place);
  client.send(query('SELECT 1'));
  const heard = describe(await client.until('Z'));
  await client.end();
  return heard === 'T, D, C, ZI';
}

for (const input of MALFORMED_STARTUPS) {
  test(`${input.name} gets the server's answer`, async (t) => {
    const expected = await answerToStartup(world.database, input);
    const answer = await answerToStartup(world, input);
    t.true(isAsGood(answer, expected), `expected: ${expected}; got: ${answer}`);
    t.true(await isAlive(world));
  });
}

for (const input of MALFORMED_MESSAGES) {
  test(`${input.name} gets the server's answer`, async (t) => {
    const expected = await answerToMessage(world.database, input);
    const answer = await answerToMessage(world, input);
    t.true(isAsGood(answer, expected), `expected: ${expected}; got: ${answer}`);
    t.true(await isAlive(world));
  });
}

test('a COPY that has failed, without an end of its data: what comes instead is not run, and the session ends', async (t) => {
  const bytes = Buffer.concat([
    query('COPY malformed FROM STDIN'),
    message('d', Buffer.from('x\n')),
    query('SELECT 2'),
  ]);
  const answer = await answerToMessage(world, { name: 'a query behind data that are refused', bytes });
  t.is(answer, 'G, ERROR 22P02, ZI, FATAL 08P01, end');
});
