// Requests that are forged, replayed or stale, and images that are damaged: nothing moves, and the connection goes on.

import { crc32 } from 'node:zlib';
import test from 'ava';
import { hasOurTag } from '@migratory/stack/internal/migration/connection-id.js';
import { decodeImage, encodeImage, type Image } from '@migratory/stack/internal/migration/image.js';
import type { MoveReport } from '@migratory/stack/internal/migration/record.js';
import { NO_OPTIONS } from '@migratory/stack/internal/wire/options.js';
import { FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';
import { pattern } from '../../support/bytes.js';
import { CLIENT, HostBench, type End, type Sent } from '../../support/host-bench.js';
import { memberAddress } from '../../support/stack-world.js';

const ATTACKER = { ip: '10.66.6.6', port: 666 };

function moveRequest(cid: string, origin: number, epoch = 1): Segment {
  return {
    sequence: 0,
    acknowledgment: 0,
    flags: FLAG.syn,
    window: 1_000,
    options: { migrate: { kind: 'request', epoch, cid, origin, receiveNext: 0, nonce: 7, mac: pattern(12) } },
    payload: [],
    payloadLength: 0,
  };
}

function reportOf({ events }: End): MoveReport | undefined {
  return events.findLast((event) => event.kind === 'moved')?.report;
}

function cidOf({ connection }: End): string {
  const { phase } = connection.record;
  if (!('identity' in phase)) throw new Error('not settled');
  return phase.identity.cid;
}

test('a request whose cid nobody of the service made is dropped before anything is asked, kept or answered', (t) => {
  const bench = new HostBench();
  bench.open();
  const host = bench.member(2);
  const before = host.tableSizes();
  let forgedCount = 0;
  for (let index = 0; index < 10_000; index++) {
    const cid = pattern(8, index).toString('hex');
    if (hasOurTag(host.tagKey, cid)) continue;
    forgedCount++;
    host.receive(bench.now, memberAddress(2), ATTACKER, moveRequest(cid, 1));
  }
  t.is(host.counters.forgedConnectionIdDrops, forgedCount);
  t.is(bench.messages.length, 0);
  t.is(bench.segments.length, 0);
  t.deepEqual(host.tableSizes(), before);
});

test('a request for a real cid without its key is dropped by the origin, and never answered', (t) => {
  const bench = new HostBench();
  const { client, server } = bench.open();
  const cid = cidOf(client);
  for (let round = 0; round < 20; round++) {
    bench.member(2).receive(bench.now, memberAddress(2), ATTACKER, moveRequest(cid, 1, 1 + round));
    // One question per cid at a time, however often it is asked for.
    bench.member(2).receive(bench.now, memberAddress(2), ATTACKER, moveRequest(cid, 1, 1 + round));
    t.is(bench.messages.length, 1);
    bench.settle();
  }
  bench.member(1).receive(bench.now, memberAddress(1), ATTACKER, moveRequest(cid, 1));
  t.is(bench.member(1).counters.badProofDrops, 1);
  const answered: Sent[] = [];
  bench.intercept = (sent) => {
    if (sent.to.ip === ATTACKER.ip) answered.push(sent);
    return sent.segment;
  };
  bench.advance(10_000);
  t.deepEqual(answered, []);
  t.is(bench.member(1).counters.imagesGiven, 0);
  t.is(bench.member(2).tableSizes().arriving, 0);
  t.true(bench.exchanges(client, { ...server, member: 1 }));
});

test('requests for arrivingCount connections at once and no more', (t) => {
  const bench = new HostBench({ limits: { arrivingCount: 3 } });
  const cids: string[] = [];
  for (let port = 1; port <= 5; port++) {
    const client = bench.connect({}, { ip: CLIENT.ip, port });
    bench.advance(50);
    cids.push(cidOf(client));
  }
  for (const cid of cids) bench.member(2).receive(bench.now, memberAddress(2), ATTACKER, moveRequest(cid, 1));
  t.is(bench.member(2).tableSizes().arriving, 3);
  t.is(bench.messages.length, 3);
});

test('a host that is no member answers a request with a reset, and asks nobody', (t) => {
  const bench = new HostBench();
  bench.client.receive(0, CLIENT, ATTACKER, moveRequest('0123456789abcdef', 1));
  t.is(bench.segments.length, 1);
  t.is((bench.segments[0]?.segment.flags ?? 0) & FLAG.rst, FLAG.rst);
  t.is(bench.messages.length, 0);
});

/** A bench whose client has moved to member 2, and every segment that the client sent meanwhile. */
function movedBench(): { bench: HostBench; client: End; sent: Sent[] } {
  const bench = new HostBench({ memberCount: 3 });
  const { client } = bench.open();
  const sent: Sent[] = [];
  bench.intercept = (one) => {
    if (one.from.ip === CLIENT.ip) sent.push(one);
    return one.segment;
  };
  bench.client.startMove(bench.now, client.connection, 2);
  bench.advance(500);
  bench.intercept = ({ segment }) => segment;
  return { bench, client, sent };
}

test('S4: a replayed request moves nothing, wherever it is sent and from wherever', (t) => {
  const { bench, client, sent } = movedBench();
  const request = sent.find(({ segment }) => segment.options.migrate?.kind === 'request');
  const second = bench.accepted.at(-1);
  if (request === undefined || second === undefined) return t.fail();
  const replay = (): void => {
    for (const id of [1, 2, 3]) {
      for (const from of [ATTACKER, CLIENT, { ...CLIENT, port: 1 }]) {
        bench.member(id).receive(bench.now, memberAddress(id), from, request.segment);
        bench.advance(3_000);
      }
    }
  };
  replay();
  t.is(bench.accepted.length, 2);
  t.is(client.connection.record.remote.ip, memberAddress(2).ip);
  t.true(bench.exchanges(client, second));
  bench.client.startMove(bench.now, client.connection, 1);
  bench.advance(500);
  replay();
  t.is(bench.accepted.length, 3);
  const third = bench.accepted.at(-1);
  if (third !== undefined) t.true(bench.exchanges(client, third));
});

test('S4: a replayed confirmation from another address binds nothing', (t) => {
  const bench = new HostBench();
  const { client } = bench.open();
  let confirmation: Segment | undefined;
  bench.intercept = ({ segment }) => {
    if (segment.options.migrate?.kind !== 'confirm') return segment;
    confirmation ??= segment;
    return undefined;
  };
  bench.client.startMove(bench.now, client.connection, 2);
  bench.advance(500);
  const arrived = bench.accepted.at(-1);
  if (confirmation === undefined || arrived === undefined) return t.fail();
  bench.member(2).receive(bench.now, memberAddress(2), ATTACKER, confirmation);
  t.is(arrived.connection.record.phase.kind, 'confirming');
  bench.intercept = ({ segment }) => segment;
  bench.advance(3_000);
  t.is(arrived.connection.record.phase.kind, 'settled');
  bench.member(2).receive(bench.now, memberAddress(2), ATTACKER, confirmation);
  t.is(arrived.connection.record.remote.ip, CLIENT.ip);
  t.true(bench.exchanges(client, arrived));
});

test('a request whose answers are lost is repeated, and the same move results', (t) => {
  const bench = new HostBench();
  const { client } = bench.open();
  let lost = 0;
  bench.intercept = ({ segment }) => {
    if (segment.options.migrate?.kind !== 'acknowledge' || lost >= 3) return segment;
    lost++;
    return undefined;
  };
  bench.client.startMove(bench.now, client.connection, 2);
  bench.advance(3_000);
  t.like(reportOf(client), { from: 1, to: 2 });
  t.is(bench.member(1).counters.imagesGiven, 1);
  const arrived = bench.accepted.at(-1);
  if (arrived !== undefined) t.true(bench.exchanges(client, arrived));
});

/** A connection with something in every part of its image, whose images `damage` changes on their way to member 2. */
function damagedBench(damage: (image: Uint8Array) => Uint8Array): { bench: HostBench; client: End; server: End } {
  const bench = new HostBench();
  const { client, server } = bench.open();
  const host = bench.member(1);
  bench.client.write(bench.now, client.connection, Buffer.from('unread input'));
  host.setState(bench.now, server.connection, Buffer.from('the state'), 0);
  bench.advance(100);
  bench.tamper = ({ message }) =>
    message.kind === 'image' ? { ...message, image: damage(message.image.slice()) } : message;
  return { bench, client, server };
}

/** Tries one move to member 2; answers the member that has the connection afterwards. */
function attempt(bench: HostBench, client: End): number {
  bench.client.startMove(bench.now, client.connection, 2);
  bench.advance(4_000);
  return reportOf(client)?.to ?? 0;
}

function imageLengthOf(): number {
  let length = 0;
  const { bench, client } = damagedBench((image) => {
    length = image.length;
    return image;
  });
  if (attempt(bench, client) !== 2) throw new Error('a whole image was refused');
  return length;
}

test('an image with any byte changed is refused, and the origin goes on', (t) => {
  const length = imageLengthOf();
  let index = 0;
  const { bench, client } = damagedBench((image) => {
    image[index] = (image[index] ?? 0) ^ 0x40;
    return image;
  });
  for (index = 0; index < length; index++) {
    if (attempt(bench, client) !== 1) return t.fail(`byte ${index}`);
    if (reportOf(client)?.refusals[0]?.reason !== 'image-unreadable') return t.fail(`byte ${index}`);
  }
  t.is(bench.member(2).counters.imagesReturned, length);
  t.is(bench.member(2).counters.imagesInstalled, 0);
  const last = bench.accepted.at(-1);
  if (last !== undefined) t.true(bench.exchanges(client, last));
});

test('an image of any other length is refused, and the origin goes on', (t) => {
  const length = imageLengthOf();
  let kept = 0;
  const { bench, client } = damagedBench((image) =>
    kept <= length ? image.subarray(0, kept) : Buffer.concat([image, pattern(kept - length)]),
  );
  for (kept = 0; kept < length + 10; kept++) {
    if (kept === length) continue;
    if (attempt(bench, client) !== 1) return t.fail(`${kept} bytes`);
  }
  t.is(bench.member(2).counters.imagesInstalled, 0);
  const last = bench.accepted.at(-1);
  if (last !== undefined) t.true(bench.exchanges(client, last));
});

function rewritten(image: Uint8Array, change: (image: Image) => Partial<Image>): Uint8Array {
  const decoded = decodeImage(image);
  if (decoded.kind !== 'image') throw new Error('not an image');
  return encodeImage({ ...decoded.image, ...change(decoded.image) });
}

const CONTRADICTIONS: Readonly<Record<string, (image: Image) => Partial<Image>>> = {
  'another cid': () => ({ cid: '0000000000000000' }),
  'less input than the offsets say': () => ({ input: [] }),
  'more input': ({ input }) => ({ input: [...input, pattern(1)] }),
  'output that the offsets do not know': () => ({ output: [pattern(5)] }),
  'acknowledged beyond what was sent': ({ acknowledgedOffset }) => ({
    acknowledgedOffset: acknowledgedOffset + 1_000_000,
  }),
  'acknowledged before the beginning': () => ({ acknowledgedOffset: 0 }),
  'a snapshot before the first byte': ({ snapshot }) => ({
    snapshot: snapshot === undefined ? undefined : { ...snapshot, inputOffset: 0, outputOffset: 0 },
  }),
  'a snapshot in the future': ({ snapshot }) => ({
    snapshot: snapshot === undefined ? undefined : { ...snapshot, outputOffset: snapshot.outputOffset + 50 },
  }),
  'an impossible window scale': ({ transport }) => ({
    transport: { ...transport, send: { ...transport.send, windowShift: 200 } },
  }),
  'a segment size of one byte': ({ transport }) => ({
    transport: { ...transport, send: { ...transport.send, maximumSegmentSize: 1 } },
  }),
  'finished before it began': ({ transport }) => ({
    transport: { ...transport, receive: { ...transport.receive, nextOffset: 0, finished: true } },
  }),
};

for (const [name, change] of Object.entries(CONTRADICTIONS)) {
  test(`an image that contradicts itself is refused, though its check value is right: ${name}`, (t) => {
    const { bench, client } = damagedBench((image) => rewritten(image, change));
    t.is(attempt(bench, client), 1);
    t.is(bench.member(2).counters.imagesInstalled, 0);
    const last = bench.accepted.at(-1);
    if (last !== undefined) t.true(bench.exchanges(client, last));
  });
}

test('whatever a member sends as an image, right check value included, nothing throws', (t) => {
  const length = imageLengthOf();
  for (let index = 0; index < length - 4; index++) {
    for (const mask of [0x01, 0x80, 0xff]) {
      const { bench, client } = damagedBench((image) => {
        image[index] = (image[index] ?? 0) ^ mask;
        new DataView(image.buffer).setUint32(length - 4, crc32(image.subarray(0, length - 4)));
        return image;
      });
      t.notThrows(() => attempt(bench, client), `byte ${index} with ${mask}`);
    }
  }
});

test('answers that nobody asked for are counted and dropped', (t) => {
  const bench = new HostBench();
  const { client, server } = bench.open();
  const cid = cidOf(client);
  const host = bench.member(1);
  const stray = { exchange: 99, cid, epoch: 1 };
  host.peerMessage(bench.now, 2, { kind: 'image', ...stray, image: pattern(300) });
  host.peerMessage(bench.now, 2, { kind: 'refuse', ...stray, reason: 'busy', holder: 2, failMac: new Uint8Array(0) });
  host.peerMessage(bench.now, 2, { kind: 'held', ...stray });
  host.peerMessage(bench.now, 2, { kind: 'disclaimed', ...stray });
  t.is(host.counters.strayAnswers, 4);
  host.peerMessage(bench.now, 2, { kind: 'installed', cid, epoch: 1 });
  host.peerMessage(bench.now, 2, { kind: 'returned', cid, epoch: 1 });
  host.peerMessage(bench.now, 2, { kind: 'inquire', ...stray });
  host.peerMessage(bench.now, 2, { kind: 'pull', count: 0 });
  bench.settle();
  t.true(bench.exchanges(client, { ...server, member: 1 }));
});

test('a bare SYN without a request on an open path does not disturb it', (t) => {
  const bench = new HostBench();
  const { client, server } = bench.open();
  const syn: Segment = { ...moveRequest('0000000000000000', 1), options: NO_OPTIONS };
  bench.member(1).receive(bench.now, memberAddress(1), CLIENT, syn);
  t.true(bench.exchanges(client, { ...server, member: 1 }));
});

test("a client's request, sent from somebody else's address, takes that path from nobody", (t) => {
  const bench = new HostBench();
  const victim = bench.open();
  const attacker = bench.connect({}, { ip: CLIENT.ip, port: CLIENT.port + 1 });
  bench.advance(100);
  const victimAddress = victim.client.connection.record.local;
  bench.client.startMove(bench.now, attacker.connection, 1);
  const request = bench.segments.find(({ segment }) => segment.options.migrate?.kind === 'request');
  if (request === undefined) return t.fail('no request was sent');
  bench.segments.length = 0;
  bench.member(1).receive(bench.now, request.to, victimAddress, request.segment);
  t.is(bench.member(1).counters.takenPathDrops, 1);
  t.is(bench.segments.length, 0);
  const [server] = bench.accepted;
  t.true(server !== undefined && bench.exchanges(victim.client, server));
});
