// Segments and their options: bytes to records and back, and whatever else may arrive.

import test from 'ava';
import fc from 'fast-check';
import { decapsulate, encapsulateHeader } from '@migratory/stack/internal/wire/encapsulation.js';
import { formatSegment } from '@migratory/stack/internal/wire/format.js';
import {
  decodeMigrateOption,
  encodeMigrateOption,
  type MigrateOption,
} from '@migratory/stack/internal/wire/migrate-options.js';
import {
  decodeOptions,
  encodeOptions,
  type SackBlock,
  type SegmentOptions,
} from '@migratory/stack/internal/wire/options.js';
import {
  decodeSegment,
  encodeSegmentHeader,
  FLAG,
  sequenceLength,
  type Segment,
} from '@migratory/stack/internal/wire/segment.js';

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const cid = bytes(8).map((value) => Buffer.from(value).toString('hex'));
const ip = fc.constantFrom('192.0.2.7', '2001:db8::1', '::', 'fe80::1:0:0:1');
const address = fc.record({ ip, port: u16 });

const migrateOption: fc.Arbitrary<MigrateOption> = fc.oneof(
  fc.record({ kind: fc.constant('capable' as const), flags: u8 }),
  fc.record({
    kind: fc.constant('request' as const),
    epoch: u16,
    cid,
    origin: u16,
    receiveNext: u32,
    nonce: u32,
    mac: bytes(12),
  }),
  fc.record({ kind: fc.constant('acknowledge' as const), epoch: u16, nonce: u32, mac: bytes(12) }),
  fc.record({ kind: fc.constant('confirm' as const), epoch: u16, mac: bytes(12) }),
  fc.record({ kind: fc.constant('trigger' as const), epoch: u16, member: u16, mac: bytes(8) }),
  fc.record({ kind: fc.constant('trigger' as const), epoch: u16, member: u16, mac: bytes(8), address }),
  fc.record({ kind: fc.constant('fail' as const), reason: u8, nonce: u32, mac: bytes(8) }),
);
const capable = fc.record({ kind: fc.constant('capable' as const), flags: u8 });
function blocks(maxLength: number): fc.Arbitrary<SackBlock[]> {
  return fc.array(fc.record({ left: u32, right: u32 }), { minLength: 1, maxLength });
}

/** Options that fit 40 bytes together. */
const options: fc.Arbitrary<SegmentOptions> = fc.oneof(
  fc.record({ migrate: migrateOption }),
  fc.record(
    {
      maximumSegmentSize: u16,
      windowScale: fc.integer({ min: 0, max: 14 }),
      sackPermitted: fc.constant(true as const),
      timestamps: fc.record({ value: u32, echo: u32 }),
      migrate: capable,
    },
    { requiredKeys: [] },
  ),
  fc.record({ sackBlocks: blocks(4) }),
  fc.record({ timestamps: fc.record({ value: u32, echo: u32 }), sackBlocks: blocks(3) }),
);
const segment: fc.Arbitrary<Segment> = fc
  .record({
    sequence: u32,
    acknowledgment: u32,
    flags: fc.integer({ min: 0, max: 0xff }),
    window: u16,
    pointer: fc.integer({ min: 1, max: 0xffff }),
    options,
    data: fc.uint8Array({ maxLength: 100 }),
  })
  .map(({ data, pointer, ...rest }) => ({
    ...rest,
    ...((rest.flags & FLAG.urg) === 0 ? {} : { urgentPointer: pointer }),
    payload: data.length === 0 ? [] : [data],
    payloadLength: data.length,
  }));

function wire(value: Segment): Uint8Array {
  return Buffer.concat([encodeSegmentHeader(value), ...value.payload]);
}

test('property: a segment survives the wire', (t) => {
  fc.assert(
    fc.property(segment, (value) => {
      t.deepEqual(plain(decodeSegment(wire(value))), { kind: 'segment', segment: plain(value) });
    }),
  );
});

test('property: a segment survives encapsulation in UDP', (t) => {
  fc.assert(
    fc.property(segment, (value) => {
      const datagram = Buffer.concat([encapsulateHeader(value), ...value.payload]);
      t.deepEqual(plain(decapsulate(datagram)), { kind: 'segment', segment: plain(value) });
    }),
  );
});

test('property: a segment cut anywhere in its header is malformed, never an exception', (t) => {
  fc.assert(
    fc.property(segment, (value) => {
      const whole = encapsulateHeader(value);
      for (let length = 0; length < whole.length; length++) {
        t.is(decodeSegment(whole.subarray(0, length)).kind, 'malformed');
        t.is(decapsulate(whole.subarray(0, length)).kind, 'malformed');
      }
    }),
    { numRuns: 50 },
  );
});

