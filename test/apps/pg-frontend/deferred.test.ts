// What the database says at the end of a transaction that is committed in two phases (of deferred constraints and triggers): the
// client hears it as PostgreSQL's own clients do, byte for byte, in its own encoding.

import test from 'ava';
import { startPostgresWorld, type PostgresWorld } from '../../support/postgres/world.js';
import type { Place } from './clients/suite.js';
import { describe, int16, int32, message, query, RawClient, SYNC, text } from './hostile/raw-client.js';

const SCHEMA = `
  CREATE TABLE parents (id int PRIMARY KEY);
  CREATE TABLE "schlüssel" (id int REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
  CREATE TABLE spoken (id int);
  CREATE FUNCTION speak() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE NOTICE 'grüß dich, %', NEW.id; RETURN NULL; END$$;
  CREATE CONSTRAINT TRIGGER speaking AFTER INSERT ON spoken DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION speak()`;

/** Bytes of the client's encoding. */
const latin1 = (sql: string): Buffer => message('Q', Buffer.from(`${sql}\0`, 'latin1'));
const COMMITS = {
  simple: [query('COMMIT')],
  extended: [
    message('P', text(''), text('COMMIT'), int16(0)),
    message('B', text(''), text(''), int16(0), int16(0), int16(0)),
    message('E', text(''), int32(0)),
    SYNC,
  ],
} as const;

let world: PostgresWorld;
test.before(async () => {
  world = await startPostgresWorld({ memberCount: 2, options: ['--commit', 'two-phase'] });
  const client = await RawClient.login(world.database);
  client.send(query(SCHEMA));
  await client.until('Z');
  await client.end();
});
test.after.always(() => world?.close());

/** In short, and every byte of it. */
async function answerToCommit(
  place: Place,
  insert: string,
  commit: readonly Buffer[],
): Promise<readonly [string, string]> {
  const client = await RawClient.login(place, { client_encoding: 'LATIN1' });
  for (const sql of ['BEGIN', insert]) {
    client.send(latin1(sql));
    await client.until('Z');
  }
  client.send(...commit);
  const heard = await client.until('Z');
  await client.end();
  const bytes = heard.map((one) => (one.kind === 'end' ? 'end' : `${one.type}${one.body.toString('latin1')}`));
  return [describe(heard), bytes.join('\n')];
}

for (const [how, commit] of Object.entries(COMMITS)) {
  const before = how === 'simple' ? '' : '1, 2, ';

  test(`a deferred constraint that is violated, by a COMMIT of the ${how} protocol`, async (t) => {
    const insert = 'INSERT INTO "schlüssel" VALUES (1)';
    const expected = await answerToCommit(world.database, insert, commit);
    t.is(expected[0], `${before}ERROR 23503, ZI`);
    t.regex(expected[1], /schlüssel/);
    t.deepEqual(await answerToCommit(world, insert, commit), expected);
  });

  test(`the notices of a deferred trigger, by a COMMIT of the ${how} protocol`, async (t) => {
    const insert = 'INSERT INTO spoken VALUES (7)';
    const expected = await answerToCommit(world.database, insert, commit);
    t.is(expected[0], `${before}N, C, ZI`);
    t.regex(expected[1], /grüß dich, 7/);
    const [told, bytes] = await answerToCommit(world, insert, commit);
    // A notice may come at any time: here it comes before what is said of the COMMIT.
    t.is(told, `N, ${before}C, ZI`);
    t.deepEqual(bytes.split('\n').sort(), expected[1].split('\n').sort());
  });
}
