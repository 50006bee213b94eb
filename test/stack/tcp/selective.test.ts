// Selective acknowledgments (RFC 2018, RFC 2883): what is agreed, what is reported, and what the sender makes of reports.

import test from 'ava';
import type { SackBlock } from '@migratory/stack/internal/wire/options.js';
import { MARK, rangeCount } from '@migratory/stack/internal/tcp/flight.js';
import { Pair } from '../../support/pair.js';
import { Script, type ScriptOptions } from '../../support/script.js';
import { seeded } from '../../support/seeded.js';

const SELECTIVE: ScriptOptions = {
  config: { selectiveAcknowledgments: true },
  synOptions: { maximumSegmentSize: 1000, sackPermitted: true },
};

/** Ten segments in flight, sent over ten milliseconds and 50 ms ago, with a round trip of 50 ms known. */
function inFlight(options: ScriptOptions = {}): Script {
  const script = Script.established({ ...SELECTIVE, ...options, config: { ...SELECTIVE.config, ...options.config } });
  script.write(1000).pass(50).inject({ ack: 1000 }).clear();
  for (let count = 0; count < 10; count++) script.write(1000).pass(1);
  script.pass(40).clear();
  return script;
}

/** Our bytes [from, to) as the peer reports them. */
function block({ record }: Script, from: number, to: number): SackBlock {
  const base = record.send.initialSequence + 1;
  return { left: (base + from) >>> 0, right: (base + to) >>> 0 };
}

function report(script: Script, ack: number, ...ranges: readonly (readonly [number, number])[]): Script {
  return script.inject({ ack, options: { sackBlocks: ranges.map(([from, to]) => block(script, from, to)) } });
}

/** What our last segment reports, as offsets of the peer's stream. */
function reported(script: Script): (readonly [number, number])[] {
  const blocks = script.take().at(-1)?.segment.options.sackBlocks ?? [];
  const base = script.record.receive.initialSequence + 1;
  return blocks.map(({ left, right }) => [(left - base) | 0, (right - base) | 0] as const);
}

test('RFC 2018 section 2: agreed where both SYNs offer it, and only there', (t) => {
  for (const [ours, theirs] of [
    [true, true],
    [true, false],
    [false, true],
  ] as const) {
    const script = Script.passive({
      config: { selectiveAcknowledgments: ours },
      synOptions: theirs ? { sackPermitted: true } : {},
    });
    t.is(script.record.sackPermitted, ours && theirs);
    t.is(script.take()[0]?.segment.options.sackPermitted, ours && theirs ? true : undefined);
  }
  t.true(Script.active(SELECTIVE).take()[0]?.segment.options.sackPermitted);
});

test('RFC 2018 section 4: the first block is the newest, neighbours are one', (t) => {
  const script = Script.established(SELECTIVE);
  script.inject({ offset: 1000, length: 1000 });
  t.deepEqual(reported(script), [[1000, 2000]]);
  script.inject({ offset: 4000, length: 1000 });
  t.deepEqual(reported(script), [
    [4000, 5000],
    [1000, 2000],
  ]);
  script.inject({ offset: 2000, length: 1000 });
  t.deepEqual(reported(script), [
    [1000, 3000],
    [4000, 5000],
  ]);
  script.inject({ offset: 0, length: 1000 });
  t.deepEqual(reported(script), [[4000, 5000]]);
  script.inject({ offset: 3000, length: 1000 });
  t.deepEqual(reported(script), []);
});

test('at most four blocks, three beside timestamps, and data gives way to them', (t) => {
  const timestamps = { value: 9, echo: 0 };
  const script = Script.established({
    config: { selectiveAcknowledgments: true, timestamps: true },
    synOptions: { maximumSegmentSize: 1000, sackPermitted: true, timestamps },
  });
  for (let index = 0; index < 6; index++) {
    script.inject({ offset: 1000 + index * 2000, length: 1000, options: { timestamps } });
  }
  t.deepEqual(reported(script), [
    [11_000, 12_000],
    [9000, 10_000],
    [7000, 8000],
  ]);
  script.write(5000);
  t.is(script.take()[0]?.length, 1000 - 12 - 28);
});

test('a block is reported only once its bytes are kept', (t) => {
  const script = Script.established({ ...SELECTIVE, config: { ...SELECTIVE.config, maxOutOfOrderCount: 1 } });
  script.inject({ offset: 1000, length: 1000 });
  script.inject({ offset: 3000, length: 1000 });
  t.deepEqual(reported(script), [[1000, 2000]]);
});

test('a FIN that came behind a gap is reported with its data', (t) => {
  const script = Script.established(SELECTIVE);
  script.inject({ flags: 'F.', offset: 1000, length: 1000 });
  t.deepEqual(reported(script), [[1000, 2001]]);
});

