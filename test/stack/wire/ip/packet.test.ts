// IP packets: what is written is read again, and whatever else comes in is a reason, never an exception.

import test from 'ava';
import fc from 'fast-check';
import { decodePacket } from '@migratory/stack/internal/wire/ip/decode.js';
import type { IpPacket } from '@migratory/stack/internal/wire/ip/packet.js';
import { completeChecksum, decodeTcp, writeTcpPacket } from '@migratory/stack/internal/wire/ip/tcp-packet.js';
import { FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';
import { decodeIcmp } from '@migratory/stack/internal/wire/ip/icmp.js';

const ADDRESSES = { 4: [4, 4], 6: [16, 16] } as const;

function segment(payload: Uint8Array): Segment {
  return {
    sequence: 0xfffffff0,
    acknowledgment: 5,
    flags: FLAG.ack | FLAG.psh,
    window: 777,
    options: { timestamps: { value: 1, echo: 2 } },
    payload: [payload],
    payloadLength: payload.length,
  };
}

/** A whole packet, checksum and all. */
function packetOf(family: 4 | 6, payload: Uint8Array, ecn: Pick<Segment, 'ecn'> = {}): Uint8Array {
  const [sourceLength, destinationLength] = ADDRESSES[family];
  const source = { ip: new Uint8Array(sourceLength).fill(1), port: 80 };
  const destination = { ip: new Uint8Array(destinationLength).fill(2), port: 50_000 };
  const buffer = Buffer.alloc(200);
  const headers = buffer.subarray(0, writeTcpPacket(buffer, 0, source, destination, { ...segment(payload), ...ecn }));
  completeChecksum(headers, family === 6 ? 40 : 20, [payload]);
  return Buffer.concat([headers, payload]);
}

function decoded(bytes: Uint8Array): IpPacket {
  const packet = decodePacket(bytes);
  if (packet.kind !== 'packet') throw new Error(`decoded as ${JSON.stringify(packet)}`);
  return packet;
}

for (const family of [4, 6] as const) {
  test(`IPv${family}: a segment comes out as it went in, padding or not`, (t) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000, size: 'max' }), fc.nat({ max: 20 }), (payload, paddingLength) => {
        const bytes = Buffer.concat([packetOf(family, payload), Buffer.alloc(paddingLength, 9)]);
        const packet = decoded(bytes);
        const tcp = decodeTcp(bytes, packet, 'to-be-checked');
        if (tcp.kind !== 'segment') throw new Error(tcp.reason);
        t.is(packet.family, family);
        t.is(tcp.sourcePort, 80);
        t.is(tcp.destinationPort, 50_000);
        t.true(Buffer.concat(tcp.segment.payload).equals(payload));
        t.deepEqual({ ...tcp.segment, payload: [payload] }, segment(payload));
      }),
    );
  });

  test(`IPv${family}: whether routers may mark it, and have, comes with it (RFC 3168 section 5)`, (t) => {
    const payload = Buffer.from('abc');
    const told = (bytes: Uint8Array): string | undefined => {
      const tcp = decodeTcp(bytes, decoded(bytes), 'to-be-checked');
      return tcp.kind === 'segment' ? tcp.segment.ecn : tcp.reason;
    };
    t.is(told(packetOf(family, payload)), undefined);
    t.is(told(packetOf(family, payload, { ecn: 'experienced' })), 'experienced');
    const capable = packetOf(family, payload, { ecn: 'capable' });
    t.is(told(capable), 'capable');
    // ECT(0), which is what all take for "may be marked".
    t.is(family === 4 ? capable[1] : (capable[1] ?? 0) >> 4, 2);
    t.is(decoded(capable).family, family);
  });

  test(`IPv${family}: a changed byte behind the IP header is noticed, unless the checksum is trusted`, (t) => {
    const bytes = packetOf(family, Buffer.from('abcdefg'));
    const { payloadStart } = decoded(bytes);
    for (let at = payloadStart + 20; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      t.is(decodeTcp(changed, decoded(changed), 'to-be-checked').kind, 'malformed');
    }
  });

  test(`IPv${family}: every truncation is malformed`, (t) => {
    const bytes = packetOf(family, Buffer.from('payload'));
    for (let length = 0; length < bytes.length; length++) {
      t.is(decodePacket(bytes.subarray(0, length)).kind, 'malformed', `at ${length}`);
    }
  });

  test(`IPv${family}: a fragment is said to be one`, (t) => {
    const bytes = packetOf(family, Buffer.from('payload'));
    if (family === 4) {
      bytes[6] = 0x20; // more fragments
      bytes[10] = 0;
      bytes[11] = 0;
      withHeaderChecksum(bytes);
    } else bytes[6] = 44;
    t.is(decodePacket(bytes).kind, 'fragment');
  });
}

