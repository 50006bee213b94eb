// Sending: windows, probes, Nagle, and the limit that holds output back.

import test from 'ava';
import { Script, patterned } from '../../support/script.js';

test('MUST-60, MUST-61: a write leaves at once, with PSH on the last segment', (t) => {
  const script = Script.established();
  script.write(2500);
  t.deepEqual(script.lines(), ['. 0+1000 ack 0', '. 1000+1000 ack 0', 'P. 2000+500 ack 0']);
});

test('the payload is views of what was written', (t) => {
  const script = Script.established();
  const bytes = patterned(0, 1500);
  script.input({ kind: 'write', bytes });
  const views = script.take().flatMap((seen) => seen.segment.payload);
  t.true(views.every((view) => view.buffer === bytes.buffer));
  t.deepEqual(Buffer.concat(views), Buffer.from(bytes));
});

test('many small writes share segments', (t) => {
  const script = Script.established({ synWindow: 0 });
  script.inject({ window: 0 }).clear();
  for (let count = 0; count < 250; count++) script.write(10);
  t.deepEqual(script.lines(), []);
  script.inject({ window: 5000 });
  const sent = script.take();
  t.deepEqual(
    sent.map((seen) => seen.length),
    [1000, 1000, 500],
  );
  t.deepEqual(Buffer.concat(sent.flatMap((seen) => seen.segment.payload)), Buffer.from(patterned(0, 2500)));
});

test('the peer is never sent more than its window', (t) => {
  const script = Script.established();
  script.inject({ window: 2000 }).clear();
  script.write(5000);
  t.deepEqual(script.lines(), ['. 0+1000 ack 0', '. 1000+1000 ack 0']);
  script.inject({ ack: 1000, window: 2000 });
  t.deepEqual(script.lines(), ['. 2000+1000 ack 0']);
  script.inject({ ack: 1000, window: 3000 });
  t.deepEqual(script.lines(), ['. 3000+1000 ack 0'], 'a window update');
});

test('MUST-38: no silly segments into a window that opens by crumbs', (t) => {
  const script = Script.established();
  script.inject({ window: 2000 }).clear();
  script.write(5000).clear();
  script.inject({ ack: 2000, window: 100 });
  t.deepEqual(script.lines(), [], 'less than a segment, and less than half the largest window');
  script.inject({ ack: 2000, window: 400 });
  t.deepEqual(script.lines(), []);
  script.inject({ ack: 2000, window: 1000 });
  t.deepEqual(script.lines(), ['. 2000+1000 ack 0']);
});

test('RFC 9293 section 3.8.6.2.1: half of the largest window is enough for a peer with a small buffer', (t) => {
  const script = Script.established({ synWindow: 600 });
  script.inject({ window: 600 }).clear();
  script.write(2000);
  t.deepEqual(script.lines(), ['. 0+600 ack 0']);
  script.inject({ ack: 600, window: 200 });
  t.deepEqual(script.lines(), []);
  script.inject({ ack: 600, window: 300 });
  t.deepEqual(script.lines(), ['. 600+300 ack 0']);
});

test('the override timeout: what waits at a narrow window leaves in the end', (t) => {
  const script = Script.established();
  script.inject({ window: 2000 }).write(5000).inject({ ack: 2000, window: 100 }).clear();
  script.pass(script.record.rtt.timeoutMs);
  t.deepEqual(script.lines(), ['P. 2000+100 ack 0']);
});

test('MUST-35, MUST-36, MUST-37, SHLD-29, SHLD-30: a closed window is probed with one byte, with back-off, without end while the peer answers', (t) => {
  const script = Script.established({ config: { initialRtoMs: 1000, userTimeoutMs: 100_000 } });
  script.inject({ window: 0 }).clear();
  script.write(500);
  t.deepEqual(script.lines(), []);
  let at = 0;
  for (const ms of [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000]) {
    script.pass(ms - 1);
    t.deepEqual(script.lines(), [], `${at + ms}`);
    script.pass(1);
    t.deepEqual(script.lines(), ['. 0+1 ack 0']);
    script.inject({ window: 0 });
    at += ms;
  }
  t.is(script.record.state, 'established');
  script.inject({ window: 1000 });
  t.deepEqual(script.lines(), ['P. 0+500 ack 0']);
});

