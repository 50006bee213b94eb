// Receiving: acceptability, order, acknowledgments and the window.

import test from 'ava';
import { read } from '@migratory/stack/internal/tcp/connection.js';
import { Script, patterned } from '../../support/script.js';

const STAMPED = {
  config: { timestamps: true },
  synOptions: { maximumSegmentSize: 1000, timestamps: { value: 1000, echo: 0 } },
} as const;

const stamps = (value: number) => ({ options: { timestamps: { value, echo: 0 } } });

test('SHLD-18, MUST-40: one segment is acknowledged within the delay', (t) => {
  const script = Script.established();
  script.inject({ length: 1000 });
  t.deepEqual(script.lines(), []);
  script.pass(39);
  t.deepEqual(script.lines(), []);
  script.pass(1);
  t.deepEqual(script.lines(), ['. 0+0 ack 1000']);
});

test('SHLD-19: every second full-sized segment is acknowledged at once', (t) => {
  const script = Script.established();
  for (let count = 0; count < 4; count++) script.inject({ length: 1000 });
  t.deepEqual(script.lines(), ['. 0+0 ack 2000', '. 0+0 ack 4000']);
});

test('data carries the acknowledgment that was owed', (t) => {
  const script = Script.established();
  script.inject({ length: 10 }).write(5);
  t.deepEqual(script.lines(), ['P. 0+5 ack 10']);
  script.pass(100);
  t.deepEqual(script.lines(), [], 'nothing is owed any more');
});

test('RFC 5681 section 4.2: out of order and gap-filling segments are acknowledged at once', (t) => {
  const script = Script.established();
  script.inject({ offset: 100, length: 100 });
  script.inject({ offset: 300, length: 100 });
  t.deepEqual(script.lines(), ['. 0+0 ack 0', '. 0+0 ack 0']);
  script.inject({ offset: 0, length: 100 });
  t.deepEqual(script.lines(), ['. 0+0 ack 200']);
  script.inject({ offset: 200, length: 100 });
  t.deepEqual(script.lines(), ['. 0+0 ack 400']);
  t.deepEqual(script.readAll(), Buffer.from(patterned(0, 400)));
});

test('overlaps are trimmed on both sides', (t) => {
  const script = Script.established();
  script.inject({ offset: 50, length: 100 });
  script.inject({ offset: 200, length: 50 });
  script.inject({ offset: 100, length: 120 });
  script.inject({ offset: 0, length: 60 });
  script.inject({ offset: 30, length: 300 });
  t.deepEqual(script.readAll(), Buffer.from(patterned(0, 330)));
  t.deepEqual(script.record.receive.outOfOrder, []);
});

test('out-of-order pieces are bounded in number and forgotten beyond it', (t) => {
  const script = Script.established({ config: { maxOutOfOrderCount: 3 } });
  for (let index = 1; index <= 5; index++) script.inject({ offset: index * 20, length: 10 });
  t.is(script.record.receive.outOfOrder.length, 3);
});

test('RFC 9293 section 3.8.6: what the window promises is taken, in however small segments, and costs little more', (t) => {
  const script = Script.established({ config: { windowScaling: true }, synOptions: { windowScale: 7 } });
  for (let offset = 0; offset < 160_000; offset += 8) {
    const datagram = new Uint8Array(1500);
    datagram.set(patterned(offset, 8), 40);
    script.inject({ payload: datagram.subarray(40, 48) });
  }
  const { receive } = script.record;
  t.is(receive.nextOffset, 160_000);
  t.true(receive.chunks.length <= 40, `${receive.chunks.length} chunks`);
  const kept = [...new Set(receive.chunks.map(({ buffer }) => buffer))].reduce((sum, each) => sum + each.byteLength, 0);
  t.true(kept <= 160_000 + 4096, `${kept} bytes`);
  t.deepEqual(script.readAll(), Buffer.from(patterned(0, 160_000)));
  t.is(receive.gathering, undefined, 'nothing is kept once all is read');
});

test('what is read at once, or is large, is not copied', (t) => {
  const script = Script.established();
  const payloads = [patterned(0, 8), patterned(8, 8), patterned(16, 1000), patterned(1016, 1000)] as const;
  for (const payload of payloads.slice(0, 2)) {
    script.inject({ payload });
    t.is(read(script.record)?.buffer, payload.buffer);
  }
  for (const payload of payloads.slice(2)) script.inject({ payload });
  for (const payload of payloads.slice(2)) t.is(read(script.record)?.buffer, payload.buffer);
});

test('what lies beyond the window is cut off', (t) => {
  const script = Script.established({ config: { receiveBufferLength: 1000 } });
  script.inject({ length: 1500 });
  t.is(script.record.receive.nextOffset, 1000);
  t.deepEqual(
    script.take().map((seen) => seen.window),
    [0],
  );
  script.inject({ offset: 1001, length: 10 });
  t.deepEqual(script.lines(), ['. 0+0 ack 1000'], 'not acceptable: answered with where we are');
});

test('MUST-66: a closed window still lets acknowledgments and resets in', (t) => {
  const script = Script.established({ config: { receiveBufferLength: 1000 } });
  script.write(10).inject({ length: 1000 }).clear();
  script.inject({ offset: 1000, length: 1, ack: 10 });
  t.is(script.record.send.unacknowledgedOffset, 10);
  t.is(script.record.receive.nextOffset, 1000, 'the probe is not taken');
  t.deepEqual(script.lines(), ['. 10+0 ack 1000'], 'but answered');
  script.inject({ flags: 'R', offset: 1000 });
  t.is(script.record.state, 'closed');
});

