// ICMP of both versions: echo, and what is quoted of a segment of ours.

import test from 'ava';
import fc from 'fast-check';
import { addToSum, checksumOf, pseudoHeaderSum } from '@migratory/stack/internal/wire/ip/checksum.js';
import { decodePacket } from '@migratory/stack/internal/wire/ip/decode.js';
import { decodeIcmp, echoReply, type IcmpMessage } from '@migratory/stack/internal/wire/ip/icmp.js';
import { writeIpv4Header } from '@migratory/stack/internal/wire/ip/ipv4.js';
import { writeIpv6Header } from '@migratory/stack/internal/wire/ip/ipv6.js';
import type { IpPacket } from '@migratory/stack/internal/wire/ip/packet.js';

type Family = 4 | 6;

const OURS = { 4: Uint8Array.of(10, 77, 0, 2), 6: Uint8Array.of(0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2) };
const ROUTER = {
  4: Uint8Array.of(10, 77, 0, 1),
  6: Uint8Array.of(0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
};
const HEADER_LENGTH = { 4: 20, 6: 40 };

/** A packet from the router to us with this message, its checksum made right. */
function packet(family: Family, message: Uint8Array): Uint8Array {
  const protocol = family === 4 ? 1 : 58;
  const bytes = Buffer.alloc(HEADER_LENGTH[family] + message.length);
  bytes.set(message, HEADER_LENGTH[family]);
  if (family === 4) writeIpv4Header(bytes, 0, bytes.length, protocol, ROUTER[4], OURS[4]);
  else writeIpv6Header(bytes, 0, message.length, protocol, ROUTER[6], OURS[6]);
  bytes.writeUInt16BE(0, HEADER_LENGTH[family] + 2);
  const pseudo = family === 6 ? pseudoHeaderSum(ROUTER[6], OURS[6], protocol, message.length) : 0;
  bytes.writeUInt16BE(
    checksumOf(addToSum(pseudo, bytes.subarray(HEADER_LENGTH[family]), 0)),
    HEADER_LENGTH[family] + 2,
  );
  return bytes;
}

/** Of what we sent: the header of IP, and eight bytes of TCP. */
function quoted(family: Family): Uint8Array {
  const bytes = Buffer.alloc(HEADER_LENGTH[family] + 8);
  if (family === 4) writeIpv4Header(bytes, 0, 1_500, 6, OURS[4], ROUTER[4]);
  else writeIpv6Header(bytes, 0, 1_460, 6, OURS[6], ROUTER[6]);
  bytes.writeUInt16BE(80, HEADER_LENGTH[family]);
  bytes.writeUInt16BE(50_000, HEADER_LENGTH[family] + 2);
  bytes.writeUInt32BE(0xdeadbeef, HEADER_LENGTH[family] + 4);
  return bytes;
}

function opened(bytes: Uint8Array): IpPacket {
  const decoded = decodePacket(bytes);
  if (decoded.kind !== 'packet') throw new Error('no packet');
  return decoded;
}

function received(family: Family, message: Uint8Array): IcmpMessage {
  const bytes = packet(family, message);
  return decodeIcmp(bytes, opened(bytes));
}

function about(family: Family): object {
  return {
    source: OURS[family],
    destination: ROUTER[family],
    sourcePort: 80,
    destinationPort: 50_000,
    sequence: 0xdeadbeef,
  };
}

function plain(message: IcmpMessage): unknown {
  if (!('quoted' in message)) return message;
  const { source, destination, ...rest } = message.quoted;
  return {
    ...message,
    quoted: { source: Uint8Array.from(source), destination: Uint8Array.from(destination), ...rest },
  };
}

test('packet too big: IPv4 says the MTU in 16 bits, IPv6 in 32', (t) => {
  const v4 = Buffer.concat([Buffer.from([3, 4, 0, 0, 0, 0, 0x05, 0x14]), quoted(4)]);
  t.deepEqual(plain(received(4, v4)), { kind: 'packet-too-big', mtu: 1_300, quoted: about(4) });
  const v6 = Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0x05, 0x14]), quoted(6)]);
  t.deepEqual(plain(received(6, v6)), { kind: 'packet-too-big', mtu: 1_300, quoted: about(6) });
});

