// Segments that nobody asked for: floods, forgeries, leftovers. What exists goes on, and nothing grows.

import test from 'ava';
import { decapsulate } from '@migratory/stack/internal/wire/encapsulation.js';
import type { MigrateOption } from '@migratory/stack/internal/wire/migrate-options.js';
import { NO_OPTIONS } from '@migratory/stack/internal/wire/options.js';
import { FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';
import { pattern } from '../../support/bytes.js';
import { CLIENT, HostBench, type Sent } from '../../support/host-bench.js';
import { memberAddress } from '../../support/stack-world.js';

const SERVER = memberAddress(1);

function segment(flags: number, more: Partial<Segment> = {}): Segment {
  return {
    sequence: 1_000,
    acknowledgment: 2_000,
    flags,
    window: 1_024,
    options: NO_OPTIONS,
    payload: [],
    payloadLength: 0,
    ...more,
  };
}

function only(sent: readonly Sent[]): Sent {
  const [first, ...rest] = sent;
  if (first === undefined || rest.length > 0) throw new Error(`${sent.length} segments were sent`);
  return first;
}

test('RFC 9293 3.10.7.1: a segment for no connection is reset with its own numbers, a RST never', (t) => {
  const bench = new HostBench();
  const host = bench.member(1);
  const other = { ip: SERVER.ip, port: 81 };

  host.receive(0, other, CLIENT, segment(FLAG.ack));
  t.like(only(bench.segments.splice(0)).segment, { sequence: 2_000, flags: FLAG.rst });

  host.receive(0, other, CLIENT, segment(FLAG.syn));
  t.like(only(bench.segments.splice(0)).segment, { sequence: 0, acknowledgment: 1_001, flags: FLAG.rst | FLAG.ack });

  host.receive(0, other, CLIENT, segment(FLAG.fin, { payload: [pattern(10)], payloadLength: 10 }));
  t.like(only(bench.segments.splice(0)).segment, { sequence: 0, acknowledgment: 1_011, flags: FLAG.rst | FLAG.ack });

  host.receive(0, other, CLIENT, segment(FLAG.rst));
  host.receive(0, other, CLIENT, segment(FLAG.rst | FLAG.ack));
  t.is(bench.segments.length, 0);
  t.is(host.counters.resetsSent, 3);
});

test('a flood of SYNs takes halfOpenCount connections and no more; open ones go on, and room comes back', (t) => {
  const bench = new HostBench({ limits: { halfOpenCount: 50 } });
  const { client, server } = bench.open();
  const host = bench.member(1);
  bench.intercept = ({ to, segment: sent }) => (to.ip.startsWith('10.9.') ? undefined : sent);
  for (let index = 0; index < 5_000; index++) {
    const from = { ip: `10.9.${index >> 8}.${index & 255}`, port: 1_000 };
    host.receive(bench.now, SERVER, from, segment(FLAG.syn, { sequence: index, acknowledgment: 0 }));
  }
  t.is(host.counters.cookiesSent, 4_950);
  t.is(host.connectionCount, 51);
  t.true(bench.exchanges(client, { ...server, member: 1 }));
  bench.advance(400_000);
  t.is(host.connectionCount, 1);
  const another = bench.connect({}, { ip: CLIENT.ip, port: 50_001 });
  bench.advance(100);
  t.true(another.events.some(({ kind }) => kind === 'ready'));
});

test('connections that never finish their set-up count as half open, until setUpTimeoutMs', (t) => {
  const bench = new HostBench({ limits: { halfOpenCount: 10 } });
  const host = bench.member(1);
  bench.intercept = ({ segment: sent }) => ({ ...sent, payload: [], payloadLength: 0 });
  for (let port = 1; port <= 30; port++) {
    bench.connect({}, { ip: CLIENT.ip, port });
    bench.settle();
  }
  t.is(host.counters.cookiesReturned, 10, 'as many again, of those that return a cookie');
  t.true(host.counters.halfOpenDrops >= 10);
  bench.segments.length = 0;
  bench.intercept = ({ segment: sent }) => sent;
  bench.advance(60_000);
  t.is(bench.accepted.length + host.connectionCount, 2 * host.connectionCount);
});

test('the connection limit holds for open connections', (t) => {
  const bench = new HostBench({ limits: { connectionCount: 3 } });
  for (let port = 1; port <= 5; port++) {
    bench.connect({}, { ip: CLIENT.ip, port });
    bench.advance(50);
  }
  t.is(bench.member(1).connectionCount, 3);
  t.true(bench.member(1).counters.connectionLimitDrops >= 2);
});

test('garbage as datagrams never throws, and never opens anything', (t) => {
  const bench = new HostBench();
  const { client, server } = bench.open();
  const host = bench.member(1);
  const before = host.connectionCount;
  let wellFormed = 0;
  for (let round = 0; round < 20_000; round++) {
    const bytes = pattern(20 + (round % 60), round);
    bytes.set([0x4d, 0x54, 0x43, 0x01], 0);
    bytes[12] = (5 + (round % 11)) << 4;
    if (round % 2 === 0) bytes[13] = (bytes[13] ?? 0) & ~FLAG.syn;
    const decoded = decapsulate(bytes);
    if (decoded.kind !== 'segment') continue;
    wellFormed++;
    const from = round % 3 === 0 ? CLIENT : { ip: '10.9.0.1', port: 1 + (round % 5) };
    host.receive(bench.now, SERVER, from, decoded.segment);
    bench.segments.length = 0;
  }
  t.true(wellFormed > 1_000);
  t.true(host.connectionCount <= before + 5);
  t.true(bench.exchanges(client, { ...server, member: 1 }));
});

/** Every option that can be said to a client, without knowing the key. */
const FORGED_OPTIONS: readonly MigrateOption[] = [
  { kind: 'trigger', epoch: 0, member: 2, mac: pattern(8) },
  { kind: 'trigger', epoch: 0, member: 2, mac: pattern(8), address: { ip: '10.66.6.6', port: 80 } },
  { kind: 'trigger', epoch: 0, member: 99, mac: new Uint8Array(8), address: { ip: '10.66.6.6', port: 80 } },
  { kind: 'acknowledge', epoch: 1, nonce: 1, mac: pattern(12) },
  { kind: 'confirm', epoch: 1, mac: pattern(12) },
  { kind: 'fail', reason: 1, nonce: 1, mac: pattern(8) },
];

test('a client follows no forged trigger and takes no answer that it did not ask for', (t) => {
  const bench = new HostBench();
  const { client, server } = bench.open();
  for (const migrate of FORGED_OPTIONS) {
    for (const flags of [FLAG.ack, FLAG.ack | FLAG.syn, FLAG.ack | FLAG.psh]) {
      const { tcp } = server.connection.record;
      const sequence = (tcp.send.initialSequence + 1 + tcp.send.nextOffset) >>> 0;
      const acknowledgment = (tcp.receive.initialSequence + 1 + tcp.receive.nextOffset) >>> 0;
      bench.client.receive(
        bench.now,
        CLIENT,
        SERVER,
        segment(flags, { sequence, acknowledgment, options: { migrate } }),
      );
    }
  }
  bench.advance(2_000);
  t.is(client.connection.record.phase.kind, 'settled');
  t.is(client.connection.record.remote.ip, SERVER.ip);
  t.true(bench.exchanges(client, { ...server, member: 1 }));
});

test('during a move forged answers, refusals and resets change nothing', (t) => {
  const bench = new HostBench();
  const { client } = bench.open();
  bench.client.startMove(bench.now, client.connection, 2);
  const { record } = client.connection;
  const { tcp } = record;
  const unacknowledged = (tcp.send.initialSequence + 1 + tcp.send.unacknowledgedOffset) >>> 0;
  const next = (tcp.receive.initialSequence + 1 + tcp.receive.nextOffset) >>> 0;
  for (const from of [SERVER, memberAddress(2), { ip: '10.66.6.6', port: 80 }]) {
    for (const acknowledgment of [unacknowledged, unacknowledged - 1, 0]) {
      for (const migrate of FORGED_OPTIONS) {
        for (const flags of [FLAG.rst | FLAG.ack, FLAG.syn | FLAG.ack, FLAG.ack]) {
          // An exact reset without any refusal in it is what a plain TCP there would answer: it costs one attempt.
          if (flags === (FLAG.rst | FLAG.ack) && migrate.kind !== 'fail') continue;
          const forged = { sequence: (next - 1) >>> 0, acknowledgment, options: { migrate } };
          bench.client.receive(bench.now, CLIENT, from, segment(flags, forged));
        }
      }
      bench.client.receive(bench.now, CLIENT, from, segment(FLAG.rst, { sequence: next }));
    }
    // A bare reset with the right numbers, from anybody but the member that is asked.
    const { ip } = from;
    if (ip === memberAddress(2).ip) continue;
    bench.client.receive(bench.now, CLIENT, from, segment(FLAG.rst | FLAG.ack, { acknowledgment: unacknowledged }));
  }
  t.is(record.phase.kind, 'requesting');
  bench.advance(1_000);
  const arrived = bench.accepted.at(-1);
  t.is(arrived?.member, 2);
  if (arrived !== undefined) t.true(bench.exchanges(client, arrived));
});

test('what still comes to the path that a connection has left is ignored, not reset, and then forgotten', (t) => {
  const bench = new HostBench({ limits: { formerPathMs: 5_000 } });
  const { client } = bench.open();
  bench.client.startMove(bench.now, client.connection, 2);
  bench.advance(500);
  t.is(bench.accepted.at(-1)?.member, 2);
  const origin = bench.member(1);
  for (const flags of [FLAG.ack, FLAG.ack | FLAG.fin, FLAG.rst, FLAG.ack | FLAG.psh]) {
    origin.receive(bench.now, SERVER, CLIENT, segment(flags, { payload: [pattern(5)], payloadLength: 5 }));
  }
  t.is(bench.segments.length, 0);
  t.is(origin.counters.formerPathDrops, 4);
  bench.client.receive(bench.now, CLIENT, SERVER, segment(FLAG.rst));
  bench.client.receive(bench.now, CLIENT, SERVER, segment(FLAG.ack, { payload: [pattern(5)], payloadLength: 5 }));
  t.is(bench.segments.length, 0);
  const arrived = bench.accepted.at(-1);
  if (arrived !== undefined) t.true(bench.exchanges(client, arrived));
  bench.now += 6_000;
  origin.receive(bench.now, SERVER, CLIENT, segment(FLAG.ack));
  t.is(only(bench.segments).segment.flags, FLAG.rst);
});

test('a new connection from a path that was left is an ordinary one', (t) => {
  const bench = new HostBench();
  const { client } = bench.open();
  bench.client.startMove(bench.now, client.connection, 2);
  bench.advance(500);
  bench.member(1).receive(bench.now, SERVER, CLIENT, segment(FLAG.syn, { acknowledgment: 0 }));
  t.is(only(bench.segments).segment.flags, FLAG.syn | FLAG.ack);
});
