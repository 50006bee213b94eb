// The users file: what it takes, what it complains of, and that nothing of it shows.

import { inspect } from 'node:util';
import test from 'ava';
import { LIMITS } from '@migratory/pg-frontend/internal/authentication/limits.js';
import { beginExchange, finishExchange } from '@migratory/pg-frontend/internal/authentication/scram-exchange.js';
import { makeVerifier } from '@migratory/pg-frontend/internal/authentication/scram-verifier.js';
import { parseUsers, UsersInvalid, type Users } from '@migratory/pg-frontend/internal/authentication/users.js';
import { formatVerifier } from './format-verifier.js';
import { bytes, challengeOf, clientFinal, clientFirst, SERVER_NONCE } from './scram-client.js';

const SECRET = bytes('shared by all members');
const HIDDEN = 'hunter2';
const verifier = formatVerifier(await makeVerifier('pencil', bytes('0123456789abcdef'), 8192));

const file = (...users: readonly unknown[]): string => JSON.stringify({ users });

/** The outcome of a login with the password. */
function logIn(users: Users, name: string, password: string): string {
  const login = { password, clientFirst: clientFirst() };
  const begun = beginExchange(bytes(login.clientFirst), users.find(name).verifier, SERVER_NONCE);
  const { exchange, serverFirst } = challengeOf(begun);
  return finishExchange(exchange, bytes(clientFinal(login, serverFirst).message)).kind;
}

test('by verifier or by password, and for the database', async (t) => {
  const users = await parseUsers(
    file(
      { name: 'ann', verifier },
      { name: 'bob', verifier, databasePassword: 'of bob' },
      { name: 'cat', password: HIDDEN },
      { name: 'dan', password: HIDDEN, databasePassword: 'of dan' },
    ),
    SECRET,
  );
  t.is(users.count, 4);
  const databasePasswordOf = (name: string): string | undefined => {
    const found = users.find(name);
    return found.kind === 'known' ? found.databasePassword : 'unknown';
  };
  t.deepEqual(['ann', 'bob', 'cat', 'dan', 'eve'].map(databasePasswordOf), [
    undefined,
    'of bob',
    HIDDEN,
    'of dan',
    'unknown',
  ]);
  t.deepEqual([logIn(users, 'ann', 'pencil'), logIn(users, 'ann', HIDDEN)], ['proven', 'refused']);
  t.deepEqual([logIn(users, 'cat', HIDDEN), logIn(users, 'cat', 'of dan')], ['proven', 'refused']);
  t.deepEqual([logIn(users, 'eve', HIDDEN), logIn(users, '__proto__', HIDDEN)], ['refused', 'refused']);
});

test('every member offers the same, and the same before and after a user is added', async (t) => {
  const before = await parseUsers(file(), SECRET);
  const one = await parseUsers(file({ name: 'cat', password: HIDDEN }), SECRET);
  const other = await parseUsers(file({ name: 'cat', password: HIDDEN }), SECRET);
  const offered = (users: Users, name: string): unknown => {
    const { salt, iterationCount } = users.find(name).verifier;
    return { salt, iterationCount };
  };
  t.deepEqual(one.find('cat').verifier, other.find('cat').verifier);
  t.deepEqual(one.find('eve').verifier, other.find('eve').verifier);
  t.deepEqual(offered(before, 'cat'), offered(one, 'cat'));
  t.notDeepEqual(offered(one, 'cat'), offered(one, 'eve'));
});

test('an unknown user is offered as many iterations as most users are', async (t) => {
  const countOf = async (...users: readonly unknown[]): Promise<number> =>
    (await parseUsers(file(...users), SECRET)).find('eve').verifier.iterationCount;
  t.is(await countOf(), 4096);
  t.is(await countOf({ name: 'ann', verifier }), 8192);
  const bobAndCat = [
    { name: 'bob', password: HIDDEN },
    { name: 'cat', password: HIDDEN },
  ];
  t.is(await countOf({ name: 'ann', verifier }, ...bobAndCat), 4096);
});