test('a peer that stops answering probes is given up', (t) => {
  const script = Script.established({ config: { userTimeoutMs: 100_000 } });
  script.inject({ window: 0 }).write(500);
  script.pass(200_000);
  t.deepEqual(script.kinds().at(-1), 'closed timed-out');
});

test('a probe that was taken counts: the stream goes on behind it', (t) => {
  const script = Script.established();
  script.inject({ window: 0 }).write(500).pass(1000).clear();
  script.inject({ ack: 1, window: 0 });
  t.is(script.record.send.unacknowledgedOffset, 1);
  script.inject({ ack: 1, window: 1000 });
  t.deepEqual(script.lines(), ['P. 1+499 ack 0']);
});

test('a FIN waits for the window and is probed for', (t) => {
  const script = Script.established();
  script.inject({ window: 0 }).close().clear();
  script.pass(1000);
  t.deepEqual(script.lines(), ['F. 0+0 ack 0']);
  script.inject({ ack: 1, window: 0 });
  t.is(script.record.state, 'fin-wait-2');
});

test('MUST-34, MUST-35: a window that shrinks under data in flight: probed, not given up while the peer answers', (t) => {
  const script = Script.established({ config: { userTimeoutMs: 30_000 } });
  script.write(3000).clear();
  script.inject({ ack: 1000, window: 0 });
  for (let count = 0; count < 20; count++) {
    script.pass(10_000);
    script.inject({ ack: 1000, window: 0 });
  }
  t.is(script.record.state, 'established');
  script.clear().inject({ ack: 1000, window: 5000 });
  t.deepEqual(script.lines(), ['. 1000+1000 ack 0']);
});

test('SHLD-7, MUST-17: Nagle holds a short segment while something is outstanding, and can be turned off', (t) => {
  const nagle = Script.established({ config: { noDelay: false } });
  nagle.write(10).write(20).write(30);
  t.deepEqual(nagle.lines(), ['P. 0+10 ack 0']);
  nagle.inject({ ack: 10 });
  t.deepEqual(nagle.lines(), ['P. 10+50 ack 0']);
  nagle.write(2500);
  t.deepEqual(nagle.lines(), ['. 60+1000 ack 0', '. 1060+1000 ack 0'], 'whole segments do not wait');
  nagle.close();
  t.deepEqual(nagle.lines(), ['FP. 2060+500 ack 0'], 'nothing more will come: no reason to wait');
  const off = Script.established({ config: { noDelay: true } });
  off.write(10).write(20);
  t.deepEqual(off.lines(), ['P. 0+10 ack 0', 'P. 10+20 ack 0']);
});

test('nothing at or beyond the limit is sent, the FIN included', (t) => {
  const script = Script.established();
  script.record.send.limitOffset = 700;
  script.write(1500).close();
  t.deepEqual(script.lines(), ['P. 0+700 ack 0']);
  script.inject({ ack: 700 });
  t.is(script.until, Infinity, 'what is held back by the user needs no timer');
  script.record.send.limitOffset = 1500;
  script.drain();
  t.deepEqual(script.lines(), ['P. 700+800 ack 0']);
  script.record.send.limitOffset = Infinity;
  script.drain();
  t.deepEqual(script.lines(), ['F. 1500+0 ack 0']);
});