function withHeaderChecksum(bytes: Uint8Array): void {
  let sum = 0;
  for (let at = 0; at < ((bytes[0] ?? 0) & 15) * 4; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  bytes[10] = (~sum >> 8) & 0xff;
  bytes[11] = ~sum & 0xff;
}

/** An IPv4 packet with these options before its payload. */
function withOptions(options: readonly number[]): Uint8Array {
  const plain = packetOf(4, Buffer.from('x'));
  const bytes = Buffer.concat([plain.subarray(0, 20), Buffer.from(options), plain.subarray(20)]);
  bytes[0] = 0x40 | ((20 + options.length) / 4);
  bytes.writeUInt16BE(bytes.length, 2);
  bytes.writeUInt16BE(0, 10);
  withHeaderChecksum(bytes);
  return bytes;
}

test('MUST-50: IPv4: options are skipped, source routes refused, lengths that can not be are malformed', (t) => {
  const recordRoute = [7, 7, 4, 0, 0, 0, 0, 0];
  const bytes = withOptions(recordRoute);
  t.is(decodeTcp(bytes, decoded(bytes), 'to-be-checked').kind, 'segment');
  t.is(decoded(withOptions([1, 1, 0, 200])).payloadStart, 24);
  t.deepEqual(decodePacket(withOptions([131, 7, 4, 0, 0, 0, 0, 0])), { kind: 'malformed', reason: 'source-routed' });
  t.deepEqual(decodePacket(withOptions([137, 3, 4, 0])), { kind: 'malformed', reason: 'source-routed' });
  for (const options of [
    [7, 9, 4, 0],
    [7, 1, 0, 0],
    [7, 0, 0, 0],
    [1, 1, 1, 7],
  ]) {
    t.deepEqual(decodePacket(withOptions(options)), { kind: 'malformed', reason: 'bad-extension' });
  }
});

/** An IPv6 packet with extension headers: numbers and contents, the length byte already in it. */
function withExtensions(extensions: readonly (readonly [number, readonly number[]])[]): Uint8Array {
  const plain = packetOf(6, Buffer.from('x'));
  const chain = extensions.map(([, content], index) => Buffer.from([extensions[index + 1]?.[0] ?? 6, ...content]));
  const bytes = Buffer.concat([plain.subarray(0, 40), ...chain, plain.subarray(40)]);
  bytes[6] = extensions[0]?.[0] ?? 6;
  bytes.writeUInt16BE(bytes.length - 40, 4);
  return bytes;
}

test('IPv6: extension headers are walked through, or refused by what they ask for', (t) => {
  const padding = [0, 1, 4, 0, 0, 0, 0];
  const good = withExtensions([
    [0, padding],
    [60, padding],
    [43, [0, 4, 0, 0, 0, 0, 0]],
  ]);
  t.is(decodeTcp(good, decoded(good), 'to-be-checked').kind, 'segment');
  const refused = (bytes: Uint8Array): unknown => decodePacket(bytes);
  t.deepEqual(refused(withExtensions([[43, [0, 4, 1, 0, 0, 0, 0]]])), { kind: 'malformed', reason: 'source-routed' });
  t.deepEqual(refused(withExtensions([[60, [0, 0xc2, 4, 0, 0, 0, 0]]])), {
    kind: 'malformed',
    reason: 'bad-extension',
  });
  t.deepEqual(refused(withExtensions([[60, [0, 1, 99, 0, 0, 0, 0]]])), { kind: 'malformed', reason: 'bad-extension' });
  t.deepEqual(
    refused(
      withExtensions([
        [60, padding],
        [0, padding],
      ]),
    ),
    { kind: 'malformed', reason: 'bad-extension' },
  );
  t.deepEqual(refused(withExtensions([[60, [200, 1, 4, 0, 0, 0, 0]]])), { kind: 'malformed', reason: 'truncated' });
  const many = Array.from({ length: 8 }, () => [60, padding] as const);
  t.deepEqual(refused(withExtensions(many)), { kind: 'malformed', reason: 'bad-extension' });
});

test('any bytes, and any changed packet, give an answer', (t) => {
  const bases = [
    packetOf(4, Buffer.from('abc')),
    packetOf(6, Buffer.from('abc')),
    withOptions([7, 7, 4, 0, 0, 0, 0, 0]),
  ];
  const changes = fc.array(fc.tuple(fc.nat({ max: 90 }), fc.nat({ max: 255 })), { maxLength: 8 });
  const mutated = fc.tuple(fc.constantFrom(...bases), changes).map(([base, list]) => {
    const bytes = Buffer.from(base);
    for (const [at, value] of list) if (at < bytes.length) bytes[at] = value;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100, size: 'max' }), mutated), (bytes) => {
      const packet = decodePacket(bytes);
      if (packet.kind !== 'packet') return true;
      decodeTcp(bytes, packet, 'to-be-checked');
      decodeTcp(bytes, packet, 'trusted');
      decodeIcmp(bytes, packet);
      return packet.payloadStart <= packet.payloadEnd && packet.payloadEnd <= bytes.length;
    }),
    { numRuns: 5_000 },
  );
  t.pass();
});
