// The Internet checksum against the plainest way to compute it.

import test from 'ava';
import fc from 'fast-check';
import { addToSum, checksumOf, pseudoHeaderSum } from '@migratory/stack/internal/wire/ip/checksum.js';

/** RFC 1071, word by word. */
function plainSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

/** Zero has two representations. */
function same(a: number, b: number): boolean {
  return a % 0xffff === b % 0xffff;
}

test('pieces of any length at any place of memory sum up as the whole does', (t) => {
  const piece = fc.tuple(fc.uint8Array({ maxLength: 300, size: 'max' }), fc.nat({ max: 7 }));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      let [sum, position] = [0, 0];
      for (const [bytes, offset] of pieces) {
        const placed = new Uint8Array(bytes.length + 8);
        placed.set(bytes, offset);
        sum = addToSum(sum, placed.subarray(offset, offset + bytes.length), position);
        position += bytes.length;
      }
      return sum <= 0xffff && same(sum, plainSum(Buffer.concat(pieces.map(([bytes]) => bytes))));
    }),
    { numRuns: 2_000 },
  );
  t.pass();
});

test('the example of RFC 1071 section 3', (t) => {
  t.is(addToSum(0, Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7), 0), 0xddf2);
});

test('64 KiB of the highest bytes do not overflow', (t) => {
  const bytes = new Uint8Array(65_536).fill(0xff);
  t.true(same(addToSum(0, bytes, 0), 0xffff));
});

test('whoever appends the checksum gets a sum of zero', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 2, maxLength: 200 }), (bytes) => {
      const even = bytes.subarray(0, bytes.length & ~1);
      const checksum = checksumOf(addToSum(0, even, 0));
      return checksumOf(addToSum(addToSum(0, even, 0), Uint8Array.of(checksum >> 8, checksum), even.length)) === 0;
    }),
  );
  t.pass();
});

test('the pseudo-header is addresses, protocol and length', (t) => {
  const [source, destination] = [Uint8Array.of(192, 0, 2, 1), Uint8Array.of(192, 0, 2, 2)];
  const bytes = Buffer.concat([source, destination, Buffer.from([0, 6, 0x12, 0x34])]);
  t.is(pseudoHeaderSum(source, destination, 6, 0x1234), plainSum(bytes));
});
