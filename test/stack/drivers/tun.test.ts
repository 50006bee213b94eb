// What the TUN driver does with each packet, without a device: what it hands on, what it drops and under which name.

import test from 'ava';
import fc from 'fast-check';
import { TunDriver, type PacketLink } from '@migratory/stack/internal/drivers/tun.js';
import { addToSum, checksumOf } from '@migratory/stack/internal/wire/ip/checksum.js';
import { decodePacket } from '@migratory/stack/internal/wire/ip/decode.js';
import { writeIpv4Header } from '@migratory/stack/internal/wire/ip/ipv4.js';
import { writeIpv6Header } from '@migratory/stack/internal/wire/ip/ipv6.js';
import { OFFLOAD_HEADER_LENGTH } from '@migratory/stack/internal/wire/ip/offload.js';
import type { IpPacket } from '@migratory/stack/internal/wire/ip/packet.js';
import { completeChecksum, decodeTcp, writeTcpPacket } from '@migratory/stack/internal/wire/ip/tcp-packet.js';
import type { NetworkReport } from '@migratory/stack/internal/wire/network-report.js';
import { FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';

const OURS = Uint8Array.of(10, 77, 0, 2);
const THEIRS = Uint8Array.of(10, 77, 0, 1);
const OURS6 = Uint8Array.of(0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
const ALL_ROUTERS = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
const SEGMENT: Segment = {
  sequence: 1,
  acknowledgment: 2,
  flags: FLAG.ack,
  window: 3,
  options: {},
  payload: [Buffer.from('hello')],
  payloadLength: 5,
};

class FakeLink implements PacketLink {
  writeErrors = 0;
  readonly written: Buffer[] = [];
  receive: (packet: Uint8Array) => void = () => undefined;

  start(receive: (packet: Uint8Array) => void): void {
    this.receive = receive;
  }

  write(headers: Uint8Array, payload: readonly Uint8Array[]): void {
    this.written.push(Buffer.concat([headers, ...payload]));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function open() {
  const link = new FakeLink();
  const driver = new TunDriver(link, 1_500, ['10.77.0.2', 'fd77::2']);
  const segments: string[] = [];
  const reports: NetworkReport[] = [];
  driver.start({
    segment: (local, remote, { payload }) =>
      segments.push(`${remote.ip}:${remote.port} > ${local.ip}:${local.port} ${Buffer.concat(payload).toString()}`),
    report: (_local, _remote, report) => reports.push(report),
  });
  return { link, driver, segments, reports };
}

/** A segment to us, with a right checksum. */
function tcp(sourcePort = 50_000, destination = OURS, source = THEIRS): Buffer {
  const buffer = Buffer.alloc(100);
  const to = { ip: destination, port: 80 };
  const headers = buffer.subarray(0, writeTcpPacket(buffer, 0, { ip: source, port: sourcePort }, to, SEGMENT));
  completeChecksum(headers, 20, SEGMENT.payload);
  return Buffer.concat([headers, ...SEGMENT.payload]);
}

function opened(bytes: Uint8Array): IpPacket {
  const packet = decodePacket(bytes);
  if (packet.kind !== 'packet') throw new Error('no packet');
  return packet;
}

function icmp(message: readonly number[]): Buffer {
  const bytes = Buffer.alloc(20 + message.length);
  writeIpv4Header(bytes, 0, bytes.length, 1, THEIRS, OURS);
  bytes.set(message, 20);
  bytes.writeUInt16BE(checksumOf(addToSum(0, bytes.subarray(20), 0)), 22);
  return bytes;
}

const unchecked = (packet: Uint8Array): Buffer => Buffer.concat([Buffer.alloc(OFFLOAD_HEADER_LENGTH), packet]);

test('MUST-3: a segment for us is handed on, whatever its port; one whose checksum is wrong is not, unless it is trusted', (t) => {
  const { link, driver, segments } = open();
  link.receive(unchecked(tcp()));
  const damaged = tcp();
  damaged[damaged.length - 1] = 0x4f;
  link.receive(unchecked(damaged));
  const trusted = unchecked(damaged);
  trusted[0] = 1;
  link.receive(trusted);
  t.deepEqual(segments, ['10.77.0.1:50000 > 10.77.0.2:80 hello', '10.77.0.1:50000 > 10.77.0.2:80 hellO']);
  t.is(driver.counters.malformedDrops, 1);
});

test('MUST-57: what is sent to a group or to everybody is dropped in silence', (t) => {
  const { link, driver, segments } = open();
  for (const destination of [Uint8Array.of(224, 0, 0, 1), Uint8Array.of(255, 255, 255, 255)]) {
    link.receive(unchecked(tcp(50_000, destination)));
  }
  t.deepEqual([segments, link.written], [[], []]);
  t.is(driver.counters.otherProtocolDrops, 2);
});

test('MUST-63: what comes from a group, from everybody or from nobody is dropped in silence', (t) => {
  const { link, driver, segments } = open();
  const sources = [
    [224, 0, 0, 1],
    [255, 255, 255, 255],
    [0, 0, 0, 0],
    [239, 1, 2, 3],
  ];
  for (const source of sources) link.receive(unchecked(tcp(50_000, OURS, Uint8Array.from(source))));
  t.deepEqual([segments, link.written], [[], []]);
  t.is(driver.counters.malformedDrops, sources.length);
});

test('MUST-2: what is sent has a checksum that is right', (t) => {
  const sent = tcp();
  const { link, driver, segments } = open();
  link.receive(unchecked(sent));
  t.is(segments.length, 1);
  // The device completes what the driver begins: the sum over addresses and length stands in the field.
  driver.transmit({ ip: '10.77.0.2', port: 80 }, { ip: '10.77.0.1', port: 50_000 }, SEGMENT);
  const written = link.written[0] ?? Buffer.alloc(0);
  t.is(written[0], 1, 'the device is asked for it');
  const packet = written.subarray(OFFLOAD_HEADER_LENGTH);
  const completed = Buffer.from(packet);
  completed.writeUInt16BE(checksumOf(addToSum(0, packet.subarray(20), 0)), 36);
  const damaged = Buffer.from(completed);
  damaged[24] = 9;
  const received = (bytes: Buffer): string => decodeTcp(bytes, opened(bytes), 'to-be-checked').kind;
  t.deepEqual([received(completed), received(damaged)], ['segment', 'malformed']);
});

test('each drop has its name', (t) => {
  const { link, driver, segments, reports } = open();
  const udp = tcp();
  udp[9] = 17;
  udp.writeUInt16BE(0, 10);
  udp.writeUInt16BE(checksumOf(addToSum(0, udp.subarray(0, 20), 0)), 10);
  const fragment = Buffer.from(tcp());
  fragment[6] = 0x20;
  fragment.writeUInt16BE(0, 10);
  fragment.writeUInt16BE(checksumOf(addToSum(0, fragment.subarray(0, 20), 0)), 10);
  const solicitation = Buffer.alloc(48);
  writeIpv6Header(solicitation, 0, 8, 58, OURS6, ALL_ROUTERS);
  for (const packet of [
    tcp(0),
    udp,
    fragment,
    solicitation,
    tcp(1, Uint8Array.of(10, 77, 0, 3)),
    icmp([0, 0, 0, 0, 0, 0, 0, 0]),
  ]) {
    link.receive(unchecked(packet));
  }
  link.receive(unchecked(Buffer.alloc(0)));
  t.deepEqual(
    { ...driver.counters },
    {
      malformedDrops: 2,
      fragmentDrops: 1,
      foreignDrops: 1,
      otherProtocolDrops: 3,
      echoesAnswered: 0,
    },
  );
  t.deepEqual([segments, reports, link.written], [[], [], []]);
});

test('what is quoted of a segment of ours is reported, with what fits the path behind the header of IP', (t) => {
  const { link, reports } = open();
  const quote = Buffer.alloc(28);
  writeIpv4Header(quote, 0, 1_500, 6, OURS, THEIRS);
  quote.writeUInt32BE(12_345, 24);
  link.receive(unchecked(icmp([3, 4, 0, 0, 0, 0, 5, 20, ...quote])));
  link.receive(unchecked(icmp([3, 3, 0, 0, 0, 0, 0, 0, ...quote])));
  t.deepEqual(reports, [
    { kind: 'packet-too-big', sequence: 12_345, segmentLength: 1_280 },
    { kind: 'unreachable', sequence: 12_345, hardness: 'hard' },
  ]);
});

test('a super-segment says how it is to be cut, a single one that it is not', (t) => {
  const { link, driver } = open();
  const [local, remote] = [
    { ip: '10.77.0.2', port: 80 },
    { ip: '10.77.0.1', port: 5 },
  ];
  const long = { ...SEGMENT, payload: [Buffer.alloc(4_000)], payloadLength: 4_000, cutLength: 1_460 };
  driver.transmit(local, remote, long);
  driver.transmit(local, remote, { ...SEGMENT, cutLength: 1_460 });
  driver.transmit({ ip: 'fd77::2', port: 80 }, { ip: 'fd77::1', port: 5 }, long);
  t.deepEqual(
    link.written.map((bytes) => [...bytes.subarray(0, OFFLOAD_HEADER_LENGTH)]),
    [
      [1, 1, 40, 0, 1_460 & 0xff, 1_460 >> 8, 20, 0, 16, 0],
      [1, 0, 40, 0, 0, 0, 20, 0, 16, 0],
      [1, 4, 60, 0, 1_460 & 0xff, 1_460 >> 8, 40, 0, 16, 0],
    ],
  );
});

test('what we send to ourselves is the receiver’s to keep, whatever becomes of the sender’s memory', async (t) => {
  const { driver, segments } = open();
  const payload = Buffer.from('hello');
  const local = { ip: '10.77.0.2', port: 80 };
  driver.transmit(local, { ip: '10.77.0.2', port: 81 }, { ...SEGMENT, payload: [payload] });
  payload.fill('x');
  t.deepEqual(segments, [], 'not from inside transmit()');
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(segments, ['10.77.0.2:80 > 10.77.0.2:81 hello']);
});

test('any bytes from the device are counted or handed on, and nothing throws', (t) => {
  const { link, driver, segments, reports } = open();
  let count = 0;
  const packet = fc.tuple(
    fc.constantFrom(tcp(), icmp([8, 0, 0, 0, 1, 2, 3, 4])),
    fc.nat({ max: 60 }),
    fc.nat({ max: 255 }),
  );
  const changed = packet.map(([bytes, at, value]) => {
    const copy = Buffer.from(bytes);
    if (at < copy.length) copy[at] = value;
    return copy;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), changed), (bytes) => {
      link.receive(unchecked(bytes));
      count++;
      const counted = Object.values<number>({ ...driver.counters }).reduce((sum, value) => sum + value, 0);
      return counted + segments.length + reports.length === count;
    }),
    { numRuns: 3_000 },
  );
  t.pass();
});