test('RFC 2883 section 4: what came twice is the first block, once', (t) => {
  const script = Script.established(SELECTIVE);
  script.inject({ offset: 0, length: 1000 }).inject({ offset: 2000, length: 1000 });
  script.inject({ offset: 0, length: 1000 });
  t.deepEqual(reported(script), [
    [0, 1000],
    [2000, 3000],
  ]);
  script.inject({ offset: 500, length: 1000 });
  t.deepEqual(reported(script), [
    [500, 1000],
    [2000, 3000],
  ]);
  script.inject({ offset: 3000, length: 1000 });
  t.deepEqual(reported(script), [[2000, 4000]]);
});

test('RFC 6675: only what is missing is sent again, and the window is reduced once', (t) => {
  const script = inFlight();
  report(script, 1000, [2000, 3000], [4000, 11_000]);
  t.deepEqual(script.lines(), ['. 1000+1000 ack 0', '. 3000+1000 ack 0']);
  t.is(script.record.loss.phase, 'fast-recovery');
  t.is(script.record.congestion.slowStartThresholdLength, 5000);
  script.pass(50).inject({ ack: 11_000 });
  t.is(script.record.loss.phase, 'open');
  t.is(script.record.congestion.windowLength, 5000);
  t.deepEqual(script.lines(), []);
});

test('RFC 6937: the window follows what arrives, a segment out for two in', (t) => {
  const script = inFlight();
  script.write(20_000).clear();
  report(script, 1000, [2000, 5000]);
  t.deepEqual(script.lines(), ['. 1000+1000 ack 0'], 'the first is sent whatever the window');
  const sent = [6000, 7000, 8000, 9000, 10_000, 11_000].map((to) => {
    report(script, 1000, [2000, to]);
    return script.take().length;
  });
  t.is(
    sent.reduce((sum, count) => sum + count, 0),
    4,
    sent.join(' '),
  );
  t.true(
    sent.every((count) => count <= 1),
    sent.join(' '),
  );
});

test('RFC 6937: where much is lost at once, what is sent again waits for the window', (t) => {
  const script = inFlight();
  report(script, 1000, [6000, 9000]);
  t.deepEqual(
    script.take().map(({ offset }) => offset),
    [1000, 2000, 3000],
  );
  t.is(script.record.flight.lostLength, 2000);
  report(script, 1000, [6000, 10_000]);
  t.is(script.take().length, 1);
});

/** A recovery from the loss of 1000, that lasts until 13,000 is acknowledged; beyond that 13,000 and 14,000 have been sent. */
function recovering(): Script {
  const script = inFlight();
  script.write(20_000);
  for (let to = 3000; to <= 11_000; to += 1000) report(script, 1000, [2000, to]);
  const { loss, send, congestion } = script.record;
  if (loss.recoverOffset !== 13_000 || send.nextOffset !== 15_000 || congestion.windowLength !== 5000)
    throw new Error('the script has changed');
  return script.pass(50).clear();
}

test('RFC 5681 section 4.3: a loss in the next window of data reduces the window again', (t) => {
  const script = recovering();
  report(script, 13_000, [14_000, 15_000]);
  t.deepEqual(script.lines()[0], '. 13000+1000 ack 0');
  const { loss, congestion } = script.record;
  t.is(loss.phase, 'fast-recovery');
  t.is(congestion.slowStartThresholdLength, 2500);
  script.pass(50);
  report(script, script.record.send.nextOffset);
  t.is(loss.phase, 'open');
  t.is(congestion.windowLength, 2500, 'once');
});

test('RFC 5681 section 4.3: also where it was repaired before the recovery ended', (t) => {
  const script = recovering();
  report(script, 1000, [14_000, 15_000], [2000, 13_000]);
  t.true(script.lines().includes('. 13000+1000 ack 0'));
  const { loss, congestion } = script.record;
  t.is(congestion.slowStartThresholdLength, 5000, 'not yet');
  script.pass(50);
  report(script, 15_000);
  t.is(loss.phase, 'fast-recovery');
  t.is(congestion.slowStartThresholdLength, 2500);
});

test('RFC 5681 section 4.3: where nothing is outstanding any more the window is reduced, and that is all', (t) => {
  const script = recovering();
  report(script, 1000, [14_000, 15_000], [2000, 13_000]).pass(50).clear();
  report(script, script.record.send.nextOffset);
  t.is(script.record.loss.phase, 'open');
  t.is(script.record.congestion.windowLength, 2500);
  t.is(script.take().length, 2, 'sending goes on with the new window');
});

test('RFC 6675: further losses of the same window are no further reduction', (t) => {
  const script = recovering();
  report(script, 1000, [13_000, 15_000], [2000, 11_000]);
  t.true(script.lines().includes('. 11000+1000 ack 0'));
  script.pass(50);
  report(script, 15_000);
  t.is(script.record.loss.phase, 'open');
  t.is(script.record.congestion.windowLength, 5000);
});

test('a timeout in a recovery answers all losses until then', (t) => {
  const script = recovering();
  report(script, 1000, [14_000, 15_000], [2000, 13_000]);
  const { loss, congestion, send, timers } = script.record;
  script.pass(timers.retransmissionAt - script.now);
  t.is(loss.phase, 'timeout');
  const { slowStartThresholdLength } = congestion;
  script.pass(50);
  report(script, send.nextOffset);
  t.is(loss.phase, 'open');
  t.is(congestion.slowStartThresholdLength, slowStartThresholdLength);
});

