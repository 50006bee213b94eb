// Suspending, resuming, freezing and thawing: a connection stands still and goes on, here or on another member.

import test from 'ava';
import fc from 'fast-check';
import { handle, poll, read, resume, suspend, windowField } from '@migratory/stack/internal/tcp/connection.js';
import { timestampAt } from '@migratory/stack/internal/tcp/compose.js';
import { DEFAULT_TCP_CONFIG } from '@migratory/stack/internal/tcp/config.js';
import { decodeFrozen, encodeFrozen, freeze, movable, thaw } from '@migratory/stack/internal/tcp/freeze.js';
import type { TcpRecord } from '@migratory/stack/internal/tcp/state.js';
import { Reader, Writer } from '@migratory/stack/internal/wire/cursor.js';
import { Pair, type PairOptions } from '../../support/pair.js';
import { seeded } from '../../support/seeded.js';
import { patterned, Script } from '../../support/script.js';
import { assertInvariants } from '../../support/tcp-invariants.js';

const MINUTE_MS = 60_000;

function throughBytes(record: TcpRecord): ReturnType<typeof freeze> {
  const writer = new Writer();
  encodeFrozen(writer, freeze(record));
  if (writer.length > 87) throw new Error(`${writer.length} bytes`);
  const frozen = decodeFrozen(new Reader(writer.finish()));
  if (frozen === undefined) throw new Error('does not decode');
  return frozen;
}

/** Unread input without reading it. */
function unread(record: TcpRecord): Uint8Array[] {
  return record.receive.chunks.slice(record.receive.chunkHead);
}

/** What the record would still have to send from `offset` on. */
function unsent({ send }: TcpRecord, offset: number): Uint8Array[] {
  const bytes = Buffer.concat(send.queue.chunks.slice(send.queue.head));
  return [bytes.subarray(offset - send.queue.headOffset)];
}

/**
 * Moves the server's end to another member with another clock, as the migration layer does: both sides stand still, the
 * client says what it has, the new record takes over.
 */
function move(pair: Pair, config = DEFAULT_TCP_CONFIG): TcpRecord {
  const [origin, client] = [pair.server.open, pair.client.open];
  suspend(origin);
  suspend(client);
  pair.drain(pair.server);
  pair.drain(pair.client);
  const acknowledgedOffset = client.receive.nextOffset;
  const { finOffset } = origin.send;
  const destination = thaw(config, pair.now, throughBytes(origin), {
    readOffset: origin.receive.readOffset,
    input: unread(origin),
    acknowledgedOffset,
    output: finOffset !== undefined && acknowledgedOffset > finOffset ? [] : unsent(origin, acknowledgedOffset),
    ended: finOffset !== undefined,
  });
  assertInvariants(destination);
  const clientWindow = client.receive.edgeOffset - client.receive.nextOffset;
  const serverWindow = Math.max(0, destination.receive.edgeOffset - destination.receive.nextOffset);
  pair.server.record = destination;
  resume(destination, pair.now, { peerWindow: clientWindow });
  resume(client, pair.now, {
    peerWindow: serverWindow,
    acknowledgedOffset: destination.receive.nextOffset,
    // So that what the origin sent and is still under way counts as old (RFC 7323 section 5).
    peerTimestamp: timestampAt(destination, pair.now),
  });
  assertInvariants(destination);
  assertInvariants(client);
  pair.drain(pair.server);
  pair.drain(pair.client);
  return destination;
}

/** A pair with loss, so that a move finds data in every condition. */
function busy(options: PairOptions = {}): Pair {
  let count = 0;
  return Pair.connected({ rule: () => (++count % 23 === 0 ? [] : [10]), ...options });
}

test('a thawed connection goes on with the same peer, in the middle of transfers both ways', (t) => {
  const pair = busy();
  const [up, down] = [patterned(0, 400_000), patterned(5, 400_000)];
  pair.write(pair.client, up);
  pair.write(pair.server, down);
  for (let moves = 0; moves < 5; moves++) {
    pair.run(77);
    t.is(move(pair).state, 'established');
  }
  pair.close(pair.client);
  pair.close(pair.server);
  t.true(pair.run(5 * MINUTE_MS, () => pair.client.ended && pair.server.ended));
  t.true(pair.server.bytes().equals(up));
  t.true(pair.client.bytes().equals(down));
});

test('a connection moves in FIN-WAIT-1: the FIN follows from the new member', (t) => {
  const pair = busy();
  pair.write(pair.server, patterned(0, 100_000));
  pair.close(pair.server);
  pair.run(30);
  t.is(pair.server.open.state, 'fin-wait-1');
  t.is(move(pair).state, 'fin-wait-1');
  t.true(pair.run(5 * MINUTE_MS, () => pair.client.ended));
  t.is(pair.client.receivedLength, 100_000);
  pair.run(1000);
  t.is(pair.server.open.state, 'fin-wait-2');
});

