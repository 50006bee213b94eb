// What RFC 9293 asks of many connections at once: initial sequence numbers, and opens that do not disturb each other.

import test from 'ava';
import { seedForPath } from '@migratory/stack/internal/host/isn.js';
import { FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';
import { HostBench } from '../../../support/host-bench.js';
import { memberAddress } from '../../../support/stack-world.js';

const SECRET = new Uint8Array(32).fill(5);
const LOCAL = { ip: '10.0.0.1', port: 80 };
const REMOTE = { ip: '10.0.0.2', port: 50_000 };

function sequenceAt(now: number, secret = SECRET, remote = REMOTE): number {
  return seedForPath(secret, now, LOCAL, remote).initialSequence;
}

test('MUST-8: initial sequence numbers follow a clock of four microseconds', (t) => {
  t.is((sequenceAt(2_000) - sequenceAt(1_000)) >>> 0, 250_000);
});

test('SHLD-1, MUST-9: they differ from path to path by a function that nobody without the secret can compute', (t) => {
  const ports = Array.from({ length: 200 }, (_, index) => sequenceAt(0, SECRET, { ...REMOTE, port: 1_000 + index }));
  t.is(new Set(ports).size, ports.length);
  const steps = ports.slice(1).map((sequence, index) => (sequence - (ports[index] ?? 0)) >>> 0);
  t.is(new Set(steps).size, steps.length, 'no path tells of the next');
  t.not(sequenceAt(0), sequenceAt(0, new Uint8Array(32).fill(6)));
});

function syn(sequence: number): Segment {
  return { sequence, acknowledgment: 0, flags: FLAG.syn, window: 1000, options: {}, payload: [], payloadLength: 0 };
}

test('MUST-42: a port is listened on while connections of it are being opened', (t) => {
  const bench = new HostBench({ listen: 'off' });
  const host = bench.member(1);
  for (const port of [1, 2, 3]) host.receive(0, memberAddress(1), { ip: '10.9.0.1', port }, syn(port));
  t.is(bench.segments.filter(({ segment }) => segment.flags === (FLAG.syn | FLAG.ack)).length, 3);
  t.is(host.connectionCount, 3);
});

test('MUST-41: a passive open disturbs no connection that is there', (t) => {
  const bench = new HostBench({ listen: 'off' });
  const { client } = bench.open();
  const server = bench.accepted[0];
  if (server === undefined) throw new Error('nothing was accepted');
  bench.member(1).listen({ port: 81, migration: 'off', canRestore: () => true, onConnection: () => t.fail() });
  t.true(bench.exchanges(client, server));
});

test('MUST-45: a connection stays at the local address with which it began', (t) => {
  const bench = new HostBench({ listen: 'off' });
  const froms = new Set<string>();
  bench.intercept = ({ from, segment }) => {
    froms.add(`${from.ip}:${from.port}`);
    return segment;
  };
  const { client } = bench.open();
  const server = bench.accepted[0];
  if (server === undefined) throw new Error('nothing was accepted');
  t.true(bench.exchanges(client, server));
  t.is(froms.size, 2);
});
