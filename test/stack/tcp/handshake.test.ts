// Opening a connection (RFC 9293 section 3.5) and what both ends agree on.

import test from 'ava';
import { Pair } from '../../support/pair.js';
import { Script } from '../../support/script.js';

const FULL_OPTIONS = { maximumSegmentSize: 1400, windowScale: 3, timestamps: { value: 500, echo: 0 } } as const;
const FULL_CONFIG = { timestamps: true, windowScaling: true, maximumSegmentSize: 1460 };

test('three-way handshake, actively', (t) => {
  const script = Script.active();
  t.deepEqual(script.lines(), ['S -1+0 ack 0']);
  script.inject({ flags: 'S.', offset: -1, ack: 0 });
  t.is(script.record.state, 'established');
  t.deepEqual(script.kinds(), ['established']);
  t.deepEqual(script.lines(), ['. 0+0 ack 0']);
});

test('three-way handshake, passively', (t) => {
  const script = Script.passive();
  t.deepEqual(script.lines(), ['S. -1+0 ack 0']);
  script.inject({ ack: 0 });
  t.is(script.record.state, 'established');
  t.deepEqual(script.lines(), [], 'nothing to say');
});

test('data with the acknowledgment of the SYN/ACK is taken', (t) => {
  const script = Script.passive();
  script.inject({ ack: 0, length: 10 });
  t.is(script.readAll().length, 10);
});

test('data written before the handshake is over leaves right after it', (t) => {
  const script = Script.active();
  script.write(10).clear();
  script.inject({ flags: 'S.', offset: -1, ack: 0 });
  t.deepEqual(script.lines(), ['P. 0+10 ack 0']);
});

test('MUST-10: simultaneous open', (t) => {
  const script = Script.active();
  script.clear();
  script.inject({ flags: 'S', offset: -1 });
  t.is(script.record.state, 'syn-received');
  t.deepEqual(script.lines(), ['S. -1+0 ack 0']);
  script.inject({ flags: 'S.', offset: -1, ack: 0 });
  t.is(script.record.state, 'established');
  t.deepEqual(script.lines(), ['. 0+0 ack 0']);
});

test('MUST-15: without an MSS option segments are 536 bytes', (t) => {
  const script = Script.established({ synOptions: {} });
  script.write(1000);
  t.is(script.take()[0]?.length, 536);
});

test('MUST-14, MUST-16: the effective MSS is the smaller one, less the options of the segment', (t) => {
  const script = Script.established({ config: FULL_CONFIG, synOptions: FULL_OPTIONS });
  script.write(5000);
  t.is(script.take()[0]?.length, 1400 - 12);
  const small = Script.established({ config: { maximumSegmentSize: 700 }, synOptions: { maximumSegmentSize: 1400 } });
  small.write(5000);
  t.is(small.take()[0]?.length, 700);
});

test('a tiny MSS is not obeyed below a bound', (t) => {
  const script = Script.established({ synOptions: { maximumSegmentSize: 1 } });
  script.write(1000);
  t.is(script.take()[0]?.length, 88);
});

test('RFC 7323 section 2.2: the SYN offers scaling, and it is used only where both offered it', (t) => {
  const active = Script.active({ config: { ...FULL_CONFIG, receiveBufferLength: 1024 * 1024 } });
  const syn = active.take()[0]?.segment;
  t.is(syn?.options.windowScale, 5);
  t.is(syn?.window, 65_535, 'the window of a SYN is not scaled');
  active.inject({ flags: 'S.', offset: -1, ack: 0, window: 1000, options: { maximumSegmentSize: 1400 } });
  t.is(active.record.send.windowUnitLength, 1);
  t.is(active.take()[0]?.window, 65_535);
  t.is(active.record.send.windowLength, 1000);

  const config = { ...FULL_CONFIG, receiveBufferLength: 1024 * 1024, initialReceiveWindowLength: 1024 * 1024 };
  const both = Script.passive({ config, synOptions: FULL_OPTIONS, synWindow: 4000 });
  t.is(both.take()[0]?.segment.options.windowScale, 5);
  t.is(both.record.send.windowLength, 4000);
  both.inject({ ack: 0, window: 1000, options: { timestamps: { value: 501, echo: 0 } } });
  t.is(both.record.send.windowLength, 8000);
  both.inject({ length: 3000, options: { timestamps: { value: 501, echo: 0 } } });
  t.is(both.take()[0]?.window, Math.floor((1024 * 1024 - 3000) / 32));
});

test('RFC 7323 section 3.2: timestamps on every segment once agreed, never otherwise', (t) => {
  const script = Script.established({ config: FULL_CONFIG, synOptions: FULL_OPTIONS });
  script.write(100).inject({ length: 1, offset: 5, options: { timestamps: { value: 502, echo: 0 } } });
  const sent = script.take();
  t.is(sent.length, 2);
  for (const seen of sent) t.not(seen.segment.options.timestamps, undefined);
  const without = Script.established({ config: FULL_CONFIG, synOptions: { maximumSegmentSize: 1000 } });
  without.write(100);
  t.is(without.take()[0]?.segment.options.timestamps, undefined);
});

