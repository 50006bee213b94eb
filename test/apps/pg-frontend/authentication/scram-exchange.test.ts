// The server's side of SCRAM: the RFC's own example, somebody else's client, and whatever else a client may send.

import { createRequire } from 'node:module';
import test from 'ava';
import fc from 'fast-check';
import { LIMITS } from '@migratory/pg-frontend/internal/authentication/limits.js';
import { mockVerifier } from '@migratory/pg-frontend/internal/authentication/mock-verifier.js';
import { preparePassword } from '@migratory/pg-frontend/internal/authentication/password-preparation.js';
import { beginExchange, finishExchange } from '@migratory/pg-frontend/internal/authentication/scram-exchange.js';
import { makeVerifier } from '@migratory/pg-frontend/internal/authentication/scram-verifier.js';
import {
  bytes,
  challengeOf,
  CLIENT_NONCE,
  clientFinal,
  clientFirst,
  SERVER_NONCE,
  told,
  type Login,
} from './scram-client.js';

interface PgSession {
  readonly mechanism: string;
  readonly response: string;
}
interface PgSasl {
  startSession(mechanisms: readonly string[]): PgSession;
  continueSession(session: PgSession, password: string, serverData: string): Promise<void>;
  finalizeSession(session: PgSession, serverData: string): void;
}
const pgSasl = createRequire(import.meta.url)('pg/lib/crypto/sasl.js') as PgSasl;

