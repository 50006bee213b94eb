// Verifiers as text, and how a password becomes one.

import test from 'ava';
import fc from 'fast-check';
import { LIMITS } from '@migratory/pg-frontend/internal/authentication/limits.js';
import { preparePassword } from '@migratory/pg-frontend/internal/authentication/password-preparation.js';
import { makeVerifier, parseVerifier } from '@migratory/pg-frontend/internal/authentication/scram-verifier.js';
import { formatVerifier } from './format-verifier.js';

const salt = new Uint8Array(Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'));
const KEYS = 'WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=';
const PENCIL = `SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$${KEYS}`;

test('the password of RFC 7677', async (t) => {
  t.is(formatVerifier(await makeVerifier('pencil', salt, 4096)), PENCIL);
});

test('what is written can be read again', (t) => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const verifier = fc.record({
    iterationCount: fc.integer({ min: 1, max: LIMITS.iterationCount }),
    salt: fc.uint8Array({ minLength: 1, maxLength: LIMITS.saltLength }),
    storedKey: key,
    serverKey: key,
  });
  const holds = fc.property(verifier, (given) => {
    t.deepEqual(parseVerifier(formatVerifier(given)), { kind: 'verifier', verifier: given });
  });
  fc.assert(holds);
});

test('what is no verifier says what one is, and does not repeat itself', (t) => {
  const shape = 'has to be SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>, as in pg_authid.rolpassword';
  for (let length = 0; length < PENCIL.length; length++) {
    t.deepEqual(parseVerifier(PENCIL.slice(0, length)), { kind: 'malformed', detail: shape });
  }
  const bad = [
    `${PENCIL} `,
    `${PENCIL}\n`,
    PENCIL.replace('256', '512'),
    PENCIL.replace('4096', '0'),
    PENCIL.replace('4096', '-1'),
    PENCIL.replace('W22Z', 'W2-Z'),
    PENCIL.replace('W22ZaJ0SNY7soEsUEjb6gQ==', ''),
    PENCIL.replace('WG5d', ''),
    PENCIL.replace('dU=', 'dUA='),
  ];
  for (const text of bad) t.deepEqual(parseVerifier(text), { kind: 'malformed', detail: shape }, text);
});

test('an MD5 hash, and one of more than fits, say what to do', (t) => {
  const detailOf = (text: string): string => {
    const parsed = parseVerifier(text);
    return parsed.kind === 'malformed' ? parsed.detail : '';
  };
  t.regex(detailOf(`md5${'0'.repeat(32)}`), /^is an MD5 hash.*password_encryption = scram-sha-256$/);
  t.is(parseVerifier(PENCIL.replace('4096', '2147483647')).kind, 'verifier');
  t.regex(detailOf(PENCIL.replace('4096', '2147483648')), /^may have at most 2147483647 iterations/);
  const longSalt = Buffer.alloc(LIMITS.saltLength + 1).toString('base64');
  t.regex(detailOf(`SCRAM-SHA-256$4096:${longSalt}$${KEYS}`), /256 bytes of salt$/);
});

test('what SASLprep makes of passwords: the examples of RFC 4013, and what PostgreSQL does where it makes nothing', (t) => {
  const expected: readonly (readonly [string, string])[] = [
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['USER', 'USER'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    ['\u0007', '\u0007'], // prohibited: as it is
    ['\u06271', '\u06271'], // does not end as it begins
    ['\ufe8d1', '\ufe8d1'], // as it is, and so not normalised
    ['\ufe8d1\ufe8d', '\u06271\u0627'],
    ['\u212b\u00a0x', '\u00c5 x'],
    ['\u212b\u200b\u200d', '\u00c5 '],
    ['\u00ad', '\u00ad'], // nothing would be left
    ['\u212b\u{1f600}', '\u212b\u{1f600}'], // younger than Unicode 3.2
    ['\u212b\ue000', '\u212b\ue000'],
    ['\u212b\ud800', '\u212b\ud800'],
  ];
  for (const [given, prepared] of expected) t.is(preparePassword(given), prepared, JSON.stringify(given));
});
