// RFC 5961: what someone who cannot see the connection may try.

import test from 'ava';
import { Script } from '../../support/script.js';

test('section 3.2: a reset inside the window but not exact is challenged', (t) => {
  const script = Script.established();
  script.inject({ flags: 'R', offset: 100 });
  t.is(script.record.state, 'established');
  t.deepEqual(script.lines(), ['. 0+0 ack 0']);
});

test('section 3.2: a reset outside the window is dropped in silence', (t) => {
  const script = Script.established();
  for (const offset of [-1, 2 ** 24, -(2 ** 20)]) script.inject({ flags: 'R', offset });
  t.is(script.record.state, 'established');
  t.deepEqual(script.lines(), []);
});

test('section 4.2: a SYN is challenged whatever its number', (t) => {
  for (const offset of [-1, 0, 50, 2 ** 24]) {
    const script = Script.established();
    script.inject({ flags: 'S', offset });
    t.is(script.record.state, 'established');
    t.deepEqual(script.lines(), ['. 0+0 ack 0']);
  }
});

test('section 5.2: an acknowledgment of what was never sent, or of long ago, is challenged and its data dropped', (t) => {
  const script = Script.established();
  script.write(10).inject({ ack: 10 }).clear();
  script.inject({ ack: 11, length: 5 });
  script.inject({ offset: 0, ack: 10 - 65_536, length: 5 });
  t.is(script.record.receive.nextOffset, 0);
  t.deepEqual(script.lines(), ['. 10+0 ack 0', '. 10+0 ack 0']);
  script.inject({ offset: 0, ack: 9, length: 5 });
  t.is(script.record.receive.nextOffset, 5, 'a late one is all right');
});

test('section 5.2, RFC 7323 section 5.3: the timestamp of one that is challenged makes nothing genuine old', (t) => {
  const stamped = (value: number) => ({ options: { timestamps: { value, echo: 0 } } });
  const options = { config: { timestamps: true }, synOptions: { maximumSegmentSize: 1000, ...stamped(5000).options } };
  const forged = { length: 10, ack: 700_000, ...stamped(5000 + 2 ** 31 - 10) };
  const script = Script.established(options);
  script.inject({ offset: -5, ...forged });
  t.is(script.take().length, 1, 'it is challenged');
  script.inject({ offset: 0, ack: 0, length: 10, ...stamped(5100) });
  t.is(script.record.receive.nextOffset, 10);
  const opening = Script.passive(options);
  opening.clear().inject({ offset: 0, ...forged });
  t.deepEqual(opening.lines(), ['R 700000+0 ack 0']);
  opening.inject({ offset: 0, ack: 0, length: 10, ...stamped(5100) });
  t.is(opening.record.receive.nextOffset, 10);
});

test('section 5.2: one that is challenged is no sign of life', (t) => {
  const config = { keepAliveIdleMs: 60_000, keepAliveIntervalMs: 10_000, keepAliveProbeCount: 3 };
  const script = Script.established({ config });
  script.pass(30_000).inject({ ack: 700_000 }).clear();
  script.pass(30_000);
  t.is(script.take().length, 1, 'the silence has lasted');
  script.inject({ ack: 700_000 }).pass(30_000);
  t.is(script.kinds().at(-1), 'closed timed-out');
});

test('section 7: challenges are limited in rate', (t) => {
  const script = Script.established({ config: { challengeAckCount: 10, challengeAckIntervalMs: 1000 } });
  for (let count = 0; count < 100; count++) script.inject({ flags: 'S', offset: 7 });
  t.is(script.take().length, 10);
  script.pass(999).inject({ flags: 'R', offset: 7 });
  t.is(script.take().length, 0);
  script.pass(1).inject({ flags: 'R', offset: 7 });
  t.is(script.take().length, 1);
});

test('two ends that disagree do not answer each other without end', (t) => {
  const script = Script.established();
  for (let count = 0; count < 1000; count++) script.inject({ offset: 2 ** 22 });
  t.is(script.take().length, 10);
});

test('RFC 9293 section 3.10.7.4: data outside the window is answered with where we are', (t) => {
  const script = Script.established();
  script.inject({ offset: 2 ** 22, length: 10 });
  script.inject({ offset: -20, length: 10 });
  t.deepEqual(script.lines(), ['. 0+0 ack 0', '. 0+0 ack 0']);
  t.is(script.record.receive.nextOffset, 0);
});