const salt = new Uint8Array(Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'));
const pencil = await makeVerifier('pencil', salt, 4096);
const login: Login = { password: 'pencil', clientFirst: clientFirst() };
const nonce = fc.stringMatching(/^[\x21-\x2b\x2d-\x7e]{0,40}$/);
const serverNonce = fc.stringMatching(/^[\x21-\x2b\x2d-\x7e]{24,60}$/);
const password = fc.string({ unit: 'binary', maxLength: 20 });

/** What comes of a client that sends these two messages. */
function exchange(first: Uint8Array, final: Uint8Array, verifier = pencil): string {
  const beginning = beginExchange(first, verifier, SERVER_NONCE);
  return beginning.kind === 'challenge' ? told(finishExchange(beginning.exchange, final)) : told(beginning);
}

test('the example of RFC 7677', (t) => {
  const first = bytes('n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
  const beginning = beginExchange(first, pencil, SERVER_NONCE);
  const whole = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
  t.is(told(beginning), `challenge r=${whole},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`);
  const final = bytes(`c=biws,r=${whole},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`);
  t.is(exchange(first, final), 'proven v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
});

test('the client of pg logs in and believes the server; with another password it is refused', async (t) => {
  for (const [given, expected] of [
    ['correct horse', 'proven'],
    ['wrong horse', 'refused'],
    ['\u212bngström\u00a0\u00adx', 'proven'], // mapped and normalised
  ] as const) {
    const verifier = await makeVerifier(given === 'wrong horse' ? 'correct horse' : given, salt, 64);
    const session = pgSasl.startSession(['SCRAM-SHA-256']);
    const { exchange, serverFirst } = challengeOf(beginExchange(bytes(session.response), verifier, SERVER_NONCE));
    await pgSasl.continueSession(session, given, serverFirst);
    const outcome = finishExchange(exchange, bytes(session.response));
    t.is(outcome.kind, expected);
    if (outcome.kind !== 'proven') continue;
    t.notThrows(() => pgSasl.finalizeSession(session, Buffer.from(outcome.message).toString()));
  }
});

test('any password, any nonces, any name, either flag', async (t) => {
  const flag = fc.constantFrom('n', 'y');
  const name = fc.stringMatching(/^[^\0,]{0,20}$/).map((text) => Buffer.from(text).toString('latin1'));
  const holds = fc.asyncProperty(password, nonce, serverNonce, flag, name, async (word, own, theirs, bind, user) => {
    const verifier = await makeVerifier(word, salt, 1);
    const given: Login = { password: preparePassword(word), clientFirst: clientFirst(own, bind, user) };
    const { exchange, serverFirst } = challengeOf(beginExchange(bytes(given.clientFirst), verifier, theirs));
    const { message, expected } = clientFinal(given, serverFirst);
    return told(finishExchange(exchange, bytes(message))) === `proven ${expected}`;
  });
  await t.notThrowsAsync(async () => fc.assert(holds, { numRuns: 300 }));
});

test('any other password is refused', async (t) => {
  const holds = fc.asyncProperty(password, password, async (right, wrong) => {
    fc.pre(preparePassword(right) !== preparePassword(wrong));
    fc.pre(Buffer.byteLength(right) <= 64 && !`${right}${wrong}`.includes('\0')); // HMAC pads a short key with zeros
    const verifier = await makeVerifier(right, salt, 1);
    const { exchange, serverFirst } = challengeOf(beginExchange(bytes(login.clientFirst), verifier, SERVER_NONCE));
    const { message } = clientFinal({ ...login, password: preparePassword(wrong) }, serverFirst);
    return told(finishExchange(exchange, bytes(message))) === 'refused';
  });
  await t.notThrowsAsync(async () => fc.assert(holds, { numRuns: 200 }));
});

test('an exchange is plain data, and goes on from a copy', (t) => {
  const { exchange, serverFirst } = challengeOf(beginExchange(bytes(login.clientFirst), pencil, SERVER_NONCE));
  const kinds = Object.values(exchange).map((value: unknown) => (value instanceof Uint8Array ? 'bytes' : typeof value));
  t.deepEqual([...new Set(kinds)].sort(), ['bytes', 'string']);
  const { message, expected } = clientFinal(login, serverFirst);
  t.is(told(finishExchange(structuredClone(exchange), bytes(message))), `proven ${expected}`);
});

test('a server nonce that could be guessed or would not parse is a mistake of the program', (t) => {
  for (const bad of ['', 'x'.repeat(LIMITS.serverNonceLength - 1), `${SERVER_NONCE},x`, `${SERVER_NONCE}\n`]) {
    t.throws(() => beginExchange(bytes(login.clientFirst), pencil, bad), { instanceOf: RangeError });
  }
});

const good = challengeOf(beginExchange(bytes(login.clientFirst), pencil, SERVER_NONCE));
const goodFinal = clientFinal(login, good.serverFirst);

test('a final message for one exchange does not fit another', (t) => {
  const other = challengeOf(beginExchange(bytes(login.clientFirst), pencil, `${SERVER_NONCE}x`));
  const replayed = finishExchange(other.exchange, bytes(goodFinal.message));
  t.is(told(replayed), '08P01 | invalid SCRAM response | Nonce does not match.');
});

test('no other byte anywhere proves anything; bits that base64 has to spare are the exception', (t) => {
  const proofOf = (message: string): string => Buffer.from(message.slice(-44), 'base64').toString('hex');
  let spareCount = 0;
  for (let at = 0; at < goodFinal.message.length; at++) {
    for (let byte = 0; byte < 256; byte++) {
      const final = bytes(goodFinal.message);
      if (final[at] === byte) continue;
      final[at] = byte;
      const outcome = finishExchange(good.exchange, final);
      if (outcome.kind !== 'proven') continue;
      t.is(proofOf(Buffer.from(final).toString('latin1')), proofOf(goodFinal.message));
      t.is(at, goodFinal.message.length - 2);
      spareCount++;
    }
  }
  t.is(spareCount, 3);
});

test('a first message that changed on its way proves nothing', (t) => {
  let challengeCount = 0;
  for (let at = 0; at < login.clientFirst.length; at++) {
    for (let byte = 0; byte < 256; byte++) {
      const first = bytes(login.clientFirst);
      if (first[at] === byte) continue;
      first[at] = byte;
      const beginning = beginExchange(first, pencil, SERVER_NONCE);
      if (beginning.kind === 'malformed') continue;
      challengeCount++;
      // The nonce may have changed: a client that takes whatever comes back signs it.
      const serverFirst = Buffer.from(beginning.message).toString('latin1');
      const { message } = clientFinal(login, serverFirst);
      t.not(finishExchange(beginning.exchange, bytes(message)).kind, 'proven', `byte ${byte} at ${at}`);
    }
  }
  t.true(challengeCount > 0);
});

test('several bytes changed, in either message', (t) => {
  const changes = (length: number): fc.Arbitrary<{ at: number; byte: number }[]> =>
    fc.array(fc.record({ at: fc.nat(length - 1), byte: fc.nat(255) }), { maxLength: 4 });
  const changed = (text: string, edits: readonly { at: number; byte: number }[]): Uint8Array => {
    const message = bytes(text);
    for (const { at, byte } of edits) message[at] = byte;
    return message;
  };
  const firstEdits = changes(login.clientFirst.length);
  const finalEdits = changes(goodFinal.message.length - 2); // not the character with bits to spare
  const holds = fc.property(firstEdits, finalEdits, (first, final) => {
    const sent = [changed(login.clientFirst, first), changed(goodFinal.message, final)] as const;
    const isSame = sent.every((message, which) =>
      Buffer.from(message).equals(bytes([login.clientFirst, goodFinal.message][which] ?? '')),
    );
    return exchange(...sent).startsWith('proven') === isSame;
  });
  t.notThrows(() => fc.assert(holds, { numRuns: 2000 }));
});

test('messages that were cut off', (t) => {
  for (let length = 0; length < login.clientFirst.length; length++) {
    const first = bytes(login.clientFirst.slice(0, length));
    const isWhole = login.clientFirst.slice(0, length).includes('r='); // with a shorter nonce
    t.is(beginExchange(first, pencil, SERVER_NONCE).kind, isWhole ? 'challenge' : 'malformed', `${length} bytes`);
    t.false(exchange(first, bytes(goodFinal.message)).startsWith('proven'));
  }
  for (let length = 0; length < goodFinal.message.length; length++) {
    const outcome = finishExchange(good.exchange, bytes(goodFinal.message.slice(0, length)));
    t.is(outcome.kind, 'malformed', `${length} bytes`);
  }
});

test('any bytes, and any order of what messages are made of', (t) => {
  const fragment = fc.constantFrom(
    ...[
      'n',
      'y',
      'p',
      'a',
      'm',
      'r',
      'c',
      's',
      'i',
      'v',
      'e',
      '=',
      ',',
      ',,',
      'biws',
      'eSws',
      CLIENT_NONCE,
      SERVER_NONCE,
    ],
    ...['c=biws', ',r=', ',p=', 'n,,n=,r=', 'p=tls-server-end-point', '\0', '\n', '\xff', 'A'.repeat(43), '='],
  );
  const pieces = fc.array(fragment, { maxLength: 12 }).map((parts) => bytes(parts.join('')));
  const message = fc.oneof(pieces, fc.uint8Array({ maxLength: 200 }));
  const holds = fc.property(message, message, (first, final) => {
    const beginning = beginExchange(first, pencil, SERVER_NONCE);
    return (
      (beginning.kind === 'challenge' || beginning.kind === 'malformed') &&
      !told(finishExchange(good.exchange, final)).startsWith('proven')
    );
  });
  t.notThrows(() => fc.assert(holds, { numRuns: 3000 }));
});

test('a message is as long as the limit, and no longer', (t) => {
  const room = LIMITS.scramMessageLength - clientFirst('').length;
  t.is(beginExchange(bytes(clientFirst('x'.repeat(room))), pencil, SERVER_NONCE).kind, 'challenge');
  const complaint = '08P01 | malformed SCRAM message | The message is longer than 1024 bytes.';
  t.is(told(beginExchange(bytes(clientFirst('x'.repeat(room + 1))), pencil, SERVER_NONCE)), complaint);
  t.is(told(finishExchange(good.exchange, new Uint8Array(LIMITS.scramMessageLength + 1))), complaint);
});

test('an unknown user is challenged as a known one, alike at every member, and refused whatever it sends', (t) => {
  const secret = bytes('shared by all members');
  const serverFirst = (user: string, key = secret): string =>
    challengeOf(beginExchange(bytes(login.clientFirst), mockVerifier(key, user, 4096), SERVER_NONCE)).serverFirst;
  t.is(serverFirst('nobody'), serverFirst('nobody', bytes('shared by all members')));
  t.not(serverFirst('nobody'), serverFirst('nemo'));
  t.not(serverFirst('nobody'), serverFirst('nobody', bytes('of another service')));
  const shape = (text: string): string => text.replace(/s=[^,]+/, (value) => `s=${value.length}`);
  t.is(shape(serverFirst('nobody')), shape(good.serverFirst));
  for (const word of ['pencil', 'nobody', '']) {
    const { message } = clientFinal({ ...login, password: word }, serverFirst('nobody'));
    t.is(exchange(bytes(login.clientFirst), bytes(message), mockVerifier(secret, 'nobody', 4096)), 'refused');
  }
  const wrong = clientFinal({ ...login, password: 'wrong' }, good.serverFirst);
  t.is(exchange(bytes(login.clientFirst), bytes(wrong.message)), 'refused');
});