test('property: any bytes give a segment or a reason', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (garbage) => {
      decodeSegment(garbage);
      decapsulate(garbage);
      decodeOptions(garbage);
      decodeMigrateOption(garbage);
    }),
    { numRuns: 5000 },
  );
  t.pass();
});

test('property: a segment with any byte changed gives a segment or a reason', (t) => {
  fc.assert(
    fc.property(segment, fc.nat(), u8, (value, at, byte) => {
      const changed = wire(value);
      changed[at % changed.length] = byte;
      const decoded = decodeSegment(changed);
      if (decoded.kind === 'segment') formatSegment(decoded.segment);
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('property: a Migratory option survives, and every other length of it is malformed or another', (t) => {
  fc.assert(
    fc.property(migrateOption, (option) => {
      const content = encodeMigrateOption(option);
      t.deepEqual(plain(decodeMigrateOption(content)), plain(option));
      for (let length = 0; length < content.length; length++) {
        const cut = decodeMigrateOption(content.subarray(0, length));
        // A trigger without its address, or with a shorter one, is a trigger as well.
        t.true(typeof cut === 'string' || (option.kind === 'trigger' && (length === 15 || length === 21)));
      }
      const longer = decodeMigrateOption(Buffer.concat([content, Buffer.of(0)]));
      t.is(longer, 'malformed');
    }),
    { numRuns: 200 },
  );
});

test('property: every Migratory option fits the 40 bytes of options (RFC 9293 section 3.1)', (t) => {
  fc.assert(fc.property(migrateOption, (option) => encodeMigrateOption(option).length + 2 <= 40));
  t.pass();
});

test('MUST-6, MUST-7: unknown options are skipped by their length, a length that cannot be right is malformed', (t) => {
  t.deepEqual(decodeOptions(Uint8Array.of(77, 5, 1, 2, 3, 2, 4, 5, 180)), { maximumSegmentSize: 1460 });
  t.deepEqual(decodeOptions(Uint8Array.of(1, 1, 0, 2, 4, 5, 180)), {}, 'nothing counts after the end of the list');
  t.is(decodeOptions(Uint8Array.of(77, 1)), 'malformed');
  t.is(decodeOptions(Uint8Array.of(77, 0)), 'malformed');
  t.is(decodeOptions(Uint8Array.of(77, 3)), 'malformed');
  t.is(decodeOptions(Uint8Array.of(77)), 'malformed');
  t.deepEqual(decodeOptions(Uint8Array.of(253, 4, 0x12, 0x34)), {}, "another's experiment");
});

test('RFC 7323 section 2.3: a shift beyond 14 counts as 14', (t) => {
  t.deepEqual(decodeOptions(Uint8Array.of(3, 3, 99)), { windowScale: 14 });
});

test('options are padded to whole words', (t) => {
  const bytes = new Uint8Array(60);
  t.is(encodeOptions({ migrate: { kind: 'capable', flags: 1 } }, bytes, 0), 8);
  t.is(encodeOptions({}, bytes, 0), 0);
});

test('a data offset below the header or beyond the segment is malformed', (t) => {
  const header = encodeSegmentHeader(empty(FLAG.ack));
  header[12] = 4 << 4;
  t.deepEqual(decodeSegment(header), { kind: 'malformed', reason: 'bad-data-offset' });
  header[12] = 6 << 4;
  t.deepEqual(decodeSegment(header), { kind: 'malformed', reason: 'bad-data-offset' });
});

test('a datagram that is not ours is told', (t) => {
  t.deepEqual(decapsulate(new Uint8Array(30)), { kind: 'malformed', reason: 'not-encapsulated' });
});

test('SYN and FIN take one number each', (t) => {
  t.is(sequenceLength(empty(FLAG.syn | FLAG.fin)), 2);
  t.is(sequenceLength({ ...empty(FLAG.ack), payloadLength: 7 }), 7);
});

test('a segment as a line', (t) => {
  const line = formatSegment({
    ...empty(FLAG.syn | FLAG.ack),
    sequence: 7,
    acknowledgment: 12,
    options: { maximumSegmentSize: 1460, windowScale: 7, migrate: { kind: 'capable', flags: 0 } },
  });
  t.is(line, 'S. seq 7 ack 12 win 100 len 0 <mss 1460,wscale 7,migrate capable>');
});

function empty(flags: number): Segment {
  return { sequence: 0, acknowledgment: 0, flags, window: 100, options: {}, payload: [], payloadLength: 0 };
}

/** Byte arrays of any kind as plain ones, prototypes and missing fields aside, for comparison. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]));
}