test('an old router says no MTU: the next plateau below what was sent (RFC 1191 section 7)', (t) => {
  const message = received(4, Buffer.concat([Buffer.from([3, 4, 0, 0, 0, 0, 0, 0]), quoted(4)]));
  t.is(message.kind === 'packet-too-big' ? message.mtu : undefined, 1_492);
});

test('MUST-55, MUST-56: source quench, time exceeded and parameter problem are nothing that a connection hears of', (t) => {
  for (const type of [4, 11, 12]) {
    const message = Buffer.concat([Buffer.from([type, 0, 0, 0, 0, 0, 0, 0]), quoted(4)]);
    t.deepEqual(received(4, message), { kind: 'other' });
  }
  for (const type of [3, 4]) {
    const message = Buffer.concat([Buffer.from([type, 0, 0, 0, 0, 0, 0, 0]), quoted(6)]);
    t.deepEqual(received(6, message), { kind: 'other' });
  }
});

test('unreachable: hard where protocol or port are not there, else soft', (t) => {
  const hardness = (family: Family, type: number, code: number): unknown => {
    const message = received(family, Buffer.concat([Buffer.from([type, code, 0, 0, 0, 0, 0, 0]), quoted(family)]));
    return message.kind === 'unreachable' ? message.hardness : message.kind;
  };
  t.deepEqual(
    [0, 1, 2, 3, 5, 13].map((code) => hardness(4, 3, code)),
    ['soft', 'soft', 'hard', 'hard', 'soft', 'soft'],
  );
  t.deepEqual(
    [0, 1, 3, 4].map((code) => hardness(6, 1, code)),
    ['soft', 'soft', 'soft', 'hard'],
  );
  t.is(hardness(4, 11, 0), 'other');
  t.is(hardness(6, 3, 0), 'other');
});

for (const family of [4, 6] as const) {
  test(`IPv${family}: a quote that is cut short, or none of ours, changes nothing`, (t) => {
    const type = family === 4 ? [3, 4] : [2, 0];
    const head = Buffer.from([...type, 0, 0, 0, 0, 0x05, 0x14]);
    const whole = quoted(family);
    for (let length = 0; length < whole.length; length++) {
      t.is(received(family, Buffer.concat([head, whole.subarray(0, length)])).kind, 'other');
    }
    const udp = Buffer.from(whole);
    udp[family === 4 ? 9 : 6] = 17;
    t.is(received(family, Buffer.concat([head, udp])).kind, 'other');
  });

  test(`IPv${family}: an echo is answered with the same bytes and a right checksum`, (t) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100, size: 'max' }), (data) => {
        const request = packet(family, Buffer.concat([Buffer.from([family === 4 ? 8 : 128, 0, 0, 0]), data]));
        const isRequest = decodeIcmp(request, opened(request)).kind === 'echo-request';
        if (data.length < 4) return !isRequest;
        const reply = echoReply(request, opened(request));
        const { source, destination, payloadStart } = opened(reply);
        t.deepEqual([...source], [...OURS[family]]);
        t.deepEqual([...destination], [...ROUTER[family]]);
        t.is(reply[payloadStart], family === 4 ? 0 : 129);
        t.deepEqual([...reply.subarray(payloadStart + 4)], [...data]);
        return decodeIcmp(reply, opened(reply)).kind === 'other'; // and not malformed
      }),
    );
  });

  test(`IPv${family}: a wrong checksum is malformed`, (t) => {
    const bytes = packet(family, Buffer.from([family === 4 ? 8 : 128, 0, 0, 0, 1, 2, 3, 4]));
    bytes[bytes.length - 1] = 9;
    t.is(decodeIcmp(bytes, opened(bytes)).kind, 'malformed');
  });
}
