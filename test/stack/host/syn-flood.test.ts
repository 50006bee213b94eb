// SYN cookies, and new connections on the path of one in TIME-WAIT: who is let in, and with which numbers.

import test from 'ava';
import type { HostLimits } from '@migratory/stack/internal/host/config.js';
import type { Listener } from '@migratory/stack/internal/host/listener.js';
import type { TcpConfig } from '@migratory/stack/internal/tcp/config.js';
import { FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';
import type { SegmentOptions } from '@migratory/stack/internal/wire/options.js';
import { CLIENT, HostBench, type Sent } from '../../support/host-bench.js';
import { memberAddress } from '../../support/stack-world.js';

const SERVER = memberAddress(1);
const OPTIONS: SegmentOptions = {
  maximumSegmentSize: 1460,
  windowScale: 7,
  sackPermitted: true,
  timestamps: { value: 5_000, echo: 0 },
};

function segment(flags: number, more: Partial<Segment>): Segment {
  return { sequence: 0, acknowledgment: 0, flags, window: 512, options: {}, payload: [], payloadLength: 0, ...more };
}

/** A bench whose listener has no room for a SYN that is never followed up. */
function flooded(limit = 5, tcp: Partial<TcpConfig> = {}): HostBench {
  const bench = new HostBench({ limits: { halfOpenCount: limit }, listen: 'off', tcp });
  flood(bench, limit);
  return bench;
}

function flood(bench: HostBench, limit: number): void {
  bench.intercept = ({ to, segment: sent }) => (to.ip.startsWith('10.9.') ? undefined : sent);
  for (let index = 0; index < limit; index++) {
    bench
      .member(1)
      .receive(bench.now, SERVER, { ip: '10.9.0.1', port: 1000 + index }, segment(FLAG.syn, { sequence: index }));
  }
  bench.settle();
}

/** Sends a SYN of ours by hand, and answers with the SYN/ACK. */
function ask(bench: HostBench, options: SegmentOptions, sequence = 777, flags: number = FLAG.syn): Segment {
  bench.member(1).receive(bench.now, SERVER, CLIENT, segment(flags, { sequence, options }));
  const answer = bench.segments.pop()?.segment;
  if (answer === undefined) throw new Error('no answer');
  return answer;
}

function acknowledge(bench: HostBench, answer: Segment, more: Partial<Segment> = {}): void {
  const { timestamps } = answer.options;
  const options = timestamps === undefined ? {} : { timestamps: { value: 5_040, echo: timestamps.value } };
  const numbers = { sequence: 778, acknowledgment: (answer.sequence + 1) >>> 0 };
  bench.member(1).receive(bench.now, SERVER, CLIENT, segment(FLAG.ack, { ...numbers, options, ...more }));
}

test('RFC 4987 section 3.6: in a flood a true client gets in, and nothing is kept until it answers', (t) => {
  const bench = flooded();
  const host = bench.member(1);
  const before = host.connectionCount;
  const answer = ask(bench, OPTIONS);
  t.is(host.connectionCount, before);
  t.is(host.counters.cookiesSent, 1);
  acknowledge(bench, answer, { payload: [Buffer.from('hello')], payloadLength: 5 });
  t.is(host.connectionCount, before + 1);
  const [accepted] = bench.accepted;
  if (accepted === undefined) return t.fail('not accepted');
  t.is(bench.read(host, accepted), 'hello');
});

test('what was agreed comes back with the cookie: scaling, SACK, timestamps, the MSS', (t) => {
  const bench = flooded();
  const answer = ask(bench, OPTIONS);
  t.like(answer.options, { sackPermitted: true, windowScale: 7 });
  bench.now += 30;
  acknowledge(bench, answer);
  const tcp = bench.accepted[0]?.connection.record.tcp;
  t.like(tcp, { sackPermitted: true, windowScaled: true });
  t.like(tcp?.send, { windowUnitLength: 128, maximumSegmentSize: 1460, windowLength: 512 * 128 });
  t.true(tcp?.timestamps.enabled);
  const stamp = answer.options.timestamps?.value ?? 0;
  if (tcp !== undefined)
    t.true(((Math.floor(bench.now) + tcp.timestamps.offset - stamp) | 0) >= 0, 'timestamps go on above');
});

test('whether congestion is marked comes back too, where there are timestamps to carry it', (t) => {
  const offering = FLAG.syn | FLAG.ece | FLAG.cwr;
  for (const [flags, options, agreed] of [
    [offering, OPTIONS, true],
    [FLAG.syn, OPTIONS, false],
    [offering, {}, false],
  ] as const) {
    const bench = flooded();
    acknowledge(bench, ask(bench, options, 777, flags));
    t.is(bench.accepted[0]?.connection.record.tcp.congestionMarks.agreed, agreed);
  }
});

test('a client without timestamps is promised nothing that its cookie can not bring back', (t) => {
  const bench = flooded();
  const { maximumSegmentSize = 0, windowScale = 0, sackPermitted = true } = OPTIONS;
  const offer = { maximumSegmentSize, windowScale, sackPermitted };
  const answer = ask(bench, offer, 777, FLAG.syn | FLAG.ece | FLAG.cwr);
  t.deepEqual(Object.keys(answer.options), ['maximumSegmentSize']);
  t.is(answer.flags, FLAG.syn | FLAG.ack);
  acknowledge(bench, answer);
  t.like(bench.accepted[0]?.connection.record.tcp, { sackPermitted: false, windowScaled: false });
});

test('a stack without timestamps answers a client that has them likewise', (t) => {
  const bench = flooded(5, { timestamps: false });
  const answer = ask(bench, OPTIONS);
  t.deepEqual(Object.keys(answer.options), ['maximumSegmentSize']);
  acknowledge(bench, answer);
  t.like(bench.accepted[0]?.connection.record.tcp, { sackPermitted: false, windowScaled: false });
});

test('a client without options gets a plain connection', (t) => {
  const bench = flooded();
  acknowledge(bench, ask(bench, {}));
  const tcp = bench.accepted[0]?.connection.record.tcp;
  t.like(tcp, { sackPermitted: false, windowScaled: false });
  t.is(tcp?.send.maximumSegmentSize, 536);
});

test('a cookie is good for its path, its numbers and its time only', (t) => {
  for (const change of [
    { acknowledgment: 12_345 },
    { sequence: 779 },
    { options: {} },
    { flags: FLAG.ack | FLAG.syn },
  ] as const) {
    const bench = flooded();
    acknowledge(bench, ask(bench, OPTIONS), change);
    t.is(bench.accepted.length, 0, JSON.stringify(change));
  }
  const late = flooded();
  const answer = ask(late, OPTIONS);
  late.now += 128_001;
  acknowledge(late, answer);
  t.is(late.accepted.length, 0);
  const elsewhere = flooded();
  const stolen = ask(elsewhere, OPTIONS);
  elsewhere
    .member(1)
    .receive(
      elsewhere.now,
      SERVER,
      { ip: CLIENT.ip, port: CLIENT.port + 1 },
      segment(FLAG.ack, { sequence: 778, acknowledgment: (stolen.sequence + 1) >>> 0, options: stolen.options }),
    );
  t.is(elsewhere.accepted.length, 0);
});

test('migration is offered in a flood too', (t) => {
  const bench = new HostBench({ limits: { halfOpenCount: 5 } });
  bench.intercept = ({ to, segment: sent }) => (to.ip.startsWith('10.9.') ? undefined : sent);
  for (let index = 0; index < 50; index++) {
    bench
      .member(1)
      .receive(bench.now, SERVER, { ip: '10.9.0.1', port: 1000 + index }, segment(FLAG.syn, { sequence: index }));
  }
  const { client } = bench.open();
  t.true(client.events.some(({ kind }) => kind === 'ready'));
  t.is(bench.member(1).counters.cookiesReturned, 1);
  t.is(bench.member(1).tableSizes().returned, 0);
});

/** A host's connection in TIME-WAIT, whose client's last number is known. */
function waiting(limits: Partial<HostLimits> = {}): {
  readonly bench: HostBench;
  readonly next: number;
  readonly sent: number;
} {
  const bench = new HostBench({ listen: 'off', limits });
  const answer = ask(bench, OPTIONS);
  acknowledge(bench, answer);
  const connection = bench.accepted[0]?.connection;
  if (connection === undefined) throw new Error('not accepted');
  bench.member(1).end(bench.now, connection);
  const finished = { sequence: 778, acknowledgment: (answer.sequence + 2) >>> 0 };
  const options = { timestamps: { value: 5_050, echo: answer.options.timestamps?.value ?? 0 } };
  bench.member(1).receive(bench.now, SERVER, CLIENT, segment(FLAG.ack | FLAG.fin, { ...finished, options }));
  if (connection.record.tcp.state !== 'time-wait') throw new Error(connection.record.tcp.state);
  bench.segments.length = 0;
  return { bench, next: 779, sent: finished.acknowledgment };
}

test('SHLD-4: RFC 6191: a SYN with a greater timestamp replaces a connection in TIME-WAIT, above its numbers', (t) => {
  const { bench, sent } = waiting();
  const answer = ask(bench, { ...OPTIONS, timestamps: { value: 5_051, echo: 0 } }, 3);
  t.is(answer.flags, FLAG.syn | FLAG.ack);
  t.is(answer.acknowledgment, 4);
  t.true(((answer.sequence - sent) | 0) > 0, 'nothing of the old one can be taken for the new one');
  t.is(bench.member(1).connectionCount, 1);
});

test('MAY-2: RFC 1122 section 4.2.2.13: so does one with a greater number, and no other', (t) => {
  const greater = waiting();
  t.is(ask(greater.bench, {}, greater.next).flags, FLAG.syn | FLAG.ack);
  const smaller = waiting();
  t.is(ask(smaller.bench, {}, smaller.next - 1).flags, FLAG.ack, 'it is told where the old one is');
  const older = waiting();
  t.is(ask(older.bench, { ...OPTIONS, timestamps: { value: 5_049, echo: 0 } }, older.next + 5).flags, FLAG.ack);
});

test('MAY-2: where nobody listens a connection in TIME-WAIT stays, and the FIN that comes again is answered', (t) => {
  const bench = new HostBench({ listen: 'off' });
  const { client, server } = bench.open();
  bench.client.end(bench.now, client.connection);
  bench.advance(60);
  const isLast = ({ from }: Sent) => from.ip === CLIENT.ip && client.connection.record.tcp.state === 'time-wait';
  bench.intercept = (sent) => (isLast(sent) ? undefined : sent.segment);
  bench.member(1).end(bench.now, server.connection);
  bench.settle();
  bench.intercept = (sent) => sent.segment;
  const { timestamps, receive } = client.connection.record.tcp;
  const options = { timestamps: { value: timestamps.recent + 1, echo: 0 } };
  const sequence = (receive.initialSequence + 1000) >>> 0;
  bench.client.receive(bench.now, CLIENT, SERVER, segment(FLAG.syn, { sequence, options }));
  t.deepEqual(
    bench.segments.map((sent) => sent.segment.flags),
    [FLAG.ack],
  );
  bench.segments.length = 0;
  bench.advance(2000);
  t.deepEqual(server.events.at(-1), { kind: 'closed', reason: 'finished' });
});

test('MAY-2: where nobody is accepted any more it stays too', (t) => {
  const { bench, next } = waiting();
  const [accepted] = bench.accepted;
  bench.member(1).unlisten(accepted?.connection.listener as Listener);
  t.is(ask(bench, {}, next).flags, FLAG.ack);
  t.is(bench.member(1).connectionCount, 1);
});

test('MAY-2: in a flood it stays until there is room: a cookie would not be above its numbers', (t) => {
  const { bench, next, sent } = waiting({ halfOpenCount: 5 });
  const host = bench.member(1);
  flood(bench, 5);
  host.receive(bench.now, SERVER, CLIENT, segment(FLAG.syn, { sequence: next }));
  t.is(bench.segments.length, 0);
  t.like(host.counters, { cookiesSent: 0, halfOpenDrops: 1 });
  t.is(host.connectionCount, 6);
  const fin = { sequence: next - 1, acknowledgment: sent, options: { timestamps: { value: 5_050, echo: 0 } } };
  host.receive(bench.now, SERVER, CLIENT, segment(FLAG.ack | FLAG.fin, fin));
  t.is(bench.segments.pop()?.segment.flags, FLAG.ack, 'its FIN is answered as before');
});

test('MAY-2: what replaces it needs no room but its own', (t) => {
  const { bench, next } = waiting({ connectionCount: 1 });
  t.is(ask(bench, {}, next).flags, FLAG.syn | FLAG.ack);
  t.is(bench.member(1).connectionCount, 1);
});