test('RFC 5681 section 4.3: a loss of what was first sent after a timeout is another one', (t) => {
  const script = inFlight();
  const { loss, congestion, timers } = script.record;
  timers.tailProbeAt = Infinity;
  script.pass(timers.retransmissionAt - script.now).write(20_000);
  for (let ack = 2000; ack <= 8000; ack += 1000) script.pass(1).inject({ ack });
  t.is(loss.phase, 'timeout');
  t.is(script.record.send.nextOffset, 13_000);
  script.pass(50).clear();
  report(script, 11_000, [12_000, 13_000]);
  t.is(script.lines()[0], '. 11000+1000 ack 0');
  t.is(loss.phase, 'fast-recovery');
  t.is(congestion.slowStartThresholdLength, 2500);
});

test('RFC 2018 section 8: a peer that takes back what it reported gets it again', (t) => {
  const script = inFlight();
  report(script, 1000, [2000, 11_000]).pass(50).clear();
  script.inject({ ack: 2000 });
  t.deepEqual(script.lines(), []);
  script.pass(300);
  t.deepEqual(script.lines(), ['. 2000+1000 ack 0'], 'it should have been acknowledged with the rest');
  t.is(script.record.flight.sackedLength, 0);
});

test('blocks that can not be true change nothing', (t) => {
  const script = inFlight();
  const before = structuredClone(script.record.flight);
  report(script, 1000, [5000, 5000], [6000, 5000], [5000, 11_001], [1000, 3000]);
  report(script, 1000, [2000, 2 ** 31 + 5]);
  t.deepEqual(script.record.flight, before);
  t.deepEqual(script.lines(), []);
});

test('G2: a flood of tiny blocks costs no more than the limit', (t) => {
  const script = Script.established({
    ...SELECTIVE,
    config: { ...SELECTIVE.config, maxFlightRangeCount: 50, initialRtoMs: 60_000 },
    synWindow: 65_535,
  });
  script.record.congestion.windowLength = 60_000;
  script.write(60_000).clear();
  for (let at = 2; at < 60_000; at += 8) report(script, 0, [at, at + 1], [at + 2, at + 3], [at + 4, at + 5]);
  t.true(rangeCount(script.record.flight) <= 50);
  script.inject({ ack: 60_000 });
  t.is(rangeCount(script.record.flight), 0);
});

test('after a timeout what has arrived is not sent again', (t) => {
  const script = inFlight({ config: { initialRtoMs: 1000 } });
  report(script, 1000, [2000, 4000]);
  script.pass(5000).clear();
  script.inject({ ack: 4000 }).pass(50).inject({ ack: 5000 }).pass(50);
  const again = script.take().map((seen) => seen.offset);
  t.false(
    again.some((offset) => offset < 4000),
    again.join(' '),
  );
});

test('marks of a flight: what was sent twice is known as such', (t) => {
  const script = inFlight();
  report(script, 1000, [2000, 11_000]);
  t.is(script.record.flight.marks[script.record.flight.head], MARK.repeated);
  t.is(rangeCount(script.record.flight), 2);
});

test('with losses both ways a pair needs no timeout', (t) => {
  const random = seeded(99);
  const pair = Pair.connected();
  pair.rule = () => (random() % 100 < 2 ? [] : [20]);
  const bytes = new Uint8Array(400_000).map((_, index) => index * 7);
  pair.write(pair.client, bytes);
  pair.write(pair.server, bytes);
  t.true(
    pair.run(60_000, () => pair.client.receivedLength === bytes.length && pair.server.receivedLength === bytes.length),
  );
  const timeouts = [...pair.client.events, ...pair.server.events].filter(
    ({ kind }) => kind === 'retransmission-timeout',
  );
  t.true(timeouts.length <= 1, `${timeouts.length} timeouts`);
});

test('data in a super-segment gives way to a duplicate that is reported beside it', (t) => {
  const script = Script.established({ ...SELECTIVE, config: { ...SELECTIVE.config, maxSuperSegmentLength: 8000 } });
  script.inject({ length: 100 }).pass(50).clear();
  const queued = script.record;
  queued.receive.duplicate = { leftOffset: 0, rightOffset: 100 };
  script.write(8000);
  const first = script.take()[0]?.segment;
  t.is(first?.options.sackBlocks?.length, 1);
  t.is(first?.cutLength, 1000 - 12, 'the device cuts it as long as its options let it');
});

test('what a packet that was too big says: all in flight is cut anew, what has arrived as well', (t) => {
  const script = inFlight();
  report(script, 1000, [3000, 4000]).clear();
  const { record } = script;
  const sequence = (record.send.initialSequence + 1 + 1000) >>> 0;
  script.input({ kind: 'network-report', report: { kind: 'packet-too-big', sequence, segmentLength: 620 } });
  const sent = script.take();
  t.is(sent[0]?.offset, 1000);
  t.is(sent[0]?.length, 600);
  t.is(record.flight.sackedLength, 0);
});
