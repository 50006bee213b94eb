// The first packet of a client: what it says is read, whatever else it is is refused, and nothing makes the reader fail.

import test from 'ava';
import fc from 'fast-check';
import { LIMITS } from '@migratory/pg-frontend/internal/limits.js';
import { startupPacket } from '@migratory/pg-frontend/internal/wire/frontend-messages.js';
import { int32 } from '@migratory/pg-frontend/internal/wire/message.js';
import { parseStartupPacket, startupLengthOf } from '@migratory/pg-frontend/internal/wire/startup-packet.js';

const CANCEL_REQUEST = 80_877_102;
const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((each) => !each.includes('\0'));
const isFree = (name: string): boolean => !['user', 'database'].includes(name) && !name.startsWith('_pq_.');
const parameters = fc.dictionary(text.filter(isFree), fc.oneof(text, fc.constant('')), { maxKeys: 6 });

const withLength = (...body: readonly Uint8Array[]): Buffer => {
  const rest = Buffer.concat(body);
  return Buffer.concat([int32(rest.length + 4), rest]);
};

test('what is written is read again', (t) => {
  fc.assert(
    fc.property(text, text, parameters, fc.integer({ min: 0, max: 0xffff }), (user, database, given, minorVersion) => {
      const packet = startupPacket(minorVersion, { user, database, ...given });
      t.is(startupLengthOf(packet.subarray(0, 4)), packet.length);
      const read = parseStartupPacket(packet);
      const wellFormed = (each: string): string => Buffer.from(each).toString();
      t.deepEqual(read, {
        kind: 'startup',
        minorVersion,
        user: wellFormed(user),
        database: wellFormed(database),
        parameters: Object.fromEntries(Object.entries(given).map((pair) => pair.map(wellFormed) as [string, string])),
        protocolOptions: [],
      });
    }),
  );
});

test('a packet that is cut off anywhere is refused, and never taken for another', (t) => {
  const packet = startupPacket(0, { user: 'ann', database: 'shop', application_name: 'till' });
  for (let length = 8; length < packet.length; length++) {
    const read = parseStartupPacket(packet.subarray(0, length));
    t.is(read.kind, 'malformed', `${length} bytes`);
  }
  t.is(parseStartupPacket(Buffer.concat([packet, Buffer.of(0)])).kind, 'malformed');
});

test('whatever comes is read or refused', (t) => {
  const code = fc.constantFrom(0x0003_0000, 0x0003_0002, CANCEL_REQUEST, 80_877_103, 80_877_104, 0x0002_0000, -1);
  const readsOrRefuses = fc.property(code, fc.uint8Array({ maxLength: 300 }), (first, rest) => {
    const { kind } = parseStartupPacket(withLength(int32(first), rest));
    return kind !== 'startup' || first >>> 16 === 3;
  });
  t.notThrows(() => fc.assert(readsOrRefuses));
  const answers = fc.property(fc.uint8Array({ minLength: 8, maxLength: 64 }), (bytes) => {
    return parseStartupPacket(Buffer.from(bytes)).kind !== undefined;
  });
  t.notThrows(() => fc.assert(answers));
});

test('the length that is claimed has bounds', (t) => {
  const of = (length: number): number | undefined => startupLengthOf(int32(length));
  t.deepEqual(
    [of(7), of(8), of(LIMITS.startupLength), of(LIMITS.startupLength + 1)],
    [undefined, 8, LIMITS.startupLength, undefined],
  );
  t.deepEqual([of(-1), of(0x7fff_ffff)], [undefined, undefined]);
});

test('without a database it is the one that is named as the user; without a user nobody is let in', (t) => {
  t.like(parseStartupPacket(startupPacket(0, { user: 'ann' })), { user: 'ann', database: 'ann' });
  t.like(parseStartupPacket(startupPacket(0, { user: 'ann', database: '' })), { database: 'ann' });
  t.like(parseStartupPacket(startupPacket(0, { database: 'shop' })), { kind: 'malformed', code: '28000' });
});

test('options of the protocol are told from parameters', (t) => {
  const read = parseStartupPacket(startupPacket(2, { user: 'ann', '_pq_.more': 'on', options: '-c a=b' }));
  t.like(read, { minorVersion: 2, parameters: { options: '-c a=b' }, protocolOptions: ['_pq_.more'] });
});

test('names that objects have anyway are parameters like others', (t) => {
  const packet = withLength(int32(0x0003_0000), Buffer.from('user\0ann\0__proto__\0a\0constructor\0b\0\0'));
  const read = parseStartupPacket(packet);
  t.true(read.kind === 'startup');
  t.deepEqual(read.kind === 'startup' && Object.entries(read.parameters), [
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ]);
});

test('requests for a cancellation have keys of 1 to 256 bytes', (t) => {
  const request = (length: number): ReturnType<typeof parseStartupPacket> =>
    parseStartupPacket(withLength(int32(CANCEL_REQUEST), int32(4711), Buffer.alloc(length, 9)));
  for (const length of [1, 4, 32, 256]) {
    t.deepEqual(request(length), { kind: 'cancel-request', processId: 4711, key: Buffer.alloc(length, 9) });
  }
  for (const length of [0, 257]) t.like(request(length), { kind: 'malformed', code: '08P01' });
  t.like(parseStartupPacket(withLength(int32(CANCEL_REQUEST))), { kind: 'malformed' });
});

test('other versions are named', (t) => {
  t.deepEqual(parseStartupPacket(withLength(int32(0x0002_0001))), { kind: 'unsupported-version', major: 2, minor: 1 });
  t.like(parseStartupPacket(withLength(int32(-1))), { kind: 'unsupported-version', major: 0xffff });
});
