// RACK and tail loss probes (RFC 8985): a loss is told by time, not by counting.

import test from 'ava';
import type { SackBlock } from '@migratory/stack/internal/wire/options.js';
import { Script } from '../../support/script.js';

function block({ record }: Script, from: number, to: number): SackBlock {
  const base = record.send.initialSequence + 1;
  return { left: (base + from) >>> 0, right: (base + to) >>> 0 };
}

function report(script: Script, ack: number, ...ranges: readonly (readonly [number, number])[]): Script {
  return script.inject({ ack, options: { sackBlocks: ranges.map(([from, to]) => block(script, from, to)) } });
}

/** `count` segments in flight, one each millisecond, on a path of 40 ms that is known. */
function inFlight(count: number): Script {
  const script = Script.established({
    config: { selectiveAcknowledgments: true },
    synOptions: { maximumSegmentSize: 1000, sackPermitted: true },
  });
  script.write(1000).pass(40).inject({ ack: 1000 }).clear();
  for (let index = 0; index < count; index++) script.write(1000).pass(1);
  return script.clear();
}

test('section 6.2 step 5: one that came out of order is waited for, for a quarter of a round trip', (t) => {
  const script = inFlight(3);
  script.pass(38);
  report(script, 1000, [2000, 3000]);
  t.deepEqual(script.lines(), [], 'it may be late');
  script.pass(8);
  t.deepEqual(script.lines(), []);
  script.pass(2);
  t.deepEqual(script.lines(), ['. 1000+1000 ack 0']);
  t.is(script.record.loss.phase, 'fast-recovery');
});

test('reordering is no loss: nothing is sent again, and the window stays', (t) => {
  const script = inFlight(3);
  script.pass(38);
  report(script, 1000, [2000, 3000]).pass(3);
  script.inject({ ack: 4000 }).pass(100);
  t.deepEqual(script.lines(), []);
  t.true(script.record.rack.reorderingSeen);
  t.is(script.record.loss.phase, 'open');
});

test('section 6.2 step 3: two blocks that are news in one acknowledgment, the most recent first, are no reordering', (t) => {
  const script = inFlight(9);
  script.pass(35);
  report(script, 1000, [4000, 5000], [2000, 3000]);
  t.false(script.record.rack.reorderingSeen);
  t.is(script.record.flight.sackedLength, 2000);
  report(script, 1000, [3000, 4000]);
  t.true(script.record.rack.reorderingSeen);
});

test('section 6.2 step 4: three segments beyond leave no doubt until reordering was seen', (t) => {
  const script = inFlight(6);
  script.pass(35);
  report(script, 1000, [2000, 5000]);
  t.deepEqual(script.lines(), ['. 1000+1000 ack 0']);
  const reordered = inFlight(6);
  reordered.record.rack.reorderingSeen = true;
  reordered.pass(35);
  report(reordered, 1000, [2000, 5000]);
  t.deepEqual(reordered.lines(), []);
});

test('section 6.2 step 4: three segments are three also where timestamps take of their room', (t) => {
  const script = Script.established({
    config: { selectiveAcknowledgments: true, timestamps: true },
    synOptions: { maximumSegmentSize: 1000, sackPermitted: true, timestamps: { value: 1, echo: 0 } },
  });
  const answer = (ack: number, sackBlocks: SackBlock[] = []): Script =>
    script.inject({ ack, options: { timestamps: { value: 2, echo: script.record.timestamps.lastSent }, sackBlocks } });
  script.write(988).pass(40);
  answer(988).clear();
  for (let index = 0; index < 6; index++) script.write(988).pass(1);
  script.pass(35).clear();
  answer(988, [block(script, 2 * 988, 4 * 988)]);
  t.deepEqual(script.lines(), [], 'two may be reordered');
  answer(988, [block(script, 2 * 988, 5 * 988)]);
  t.deepEqual(script.lines(), ['. 988+988 ack 0']);
});

test('a retransmission that is lost is found without a timeout', (t) => {
  const script = inFlight(8);
  script.pass(33);
  report(script, 1000, [2000, 6000]);
  t.deepEqual(script.lines(), ['. 1000+1000 ack 0']);
  script.write(4000).pass(5).clear();
  report(script, 1000, [2000, 9000]);
  t.true(
    script.take().some(({ offset }) => offset >= 9000),
    'new data follows',
  );
  script.pass(50);
  report(script, 1000, [2000, 10_000]);
  t.is(script.take()[0]?.offset, 1000);
  t.is(script.record.loss.timeoutCount, 0);
});