test('a connection moves in FIN-WAIT-2 and goes on receiving', (t) => {
  const pair = Pair.connected();
  pair.close(pair.server);
  pair.run(1000);
  t.is(pair.server.open.state, 'fin-wait-2');
  t.is(move(pair).state, 'fin-wait-2');
  pair.write(pair.client, patterned(0, 50_000));
  pair.close(pair.client);
  t.true(pair.run(MINUTE_MS, () => pair.server.ended));
  t.is(pair.server.receivedLength, 50_000);
  pair.run(2 * MINUTE_MS);
  t.is(pair.server.open.state, 'closed');
  t.is(pair.client.open.state, 'closed');
});

test('FIN-WAIT-1 whose FIN the client has, which the origin does not know, thaws as FIN-WAIT-2', (t) => {
  const pair = Pair.connected();
  pair.rule = ({ from }) => (from === 'client' ? [] : [5]);
  pair.close(pair.server);
  pair.run(20);
  t.is(pair.server.open.state, 'fin-wait-1');
  t.is(pair.client.open.state, 'close-wait');
  pair.rule = () => [5];
  t.is(move(pair).state, 'fin-wait-2');
  pair.close(pair.client);
  pair.run(1000);
  t.is(pair.server.open.state, 'time-wait');
});

test('a connection moves in CLOSE-WAIT: the end of input is told again, after unread input', (t) => {
  const pair = busy();
  pair.server.mode = 'idle';
  pair.write(pair.client, patterned(0, 3000));
  pair.close(pair.client);
  pair.run(5000);
  t.is(pair.server.open.state, 'close-wait');
  pair.server.events.length = 0;
  const destination = move(pair);
  t.is(destination.state, 'close-wait');
  t.deepEqual(
    pair.server.events.map((event) => event.kind),
    ['readable', 'end-of-input'],
  );
  pair.readAll(pair.server);
  t.true(pair.server.bytes().equals(patterned(0, 3000)));
  pair.write(pair.server, patterned(0, 50_000));
  pair.close(pair.server);
  t.true(pair.run(5 * MINUTE_MS, () => pair.client.ended));
  t.true(pair.client.bytes().equals(patterned(0, 50_000)));
});

test('a connection moves while the window is closed, and is probed afterwards', (t) => {
  const pair = Pair.connected({ client: { receiveBufferLength: 5000 }, server: { receiveBufferLength: 5000 } });
  pair.client.mode = 'idle';
  pair.server.mode = 'idle';
  pair.write(pair.server, patterned(0, 50_000));
  pair.write(pair.client, patterned(0, 50_000));
  pair.run(10_000);
  const edge = pair.server.open.receive.edgeOffset;
  const destination = move(pair, { ...DEFAULT_TCP_CONFIG, receiveBufferLength: 1000 });
  t.is(destination.receive.edgeOffset, edge, 'the right edge of the window stays where it was promised');
  pair.run(10_000);
  pair.client.mode = 'reading';
  pair.server.mode = 'reading';
  for (const end of [pair.client, pair.server]) {
    pair.readAll(end);
    pair.drain(end);
  }
  t.true(pair.run(5 * MINUTE_MS, () => pair.client.receivedLength === 50_000 && pair.server.receivedLength === 50_000));
});

test('the snapshot may lie back: the application reads again what it had read', (t) => {
  const pair = Pair.connected();
  pair.write(pair.client, patterned(0, 3000));
  pair.run(100);
  const origin = pair.server.open;
  suspend(origin);
  const record = thaw(DEFAULT_TCP_CONFIG, 5, freeze(origin), {
    readOffset: 1000,
    input: [patterned(1000, 1500), patterned(2500, 500)],
    acknowledgedOffset: 0,
    output: [],
    ended: false,
  });
  t.deepEqual([read(record), read(record), read(record)], [patterned(1000, 1500), patterned(2500, 500), undefined]);
  t.is(record.receive.nextOffset, 3000);
  t.is(record.receive.edgeOffset, origin.receive.edgeOffset);
});

test("timestamps of a thawed connection are above the original's, and the peer's is carried", (t) => {
  const pair = Pair.connected();
  pair.write(pair.server, patterned(0, 3000));
  pair.run(100);
  const origin = pair.server.open;
  const highest = origin.timestamps.lastSent;
  suspend(origin);
  const frozen = throughBytes(origin);
  const streams = { readOffset: 0, input: [], acknowledgedOffset: 3000, output: [], ended: false };
  const record = thaw(DEFAULT_TCP_CONFIG, 42.5, frozen, streams);
  resume(record, 42.5, { peerWindow: 1000 });
  const output = poll(record, 42.5);
  t.is(output.kind === 'transmit' && output.segment.options.timestamps?.value, highest + 1);
  t.is(output.kind === 'transmit' && output.segment.options.timestamps?.echo, origin.timestamps.recent);
});

