// The small parts of the wire layer: fields, addresses, sequence numbers.

import test from 'ava';
import fc from 'fast-check';
import {
  bytesToIp,
  formatAddress,
  ipToBytes,
  parseAddress,
  sameAddress,
} from '@migratory/stack/internal/wire/address.js';
import { Reader, Writer } from '@migratory/stack/internal/wire/cursor.js';
import { REFUSAL_REASONS, refusalCode, refusalReason } from '@migratory/stack/internal/wire/refusal-reason.js';
import { addSequence } from '@migratory/stack/internal/wire/sequence.js';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

test('property: fields come back as written, and every truncation is told', (t) => {
  const values = fc.record({
    a: fc.integer({ min: 0, max: 255 }),
    b: fc.integer({ min: 0, max: 65_535 }),
    c: u32,
    d: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    e: fc.uint8Array({ maxLength: 300 }),
  });
  fc.assert(
    fc.property(values, ({ a, b, c, d, e }) => {
      const whole = new Writer(1).u8(a).u16(b).u32(c).u48(d).sized(e).finish();
      for (const length of [whole.length, ...Array.from({ length: Math.min(whole.length, 20) }, (_, cut) => cut)]) {
        const reader = new Reader(whole.subarray(0, length));
        const read = [reader.u8(), reader.u16(), reader.u32(), reader.u48(), [...reader.sized(1000)]];
        t.is(reader.ok, length === whole.length);
        if (reader.ok) t.deepEqual(read, [a, b, c, d, [...e]]);
        else t.is(reader.u8(), 0, 'after the end everything is zero');
      }
    }),
    { numRuns: 50 },
  );
});

test('a sized field beyond its limit is refused', (t) => {
  const reader = new Reader(new Writer().sized(new Uint8Array(11)).finish());
  t.is(reader.sized(10).length, 0);
  t.false(reader.ok);
  t.is(reader.remaining, 0);
});

test('property: an IP address is its canonical text', (t) => {
  const ip = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }));
  const sparse = fc
    .array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 })
    .map((list) => Uint8Array.from(list));
  fc.assert(
    fc.property(fc.oneof(ip, sparse), fc.integer({ min: 0, max: 65_535 }), (bytes, port) => {
      const text = bytesToIp(bytes);
      t.deepEqual(ipToBytes(text), bytes);
      const address = { ip: text, port };
      t.deepEqual(parseAddress(formatAddress(address)), address);
    }),
  );
});

test('RFC 5952: the canonical text of IPv6', (t) => {
  const canonical = (text: string): string => bytesToIp(ipToBytes(text) ?? new Uint8Array(4));
  t.is(canonical('2001:DB8:0:0:1:0:0:1'), '2001:db8::1:0:0:1');
  t.is(canonical('0:0:0:0:0:0:0:0'), '::');
  t.is(canonical('1:0:2:3:4:5:6:7'), '1:0:2:3:4:5:6:7');
  t.is(canonical('::ffff:192.0.2.1'), '::ffff:c000:201');
});

test('what is no address is undefined', (t) => {
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '1::2::3',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    'g::',
  ]) {
    t.is(ipToBytes(text), undefined, text);
  }
  for (const text of ['1.2.3.4', '1.2.3.4:65536', '[1.2.3.4]:5', '::1:5', '1.2.3.4:', 'name:80']) {
    t.is(parseAddress(text), undefined, text);
  }
  t.false(sameAddress({ ip: '1.2.3.4', port: 1 }, { ip: '1.2.3.4', port: 2 }));
});

test('property: any text gives an address or undefined', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('0', '1', '2', '5', '9', 'a', 'F', ':', '.', '[', ']') }), (text) => {
      parseAddress(text);
      ipToBytes(text);
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('property: sequence arithmetic is modulo 2^32 (RFC 9293 section 3.4)', (t) => {
  fc.assert(
    fc.property(u32, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (sequence, distance) => {
      const sum = addSequence(sequence, distance);
      t.true(sum >= 0 && sum < 2 ** 32);
      t.is((sum - sequence) | 0, distance);
    }),
  );
  t.is(addSequence(0xffff_ffff, 2), 1);
  t.is(addSequence(5, 2 ** 40), 5);
});

test('reasons for refusals have numbers from 1; an unknown number is a refusal by policy', (t) => {
  for (const reason of REFUSAL_REASONS) t.is(refusalReason(refusalCode(reason)), reason);
  t.is(refusalCode('unknown-connection'), 1);
  t.is(refusalReason(0), 'refused-by-policy');
  t.is(refusalReason(200), 'refused-by-policy');
});