test('MUST-39: the window opens in worthwhile steps (silly-window avoidance)', (t) => {
  const script = Script.established({ config: { receiveBufferLength: 10_000 } });
  for (let count = 0; count < 10; count++) script.inject({ length: 1000 });
  t.is(script.take().at(-1)?.window, 0);
  t.is(script.record.receive.chunks.length, 10);
  script.inject({ offset: 9999, length: 1 });
  t.is(script.take()[0]?.window, 0);
  script.readAll();
  t.deepEqual(
    script.take().map((seen) => seen.window),
    [10_000],
  );
});

test('reading says nothing by itself while most of the window is open', (t) => {
  const script = Script.established({ config: { receiveBufferLength: 20_000 } });
  for (let count = 0; count < 8; count++) {
    script.inject({ length: 1000 });
    script.readAll();
  }
  t.is(script.take().length, 4, 'every second segment');
});

test('SHLD-14: the right edge of the window never goes back', (t) => {
  const script = Script.established({ config: { receiveBufferLength: 10_000 } });
  let edge = 0;
  for (let count = 0; count < 100; count++) {
    script.inject({ length: 90 });
    if (count % 7 === 3) script.readAll();
    for (const seen of script.take()) {
      t.true(seen.ack + seen.window >= edge);
      edge = seen.ack + seen.window;
    }
  }
  t.true(edge > 10_000);
});

test("'readable' is told once until everything was read; 'end-of-input' once, after the data", (t) => {
  const script = Script.established();
  script.inject({ length: 10 }).inject({ length: 10 });
  t.deepEqual(script.kinds(), ['readable']);
  script.readAll();
  script.inject({ length: 10 }).inject({ flags: 'F.', length: 5 });
  t.deepEqual(script.kinds(), ['readable', 'readable', 'end-of-input']);
  t.is(script.readAll().length, 15);
  script.inject({ flags: 'F.', offset: 25, length: 0 });
  t.is(script.kinds().filter((kind) => kind === 'end-of-input').length, 1);
});

test('a FIN out of order counts once all before it has arrived', (t) => {
  const script = Script.established();
  script.inject({ flags: 'F.', offset: 10, length: 10 });
  t.is(script.record.state, 'established');
  script.inject({ offset: 0, length: 10 });
  t.is(script.record.state, 'close-wait');
  t.is(script.readAll().length, 20);
  t.is(script.record.receive.nextOffset, 21);
});

test('a FIN ahead of data beyond it is forgotten', (t) => {
  const script = Script.established();
  script.inject({ flags: 'F.', offset: 10, length: 0 });
  script.inject({ offset: 0, length: 20 });
  t.is(script.record.state, 'established');
  t.is(script.record.receive.nextOffset, 20);
});

test('RFC 7323 section 5.3: PAWS drops an old segment and answers it', (t) => {
  const script = Script.established(STAMPED);
  script.inject({ length: 10, ...stamps(2000) });
  script.pass(40).clear();
  script.inject({ length: 10, ...stamps(1999) });
  t.is(script.record.receive.nextOffset, 10);
  t.deepEqual(script.lines(), ['. 0+0 ack 10']);
  script.inject({ offset: 10, length: 10, ...stamps(2000) });
  t.is(script.record.receive.nextOffset, 20);
});

test('RFC 7323 section 5.3: PAWS compares modulo 2^32', (t) => {
  const script = Script.established({
    config: { timestamps: true },
    synOptions: { timestamps: { value: 2 ** 32 - 5, echo: 0 } },
  });
  script.inject({ length: 10, ...stamps(2 ** 32 - 1) }).inject({ length: 10, ...stamps(3) });
  t.is(script.record.receive.nextOffset, 20);
});

test('RFC 7323 section 5.5: after 24 idle days the old timestamp proves nothing', (t) => {
  const script = Script.established(STAMPED);
  script.inject({ length: 10, ...stamps(2000) }).pass(24 * 24 * 3600 * 1000 + 1);
  script.inject({ length: 10, ...stamps(5) });
  t.is(script.record.receive.nextOffset, 20);
});

test('RFC 7323 section 3.2: a segment without the agreed timestamps is dropped, unless a Migratory option needed the room', (t) => {
  const script = Script.established(STAMPED);
  script.inject({ length: 10 });
  t.is(script.record.receive.nextOffset, 0);
  const migrate = { kind: 'trigger', epoch: 1, member: 2, mac: new Uint8Array(8) } as const;
  script.inject({ offset: 0, length: 10, options: { migrate } });
  t.is(script.record.receive.nextOffset, 10);
  script.inject({ flags: 'R' });
  t.is(script.record.state, 'closed', 'a reset needs none');
});

test('RFC 7323 section 4.3: the echo is of the segment that the acknowledgment answers', (t) => {
  const script = Script.established(STAMPED);
  const echoes = (): (number | undefined)[] => script.take().map((seen) => seen.segment.options.timestamps?.echo);
  script.inject({ length: 1000, ...stamps(2000) }).inject({ length: 1000, ...stamps(2001) });
  t.deepEqual(echoes(), [2000], 'the earlier of two that one acknowledgment covers');
  script.inject({ offset: 3000, length: 1000, ...stamps(2010) });
  t.deepEqual(echoes(), [2000], 'not one that is out of order');
  script.inject({ offset: 2000, length: 1000, ...stamps(2020) });
  t.deepEqual(echoes(), [2020], 'the one that filled the gap');
});

test('a segment without ACK is dropped', (t) => {
  const script = Script.established();
  script.inject({ flags: 'P', length: 10 });
  t.is(script.record.receive.nextOffset, 0);
});