test('streams that do not fit the image are refused', (t) => {
  const pair = Pair.connected();
  pair.write(pair.client, patterned(0, 100));
  pair.run(100);
  const frozen = freeze(pair.server.open);
  const streams = { readOffset: 0, input: [patterned(0, 99)], acknowledgedOffset: 0, output: [], ended: false };
  t.throws(() => thaw(DEFAULT_TCP_CONFIG, 0, frozen, streams), { instanceOf: RangeError });
});

test('only synchronized connections whose end is not decided can move', (t) => {
  t.false(movable(Script.active().record));
  t.false(movable(Script.passive().record));
  t.true(movable(Script.established().record));
  t.true(movable(Script.established().close().record));
  t.true(movable(Script.established().close().inject({ ack: 1 }).record));
  t.true(movable(Script.established().inject({ flags: 'F.' }).record));
  t.false(movable(Script.established().inject({ flags: 'F.' }).close().record));
  t.false(movable(Script.established().close().inject({ flags: 'F.', ack: 1 }).record));
  t.false(movable(Script.established().abort().record));
});

test('a suspended connection is silent and deaf, but its queues work', (t) => {
  const script = Script.established();
  script.inject({ length: 100 });
  suspend(script.record);
  script.drain().clear();
  script.write(3000).inject({ offset: 100, length: 10 }).inject({ flags: 'R', offset: 100 }).pass(MINUTE_MS);
  t.deepEqual(script.lines(), []);
  t.is(script.until, Infinity);
  t.is(script.readAll().length, 100);
  t.is(script.record.state, 'established');
  script.close();
  t.is(script.record.state, 'fin-wait-1');
  resume(script.record, script.now, { peerWindow: 2000 });
  script.drain();
  t.deepEqual(script.lines(), ['. 0+1000 ack 100', '. 1000+1000 ack 100']);
});

test('a suspended connection is aborted without a reset: it may live on elsewhere', (t) => {
  const script = Script.established();
  suspend(script.record);
  script.abort();
  t.deepEqual(script.lines(), []);
  t.deepEqual(script.kinds(), ['closed aborted']);
  resume(script.record, script.now, { peerWindow: 1000 });
  script.drain();
  t.deepEqual(script.lines(), []);
});

test('resume sends again what is unacknowledged, in slow start, and an acknowledgment at once', (t) => {
  const script = Script.established();
  script.write(40_000).pass(1000).pass(2000).clear();
  script.inject({ offset: 500, length: 100 }).clear();
  suspend(script.record);
  resume(script.record, script.now, { peerWindow: 60_000, acknowledgedOffset: 3000 });
  script.drain();
  t.deepEqual(script.record.receive.outOfOrder, [], 'what the old member sent out of order is forgotten');
  t.is(script.record.loss.timeoutCount, 0);
  const sent = script.take();
  t.is(sent.length, 10, 'the initial window');
  t.is(sent[0]?.offset, 3000);
  t.is(script.until - script.now, 1000, 'back-off is cleared');
  script.inject({ ack: 10_000 });
  t.is(script.record.send.unacknowledgedOffset, 10_000, 'what was sent before the move may be acknowledged');

  const idle = Script.established();
  suspend(idle.record);
  resume(idle.record, idle.now, { peerWindow: 1000 });
  idle.drain();
  t.deepEqual(idle.lines(), ['. 0+0 ack 0']);
});

test('resume: the acknowledgment of a FIN may come with the move', (t) => {
  const script = Script.established();
  script.write(10).close().clear();
  suspend(script.record);
  resume(script.record, script.now, { peerWindow: 1000, acknowledgedOffset: 11 });
  t.is(script.record.state, 'fin-wait-2');
});

test('the echo of a timestamp from the old path is no sample', (t) => {
  const script = Script.established({
    config: { timestamps: true },
    synOptions: { maximumSegmentSize: 1000, timestamps: { value: 1, echo: 0 } },
  });
  script.write(1000);
  const value = script.take()[0]?.segment.options.timestamps?.value ?? 0;
  suspend(script.record);
  script.pass(5000);
  resume(script.record, script.now, { peerWindow: 1000 });
  script.drain();
  script.inject({ ack: 1000, options: { timestamps: { value: 2, echo: value } } });
  t.is(script.record.rtt.smoothedMs, undefined);
});

