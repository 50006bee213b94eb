// The same as a real PostgreSQL: its verifiers, what it makes of passwords, and its answer to every message, good or bad.

import test from 'ava';
import fc from 'fast-check';
import pg from 'pg';
import { startEmbeddedDatabase } from '@migratory/demo/internal/embedded-database.js';
import { beginExchange, finishExchange } from '@migratory/pg-frontend/internal/authentication/scram-exchange.js';
import {
  makeVerifier,
  parseVerifier,
  type Verifier,
} from '@migratory/pg-frontend/internal/authentication/scram-verifier.js';
import { QUICK_SETTINGS } from '../../../support/postgres/world.js';
import { formatVerifier } from './format-verifier.js';
import { bytes, challengeOf, CLIENT_NONCE, clientFinal, clientFirst, told, type Login } from './scram-client.js';
import { ScramSocket } from './scram-socket.js';

const database = await startEmbeddedDatabase({ settings: QUICK_SETTINGS, authentication: 'scram-sha-256' });
const administrator = new pg.Client({ connectionString: database.url });
await administrator.connect();
await administrator.query(`
  CREATE ROLE ann LOGIN PASSWORD 'pencil';
  CREATE ROLE trial;
  CREATE FUNCTION verifier_of(password text) RETURNS text LANGUAGE plpgsql AS $$
  BEGIN
    EXECUTE format('ALTER ROLE trial PASSWORD %L', password);
    RETURN (SELECT rolpassword FROM pg_authid WHERE rolname = 'trial');
  END $$;
`);

test.after.always(async () => {
  await administrator.end();
  await database.stop();
});

/** What PostgreSQL keeps of the user's password. */
async function storedVerifier(user: string): Promise<Verifier> {
  const stored = await administrator.query<{ rolpassword: string }>(
    'SELECT rolpassword FROM pg_authid WHERE rolname = $1',
    [user],
  );
  const parsed = parseVerifier(stored.rows[0]?.rolpassword ?? '');
  if (parsed.kind === 'malformed') throw new Error(parsed.detail);
  return parsed.verifier;
}

test.serial('a verifier that PostgreSQL made accepts the password and no other', async (t) => {
  const verifier = await storedVerifier('ann');
  t.deepEqual(await makeVerifier('pencil', verifier.salt, verifier.iterationCount), verifier);
  for (const [password, expected] of [
    ['pencil', 'proven'],
    ['Pencil', 'refused'],
  ] as const) {
    const login: Login = { password, clientFirst: clientFirst() };
    const { exchange, serverFirst } = challengeOf(beginExchange(bytes(login.clientFirst), verifier, 'x'.repeat(24)));
    t.is(finishExchange(exchange, bytes(clientFinal(login, serverFirst).message)).kind, expected);
  }
});

test.serial('a verifier that was made here lets a client in there', async (t) => {
  const made = formatVerifier(await makeVerifier('\u212bngström', bytes('0123456789abcdef'), 4096));
  await administrator.query(`CREATE ROLE bob LOGIN PASSWORD '${made}'`);
  const { host, port } = database;
  const client = new pg.Client({ host, port, user: 'bob', database: 'postgres', password: '\u212bngström' });
  await client.connect();
  const { rows } = await client.query<{ current_user: string }>('SELECT current_user');
  await client.end();
  t.deepEqual(rows, [{ current_user: 'bob' }]);
});

test.serial('passwords are prepared as PostgreSQL prepares them', async (t) => {
  await administrator.query('SET scram_iterations = 1');
  // Characters that are mapped, change, run either way, are prohibited, or are younger than Unicode 3.2.
  const interesting = fc.constantFrom(
    ...[
      'a',
      '1',
      ' ',
      '\u00a0',
      '\u200b',
      '\u3000',
      '\u00ad',
      '\u200d',
      '\ufe0f',
      '\u212b',
      '\ufb01',
      'e\u0301',
      '\u1100',
    ],
    ...['\u05d0', '\ufb21', '\u0627', '\ufe8d', '\u0661', '\u0964', '\u02c6', '\u0007', '\ufffd', '\u200e', '\ue000'],
    ...[
      '\u0221',
      '\u{1f600}',
      '\u{1d400}',
      '\u{1d49d}',
      '\u{e0041}',
      '\u4e00',
      '\u{20000}',
      '\u0e50',
      '\u3200',
      '\u2132',
    ],
  );
  const character = fc.oneof(interesting, fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }));
  const word = fc.array(character, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));
  const passwords = fc.sample(
    word.filter((text) => !text.includes('\0')),
    3000,
  );
  const { rows } = await administrator.query<{ password: string; stored: string }>(
    'SELECT password, verifier_of(password) AS stored FROM unnest($1::text[]) AS password',
    [passwords],
  );
  t.is(rows.length, passwords.length);
  for (const { password, stored } of rows) {
    const parsed = parseVerifier(stored);
    const salt = parsed.kind === 'verifier' ? parsed.verifier.salt : new Uint8Array();
    t.is(formatVerifier(await makeVerifier(password, salt, 1)), stored, JSON.stringify(password));
  }
});