test("'writable' is told when a full queue has room again", (t) => {
  const script = Script.established({ config: { sendBufferLength: 2000 } });
  script.write(1999).inject({ ack: 1999 });
  t.deepEqual(script.kinds(), []);
  script.write(3000).inject({ ack: 2999 });
  t.deepEqual(script.kinds(), [], '2000 are left');
  script.inject({ ack: 3999 });
  t.deepEqual(script.kinds(), ['writable']);
});

test("'writable' is told when little is left unsent, however much is in flight", (t) => {
  const script = Script.established({ config: { unsentLength: 3000 }, synWindow: 2000 });
  script.write(4999);
  t.false(script.record.send.full, '2999 wait');
  script.write(1);
  t.true(script.record.send.full);
  script.inject({ ack: 1000, window: 1000 });
  t.deepEqual(script.kinds(), [], 'nothing more could leave');
  script.inject({ ack: 1000, window: 2000 });
  t.deepEqual(script.kinds(), ['writable']);
  t.is(script.record.send.unacknowledgedOffset, 1000);
});

test('T1: what a limit holds back does not keep the user from writing, what may leave does', (t) => {
  for (const limits of [{ unsentLength: 1000 }, { sendBufferLength: 11_000 }]) {
    const script = Script.established({ config: limits });
    script.record.send.limitOffset = 0;
    script.write(20_000);
    t.false(script.record.send.full);
    script.record.send.limitOffset = 10_999;
    script.write(1);
    t.false(script.record.send.full);
    script.record.send.limitOffset = 11_000;
    script.write(1);
    t.true(script.record.send.full);
  }
});

test('super-segments: as many whole segments as fit, the rest with the end of the data', (t) => {
  const script = Script.established({ config: { maxSuperSegmentLength: 4500 } });
  script.write(9500);
  t.deepEqual(script.lines(), ['. 0+4000 ack 0', '. 4000+4000 ack 0', 'P. 8000+1500 ack 0']);
});

test('super-segments: a window that ends inside a segment lets whole segments out', (t) => {
  const script = Script.established({ config: { maxSuperSegmentLength: 4500 }, synWindow: 2500 });
  script.write(9500);
  t.deepEqual(script.lines(), ['. 0+2000 ack 0']);
});

test('super-segments: while acknowledgments are on their way a long one is worth waiting for', (t) => {
  const script = Script.established({ config: { maxSuperSegmentLength: 5000 }, synWindow: 8000 });
  script.write(50_000).clear();
  script.inject({ ack: 1000 });
  t.deepEqual(script.lines(), []);
  script.inject({ ack: 2000 });
  t.deepEqual(script.lines(), ['. 8000+2000 ack 0']);
});

test('an attached option rides on every segment and makes room for itself', (t) => {
  const script = Script.established({
    config: { timestamps: true, maxSuperSegmentLength: 5000 },
    synOptions: { maximumSegmentSize: 1000, timestamps: { value: 1, echo: 0 } },
  });
  const trigger = { kind: 'trigger', epoch: 1, member: 2, mac: new Uint8Array(8) } as const;
  script.record.attachedOption = trigger; // 17 bytes, 20 padded
  script.write(3000);
  const sent = script.take();
  t.deepEqual(
    sent.map((seen) => seen.length),
    [3000],
  );
  script.write(10_000);
  t.is(script.take()[0]?.length, 5 * (1000 - 12 - 20));
  t.deepEqual(sent[0]?.segment.options.migrate, trigger);
  t.not(sent[0]?.segment.options.timestamps, undefined);
  script.record.attachedOption = { ...trigger, address: { ip: '2001:db8::1', port: 1 } }; // 35 bytes: no room for both
  script.inject({ offset: 5, length: 1, options: { timestamps: { value: 2, echo: 0 } } });
  t.is(script.take().at(-1)?.segment.options.timestamps, undefined);
});

test('writing after closing is a defect; on a closed connection it is ignored', (t) => {
  const script = Script.established();
  script.close();
  t.throws(() => script.write(1), { message: 'write after close' });
  script.abort();
  t.notThrows(() => script.write(1));
});