test('a file that is not in order says where, why and what to do, in one line, and no secret', async (t) => {
  const complaints: readonly (readonly [string, RegExp])[] = [
    [`{ "users": [ { "name": "ann", "password": "${HIDDEN}" `, /^it is no JSON$/],
    [JSON.stringify([{ name: 'ann', password: HIDDEN }]), /^it: .*expected object/],
    ['{}', /^users: .*expected array/],
    [file({ name: 'ann' }), /^users\.0: needs one of verifier and password, and not both$/],
    [file({ name: 'ann', verifier, password: HIDDEN }), /^users\.0: needs one of verifier and password, and not both$/],
    [file({ name: 'ann', verifier: HIDDEN }), /^users\.0\.verifier: has to be SCRAM-SHA-256\$/],
    [file({ name: 'ann', verifier: `md5${'a'.repeat(32)}` }), /^users\.0\.verifier: is an MD5 hash/],
    [file({ name: 'ann', password: '' }), /^users\.0\.password: may not be empty/],
    [file({ name: 'ann', password: `${HIDDEN}\0` }), /^users\.0\.password: may not have a zero byte/],
    [file({ name: 'ann', password: HIDDEN.repeat(LIMITS.passwordLength) }), /^users\.0\.password: .*1024 characters$/],
    [file({ name: 'ann', passwort: HIDDEN, verifier }), /^users\.0: .*"passwort"/],
    [file({ name: 'ann', verifier, databasePassword: 7 }), /^users\.0\.databasePassword: .*expected string/],
    [file({ name: '', password: HIDDEN }), /^users\.0\.name: may not be empty$/],
    [file({ name: 'a\0b', password: HIDDEN }), /^users\.0\.name: may not have a zero byte/],
    [file({ name: 'é'.repeat(32), password: HIDDEN }), /^users\.0\.name: may have at most 63 bytes/],
    [
      file({ name: 'ann', verifier }, { name: 'ann', password: HIDDEN }),
      /^users\.1\.name: stands there twice; remove one of them$/,
    ],
    [file(...new Array<number>(20).fill(7)), /^users\.0: [^;]*; users\.1: [^;]*; users\.2: [^;]*; and 17 more$/],
  ];
  for (const [text, pattern] of complaints) {
    const error = await t.throwsAsync(parseUsers(text, SECRET), { instanceOf: UsersInvalid });
    const message = error?.message ?? '';
    t.regex(message, pattern);
    t.false(message.includes(HIDDEN), message);
    t.false(message.includes('\n'), message);
  }
});

test('at most so many users', async (t) => {
  const many = Array.from({ length: LIMITS.userCount + 1 }, (_, index) => ({ name: `user ${index}`, verifier }));
  t.is((await parseUsers(file(...many.slice(1)), SECRET)).count, LIMITS.userCount);
  await t.throwsAsync(parseUsers(file(...many), SECRET), { message: 'users: may be at most 10000' });
});

test('nothing secret comes out where things are logged', async (t) => {
  const users = await parseUsers(file({ name: 'cat', password: HIDDEN }), SECRET);
  const known = users.find('cat');
  const keys = Object.values(known.verifier)
    .filter((value: unknown) => value instanceof Uint8Array)
    .map((value: Uint8Array) => Buffer.from(value).toString('base64'));
  for (const thing of [users, known, users.find('eve'), { user: known }]) {
    const shown = [
      inspect(thing, { showHidden: true, depth: 9, getters: true }),
      JSON.stringify(thing),
      JSON.stringify(Object.entries(thing)),
      JSON.stringify(structuredClone(thing)),
    ].join('\n');
    for (const secret of [HIDDEN, ...keys, 'Uint8Array', 'salt']) t.false(shown.includes(secret), shown);
  }
});