const FIRST_MESSAGES: readonly string[] = [
  ...['', 'n', 'n,', 'n,,', 'n,,n', 'n,,n=', 'n,,n=,', 'n,,n=,r', 'n,,n=,r=', 'n,,n=,r=abc', 'n,,n=,r=abc,'],
  ...['y,,n=,r=abc', 'p=tls-server-end-point,,n=,r=abc', 'x,,n=,r=abc', '\x01', '\xff', ',', ' n,,n=,r=abc'],
  ...[
    'nn',
    'n\x7f',
    'n,a=ann,n=,r=abc',
    'n,b,n=,r=abc',
    'n,\t',
    'n,,m=x,n=,r=abc',
    'n,,r=abc',
    'n,,nr=abc',
    'n,,n=\xe9,r=a',
  ],
  ...[
    'n,,n=a=b,r=a=b',
    'n,,n=,r=a b',
    'n,,n=,r=\xe9',
    'n,,n=,r=\x7f',
    'n,,n=,r=abc,x=1',
    'n,,n=,r=abc,x=1,Y=',
    'n,,n=,,r=abc',
  ],
  ...['n,,n=,r=abc,,', 'n,,n=,r=abc,x', 'n,,n=,r=abc,1=x', 'n,,n=,r=abc,\x02', 'n,,n=,r=abc\0', '\0', 'n,,n=,r=a\0b'],
];

/** The part of the nonce that came from the server. */
function serverNonceOf(answer: string, clientNonceLength: number): string {
  return (/^challenge r=([^,]*)/.exec(answer)?.[1] ?? '').slice(clientNonceLength);
}

test.serial('every first message is answered as PostgreSQL answers it', async (t) => {
  const verifier = await storedVerifier('ann');
  for (const message of FIRST_MESSAGES) {
    const socket = await ScramSocket.open(database.port, 'ann');
    const theirs = await socket.first(bytes(message));
    socket.close();
    const clientNonce = /r=([^,]*)/.exec(message)?.[1] ?? '';
    const serverNonce = theirs.startsWith('challenge') ? serverNonceOf(theirs, clientNonce.length) : 'x'.repeat(24);
    t.is(told(beginExchange(bytes(message), verifier, serverNonce)), theirs, JSON.stringify(message));
  }
});

/** What becomes of a good final message of a client with the password; its proof is that of what is signed. */
const FINAL_CHANGES: readonly ((good: string, proofFor: (withoutProof: string) => string) => string)[] = [
  (good) => good,
  (good) => good.replace('c=biws', 'c=eSws'),
  (good) => good.replace('c=biws', 'c='),
  (good) => good.replace('c=biws,', ''),
  (good) => good.replace('biws', 'biws='),
  (good) => good.replace('r=', 's='),
  (good) => good.replace(CLIENT_NONCE, ''),
  (good) => good.replace(',p=', 'x,p='),
  (good) => good.replace(/.,p=/, ',p='),
  (good) => good.replace(/,p=.*/, ''),
  (good) => good.replace(/,p=.*/, ','),
  (good) => good.replace(/,p=.*/, ',p'),
  (good) => good.replace(/,p=.*/, ',p='),
  (good) => good.replace(/.$/, ''),
  (good) => good.replace(/.$/, 'A'),
  (good) => good.replace(/,p=/, ',p=A'),
  (good) => good.replace(/,p=/, ',p= '),
  (good) => good.replace(/,p=/, ',p=AAAA'),
  (good) => good.replace(/,p=../, (text) => `,p=${text.endsWith('AA') ? 'BB' : 'AA'}`),
  (good) => `${good},`,
  (good) => `${good},x=1`,
  (good) => `${good}=`,
  (good) => `${good}\0`,
  (good) => good.replace(',p=', ',x=1,p='),
  (good) => good.replace(',p=', ',1=1,p='),
  (good) => good.replace(',p=', ',,p='),
  (good) => good.replace(',p=', ',xx,p='),
  (good, proofFor) => proofFor(good.replace(/,p=.*/, ',x=1,y=')),
  (good, proofFor) => proofFor(good.replace(/,p=.*/, '').replace('biws', 'eSws')),
  (good) => spareBits(good),
  () => '',
  () => '\0',
  () => 'c',
];

/** The same 32 bytes, written with other bits where base64 has some to spare. */
function spareBits(message: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  return message.replace(/(.)=$/, (_, last: string) => `${alphabet[alphabet.indexOf(last) + 1] ?? ''}=`);
}

test.serial('every final message is answered as PostgreSQL answers it', async (t) => {
  const verifier = await storedVerifier('ann');
  const login: Login = { password: 'pencil', clientFirst: clientFirst() };
  const outcomes = new Set<string>();
  for (const [index, change] of FINAL_CHANGES.entries()) {
    const socket = await ScramSocket.open(database.port, 'ann');
    const challenge = await socket.first(bytes(login.clientFirst));
    const serverNonce = serverNonceOf(challenge, CLIENT_NONCE.length);
    const { exchange, serverFirst } = challengeOf(beginExchange(bytes(login.clientFirst), verifier, serverNonce));
    t.is(`challenge ${serverFirst}`, challenge);
    const proofFor = (finalWithoutProof: string): string =>
      clientFinal({ ...login, finalWithoutProof }, serverFirst).message;
    const final = bytes(change(clientFinal(login, serverFirst).message, proofFor));
    const theirs = await socket.final(final);
    socket.close();
    t.is(told(finishExchange(exchange, final)), theirs, `change ${index}: ${Buffer.from(final).toString('latin1')}`);
    outcomes.add(theirs.replace(/^proven .*/, 'proven'));
  }
  t.true(outcomes.size > 8, [...outcomes].join('\n'));
});

test.serial('a name that PostgreSQL does not know looks the same there as here', async (t) => {
  const socket = await ScramSocket.open(database.port, 'nobody');
  const login: Login = { password: 'pencil', clientFirst: clientFirst() };
  const challenge = await socket.first(bytes(login.clientFirst));
  t.regex(challenge, /^challenge r=[^,]+,s=[A-Za-z0-9+/]{22}==,i=4096$/);
  const { message } = clientFinal(login, challenge.replace('challenge ', ''));
  t.is(await socket.final(bytes(message)), 'refused');
  socket.close();
});