test('windowField of a SYN is not scaled and never more than the edge allows', (t) => {
  const script = Script.established({
    config: { windowScaling: true, receiveBufferLength: 100_000 },
    synOptions: { windowScale: 0 },
  });
  t.is(windowField(script.record, { forSyn: true }), 65_535);
  t.is(windowField(script.record, { forSyn: false }), 50_000);
  handle(script.record, script.now, { kind: 'abort' });
});

test('what the user has chosen goes along, through any number of moves', (t) => {
  const pair = Pair.connected();
  const choices = { noDelay: false, keepAliveIdleMs: 90_000, userTimeoutMs: Infinity };
  handle(pair.server.open, pair.now, { kind: 'configure', choices: { noDelay: false, keepAliveIdleMs: 80_000 } });
  handle(pair.server.open, pair.now, {
    kind: 'configure',
    choices: { keepAliveIdleMs: 90_000, userTimeoutMs: Infinity },
  });
  move(pair);
  const destination = move(pair, { ...DEFAULT_TCP_CONFIG, keepAliveProbeCount: 7 });
  t.deepEqual(destination.choices, choices);
  t.like(destination.config, { ...choices, keepAliveProbeCount: 7 });
  t.is(destination.timers.keepAliveAt, pair.now + 90_000);
  const others = {
    noDelay: true,
    keepAliveIntervalMs: 1,
    keepAliveProbeCount: 2,
    keepAliveIdleMs: 3.5,
    userTimeoutMs: 4,
  };
  handle(destination, pair.now, { kind: 'configure', choices: others });
  t.deepEqual(move(pair).choices, { ...others, keepAliveIdleMs: 4 });
  t.is(move(Pair.connected()).config, DEFAULT_TCP_CONFIG, 'shared by all that have chosen nothing');
});

test('urgent data that was announced and not read is announced at the new member', (t) => {
  const urgentEnd = (readOffset: number): [number, string[]] => {
    const pair = Pair.connected();
    pair.server.open.receive.urgentEndOffset = 40;
    pair.write(pair.client, patterned(0, 30));
    pair.run(100);
    const frozen = throughBytes(pair.server.open);
    const input = [patterned(0, 30).subarray(readOffset)];
    const streams = { readOffset, input, acknowledgedOffset: 0, output: [], ended: false };
    const { receive, events } = thaw(DEFAULT_TCP_CONFIG, pair.now, frozen, streams);
    return [receive.urgentEndOffset, events.map(({ kind }) => kind)];
  };
  t.deepEqual(urgentEnd(10), [40, ['urgent', 'readable']]);
  t.deepEqual(urgentEnd(30), [40, ['urgent']]);
});

test('decodeFrozen is total: every truncation and any bytes', (t) => {
  const writer = new Writer();
  const { record } = Script.established().close();
  handle(record, 0, { kind: 'configure', choices: { noDelay: false, keepAliveProbeCount: 3, userTimeoutMs: 1 } });
  record.receive.urgentEndOffset = 5;
  encodeFrozen(writer, freeze(record));
  const bytes = writer.finish();
  for (let length = 0; length < bytes.length; length++) {
    t.is(decodeFrozen(new Reader(bytes.subarray(0, length))), undefined);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (garbage) => {
      decodeFrozen(new Reader(garbage));
    }),
  );
});

test('property: moved at any time, however often, the streams arrive byte for byte', (t) => {
  const property = fc.property(
    fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 8 }),
    fc.integer({ min: 3, max: 40 }),
    fc.record({ up: fc.nat(60_000), down: fc.nat(60_000) }),
    (pauses, lossEvery, lengths) => {
      let count = 0;
      // A loss at every so manieth packet exactly could hit the same segment again and again, in step with the timer.
      const random = seeded(lossEvery);
      const pair = Pair.connected({ rule: () => (random() % lossEvery === 0 && ++count < 200 ? [] : [7]) });
      const [up, down] = [patterned(0, lengths.up), patterned(9, lengths.down)];
      pair.write(pair.client, up);
      pair.write(pair.server, down);
      for (const [index, pause] of pauses.entries()) {
        pair.run(pause);
        if (index === 2) pair.close(pair.server);
        if (index === 4) pair.close(pair.client);
        if (movable(pair.server.open) && movable(pair.client.open)) move(pair);
      }
      for (const end of [pair.client, pair.server]) if (end.open.send.finOffset === undefined) pair.close(end);
      if (!pair.run(30 * MINUTE_MS, () => pair.client.ended && pair.server.ended)) throw new Error('not done');
      if (!pair.server.bytes().equals(up) || !pair.client.bytes().equals(down)) throw new Error('bytes differ');
    },
  );
  fc.assert(property, { numRuns: 100, includeErrorInReport: true });
  t.pass();
});