test('section 6.2 step 4: a reported duplicate widens the window for reordering, once a round', (t) => {
  const script = inFlight(4);
  report(script, 1000, [0, 1000]);
  report(script, 1000, [0, 1000]);
  t.is(script.record.rack.windowMultiplier, 2);
  script.inject({ ack: 5000 }).write(1000);
  report(script, 5000, [0, 1000]);
  t.is(script.record.rack.windowMultiplier, 3);
});

test('section 7: the end of a flight is probed after two round trips, with the last segment', (t) => {
  const script = inFlight(4);
  script.pass(78);
  t.deepEqual(script.lines(), []);
  script.pass(2);
  t.deepEqual(script.lines(), ['P. 4000+1000 ack 0']);
  t.is(script.record.loss.timeoutCount, 0);
  script.pass(40);
  report(script, 1000, [4000, 5000]);
  t.is(script.record.loss.phase, 'fast-recovery');
  t.is(script.take()[0]?.offset, 1000);
});

test('section 7.3: new data is the better probe', (t) => {
  const script = Script.established({
    config: { selectiveAcknowledgments: true },
    synOptions: { maximumSegmentSize: 1000, sackPermitted: true },
  });
  script.write(1000).pass(40).inject({ ack: 1000 }).clear();
  script.write(20_000).clear();
  script.pass(81);
  t.deepEqual(script.lines(), ['. 11000+1000 ack 0']);
});

test('section 7.4.2: a probe that repaired the only loss reduces the window; one that came twice does not', (t) => {
  const script = inFlight(4);
  script.pass(80).clear();
  script.pass(40).write(1000).inject({ ack: 6000 });
  t.is(script.record.congestion.slowStartThresholdLength, 2500);
  const both = inFlight(4);
  both.pass(80).clear();
  report(both.pass(40), 5000, [4000, 5000]);
  both.write(1000).inject({ ack: 6000 });
  t.is(both.record.congestion.slowStartThresholdLength, Infinity);
});

test('section 7.2: a single segment is probed only once a late acknowledgment is overdue', (t) => {
  const script = inFlight(0);
  script.record.rtt.timeoutMs = 1000;
  script.write(1000).clear();
  script.pass(279);
  t.deepEqual(script.lines(), []);
  script.pass(1);
  t.deepEqual(script.lines(), ['P. 1000+1000 ack 0']);
});

test('section 7.2: where the timeout would come first, a probe comes in its place, and the timeout behind it', (t) => {
  const script = inFlight(0);
  script.record.rtt.timeoutMs = 250;
  script.write(1000).clear();
  const { windowLength } = script.record.congestion;
  script.pass(249);
  t.deepEqual(script.lines(), []);
  script.pass(1);
  t.deepEqual(script.lines(), ['P. 1000+1000 ack 0']);
  t.deepEqual([script.record.loss.phase, script.record.congestion.windowLength], ['open', windowLength]);
  script.pass(249);
  t.deepEqual(script.lines(), []);
  script.pass(1);
  t.deepEqual(script.lines(), ['P. 1000+1000 ack 0']);
  t.deepEqual([script.record.loss.phase, script.record.loss.timeoutCount], ['timeout', 1]);
});

test('section 7.2: who has waited as long as the user allows is not probed once more', (t) => {
  const script = inFlight(0);
  script.record.rtt.timeoutMs = 250;
  const { record } = script;
  record.config = { ...record.config, userTimeoutMs: 240 };
  record.send.lastProgressAt = record.receive.lastReceivedAt = script.now;
  script.write(1000).clear();
  t.is(record.timers.retransmissionAt, script.now + 240);
  script.pass(240);
  t.deepEqual([script.lines(), record.state], [[], 'closed']);
});

test('section 6.3: at a timeout the first is lost, and what was sent just now is not', (t) => {
  const script = inFlight(2);
  script.record.timers.tailProbeAt = Infinity;
  const timeoutAt = script.record.timers.retransmissionAt;
  script.pass(timeoutAt - script.now - 1);
  script.record.timers.tailProbeAt = Infinity;
  script.write(1000).clear();
  script.record.timers.tailProbeAt = Infinity;
  script.pass(1);
  t.deepEqual(script.lines(), ['. 1000+1000 ack 0']);
  t.is(script.record.flight.lostLength, 1000, 'the second, not the third');
});