test('MIGRATE_CAPABLE is answered only where it was offered', (t) => {
  const capable = { kind: 'capable', flags: 3 } as const;
  const plain = Script.passive({ seed: { migrateCapable: 1 } });
  t.is(plain.take()[0]?.segment.options.migrate, undefined);
  t.deepEqual(plain.record.migrateCapable, { offered: undefined, received: undefined });
  const both = Script.passive({ seed: { migrateCapable: 1 }, synOptions: { migrate: capable } });
  t.deepEqual(both.take()[0]?.segment.options.migrate, { kind: 'capable', flags: 1 });
  t.deepEqual(both.record.migrateCapable, { offered: 1, received: 3 });
  const active = Script.active({ seed: { migrateCapable: 2 } });
  t.deepEqual(active.take()[0]?.segment.options.migrate, { kind: 'capable', flags: 2 });
  active.inject({ flags: 'S.', offset: -1, ack: 0, options: { migrate: capable } });
  t.deepEqual(active.record.migrateCapable, { offered: 2, received: 3 });
});

test('a lost SYN is sent again with back-off, so often and no more (MUST-23)', (t) => {
  const script = Script.active({ config: { synRetryCount: 3, initialRtoMs: 1000 } });
  script.clear().pass(1000 + 2000 + 4000);
  t.deepEqual(script.lines(), ['S -1+0 ack 0', 'S -1+0 ack 0', 'S -1+0 ack 0']);
  script.pass(7999);
  t.is(script.record.state, 'syn-sent');
  script.pass(1);
  t.is(script.record.state, 'closed');
  t.deepEqual(script.events.at(-1), { kind: 'closed', reason: 'timed-out' });
  t.is(script.until, Infinity);
});

test('a lost SYN/ACK is sent again, by the timer and for a repeated SYN', (t) => {
  const script = Script.passive();
  script.clear().pass(1000);
  t.deepEqual(script.lines(), ['S. -1+0 ack 0']);
  script.inject({ flags: 'S', offset: -1 });
  t.deepEqual(script.lines(), ['S. -1+0 ack 0']);
});

test('RFC 9293 section 3.8.3: who only repeats its SYN is answered each time, and given up no later', (t) => {
  const script = Script.passive({ config: { synRetryCount: 3, initialRtoMs: 1000 } });
  script.clear();
  for (let count = 1; count <= 16; count++) {
    script.pass(900).clear().inject({ flags: 'S', offset: -1 });
    t.deepEqual(script.lines(), ['S. -1+0 ack 0']);
  }
  script.pass(599);
  t.is(script.record.state, 'syn-received');
  script.pass(1);
  t.deepEqual(script.kinds(), ['closed timed-out'], 'after 1, 2, 4 and 8 seconds');
});

test('RFC 6928 section 2, RFC 6298 section 5.7: after a lost SYN one segment and a cautious timeout', (t) => {
  const script = Script.active();
  script
    .pass(1000)
    .inject({ flags: 'S.', offset: -1, ack: 0, options: { maximumSegmentSize: 1000 } })
    .clear();
  script.write(5000);
  t.is(script.take().length, 1);
  t.is(script.until - script.now, 3000);
});

test('RFC 9293 section 3.10.7.3: a wrong acknowledgment of the SYN is answered with a reset', (t) => {
  const script = Script.active();
  script.clear().inject({ flags: 'S.', offset: -1, ack: 5 });
  t.is(script.record.state, 'syn-sent');
  t.deepEqual(script.lines(), ['R 5+0 ack 0']);
  script.inject({ flags: 'R.', ack: 5 });
  t.is(script.record.state, 'syn-sent', 'a reset that acknowledges nothing of ours is ignored');
});

test('a reset in answer to our SYN refuses the connection', (t) => {
  const script = Script.active();
  script.inject({ flags: 'R', offset: -1 });
  t.is(script.record.state, 'syn-sent', 'without ACK it proves nothing');
  script.inject({ flags: 'R.', offset: -1, ack: 0 });
  t.deepEqual(script.kinds(), ['closed refused']);
});

test('SYN-RECEIVED: a wrong acknowledgment is answered with a reset, a reset ends it', (t) => {
  const script = Script.passive();
  script.clear().inject({ ack: 3 });
  t.deepEqual(script.lines(), ['R 3+0 ack 0']);
  t.is(script.record.state, 'syn-received');
  script.inject({ flags: 'R' });
  t.deepEqual(script.kinds(), ['closed reset']);
});

test('closing before anything was written ends a connection attempt; after a write it waits for the handshake', (t) => {
  const empty = Script.active();
  empty.close();
  t.deepEqual(empty.kinds(), ['closed finished']);
  const written = Script.active();
  written.write(5).close().clear();
  written.inject({ flags: 'S.', offset: -1, ack: 0 });
  t.is(written.record.state, 'fin-wait-1');
  t.deepEqual(written.lines(), ['FP. 0+5 ack 0']);
  const passive = Script.passive();
  passive.close().clear();
  passive.inject({ ack: 0 });
  t.deepEqual(passive.lines(), ['F. 0+0 ack 0']);
});

test('two ends open at once over a real wire', (t) => {
  const pair = Pair.connected({ rule: () => [3] });
  t.is(pair.client.open.state, 'established');
  t.is(pair.server.open.state, 'established');
  t.true((pair.client.open.rtt.smoothedMs ?? 0) >= 5, 'the handshake gave a sample');
});
