// What the network says of segments: believed where it can be true, and never more than it has to be (RFC 5927).

import test from 'ava';
import { hearNetwork } from '@migratory/stack/internal/tcp/network-report.js';
import { DEFAULT_TCP_CONFIG } from '@migratory/stack/internal/tcp/config.js';
import { handle, openActive, openPassive, poll, resume, suspend } from '@migratory/stack/internal/tcp/connection.js';
import { freeze } from '@migratory/stack/internal/tcp/freeze.js';
import type { TcpRecord } from '@migratory/stack/internal/tcp/state.js';
import { FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';
import { Script } from '../../support/script.js';
import { assertInvariants, assertNotStuck } from '../../support/tcp-invariants.js';

const PEER_START = 7_000;
const OUR_START = 1_000;

function from(sequence: number, acknowledgment: number, flags: number): Segment {
  return {
    sequence,
    acknowledgment,
    flags,
    window: 60_000,
    options: flags & FLAG.syn ? { maximumSegmentSize: 1_460 } : {},
    payload: [],
    payloadLength: 0,
  };
}

function drain(record: TcpRecord, now: number): Segment[] {
  const segments: Segment[] = [];
  for (;;) {
    const output = poll(record, now);
    if (output.kind === 'wait') return segments;
    if (output.kind === 'transmit') segments.push(output.segment);
    assertInvariants(record);
  }
}

/** An open connection that has sent 4,000 bytes in three segments. */
function sending(): TcpRecord {
  const config = { ...DEFAULT_TCP_CONFIG, timestamps: false };
  const seed = { initialSequence: OUR_START, timestampOffset: 0 };
  const record = openPassive(config, 0, from(PEER_START, 0, FLAG.syn), seed);
  drain(record, 0);
  handle(record, 1, { kind: 'segment', segment: from(PEER_START + 1, OUR_START + 1, FLAG.ack) });
  handle(record, 1, { kind: 'write', bytes: new Uint8Array(4_000) });
  drain(record, 1);
  return record;
}

const tooBig = (sequence: number, segmentLength: number) =>
  ({ kind: 'packet-too-big', sequence, segmentLength }) as const;

test('a packet that was too big goes out again at once, cut smaller, with the same congestion window', (t) => {
  const record = sending();
  const { windowLength } = record.congestion;
  handle(record, 5, { kind: 'network-report', report: tooBig(OUR_START + 1, 1_280) });
  const again = drain(record, 5);
  t.deepEqual(
    again.map(({ sequence, payloadLength }) => [sequence - OUR_START - 1, payloadLength]),
    [
      [0, 1_260],
      [1_260, 1_260],
      [2_520, 1_260],
      [3_780, 220],
    ],
  );
  t.is(record.congestion.windowLength, windowLength);
  assertNotStuck(record);
});

test('what is not in flight is not believed, nor what would raise the size', (t) => {
  for (const sequence of [OUR_START, OUR_START - 1, OUR_START + 4_001, OUR_START + 90_000, 5]) {
    const record = sending();
    handle(record, 5, { kind: 'network-report', report: tooBig(sequence, 1_280) });
    t.is(record.send.maximumSegmentSize, 1_460);
    t.deepEqual(drain(record, 5), []);
  }
  const record = sending();
  handle(record, 5, { kind: 'network-report', report: tooBig(OUR_START + 1, 9_000) });
  t.is(record.send.maximumSegmentSize, 1_460);
});

test('nobody pushes the size below what every path carries', (t) => {
  for (const length of [0, -20, 68, 555]) {
    const record = sending();
    handle(record, 5, { kind: 'network-report', report: tooBig(OUR_START + 1, length) });
    t.is(record.send.maximumSegmentSize, 536);
    drain(record, 5);
    handle(record, 6, { kind: 'network-report', report: tooBig(OUR_START + 1, length) });
    t.deepEqual(drain(record, 6), []);
  }
});

test('MUST-56: unreachable ends no open connection', (t) => {
  for (const hardness of ['hard', 'soft'] as const) {
    const record = sending();
    hearNetwork(record, 5, { kind: 'unreachable', hardness, sequence: OUR_START + 1 });
    t.is(record.state, 'established');
  }
});

test('SHLD-26: an attempt to open ends at hard errors about its SYN, and waits at soft ones', (t) => {
  const attempt = (hardness: 'hard' | 'soft', sequence: number): string => {
    const record = openActive(DEFAULT_TCP_CONFIG, 0, { initialSequence: OUR_START, timestampOffset: 0 });
    drain(record, 0);
    handle(record, 5, { kind: 'network-report', report: { kind: 'unreachable', hardness, sequence } });
    return record.closeReason ?? record.state;
  };
  t.is(attempt('hard', OUR_START), 'refused');
  t.is(attempt('hard', OUR_START + 1), 'syn-sent');
  t.is(attempt('soft', OUR_START), 'syn-sent');
});

test('a super-segment says into what it is to be cut', (t) => {
  const config = { ...DEFAULT_TCP_CONFIG, timestamps: false, maxSuperSegmentLength: 64_000 };
  const record = openPassive(config, 0, from(PEER_START, 0, FLAG.syn), {
    initialSequence: OUR_START,
    timestampOffset: 0,
  });
  drain(record, 0);
  handle(record, 1, { kind: 'segment', segment: from(PEER_START + 1, OUR_START + 1, FLAG.ack) });
  handle(record, 1, { kind: 'write', bytes: new Uint8Array(10_000) });
  t.deepEqual(
    drain(record, 1).map(({ payloadLength, cutLength }) => [payloadLength, cutLength]),
    [[10_000, 1_460]],
  );
  handle(record, 2, { kind: 'segment', segment: from(PEER_START + 1, OUR_START + 10_001, FLAG.ack) });
  handle(record, 2, { kind: 'write', bytes: new Uint8Array(1_460) });
  t.deepEqual(
    drain(record, 2).map(({ payloadLength, cutLength }) => [payloadLength, cutLength]),
    [[1_460, undefined]],
  );
});

test('what is said of a connection that is closed is not heard', (t) => {
  const script = Script.established();
  script.write(3000).abort().clear();
  const sequence = (script.record.send.initialSequence + 1) >>> 0;
  script.input({ kind: 'network-report', report: { kind: 'packet-too-big', sequence, segmentLength: 620 } });
  t.is(script.until, Infinity);
});

test('RFC 1191 section 6.3: after ten minutes the path is tried again, and may say the same again', (t) => {
  const record = sending();
  const acknowledge = (now: number): void => {
    const { send } = record;
    const all = (OUR_START + 1 + send.highestOffset) >>> 0;
    handle(record, now, { kind: 'segment', segment: from(PEER_START + 1, all, FLAG.ack) });
    drain(record, now);
  };
  const lengthsAt = (now: number): number[] => {
    handle(record, now, { kind: 'write', bytes: new Uint8Array(2_000) });
    return drain(record, now).map(({ payloadLength }) => payloadLength);
  };
  handle(record, 5, { kind: 'network-report', report: tooBig(OUR_START + 1, 1_280) });
  drain(record, 5);
  acknowledge(6);
  t.deepEqual(lengthsAt(600_004), [1_260, 740]);
  acknowledge(600_004);
  t.deepEqual(lengthsAt(600_005), [1_460, 540]);
  const sequence = (OUR_START + 1 + record.send.unacknowledgedOffset) >>> 0;
  handle(record, 600_010, { kind: 'network-report', report: tooBig(sequence, 1_280) });
  t.deepEqual(
    drain(record, 600_010).map(({ payloadLength }) => payloadLength),
    [1_260, 740],
  );
  acknowledge(600_011);
  t.deepEqual(lengthsAt(1_200_009), [1_260, 740]);
});

test('what an old path took is forgotten with it', (t) => {
  const record = sending();
  handle(record, 5, { kind: 'network-report', report: tooBig(OUR_START + 1, 1_280) });
  t.is(freeze(record).send.maximumSegmentSize, 1_460);
  suspend(record);
  resume(record, 6, { peerWindow: 60_000 });
  t.deepEqual(
    drain(record, 6).map(({ payloadLength }) => payloadLength),
    [1_460, 1_460, 1_080],
  );
});
