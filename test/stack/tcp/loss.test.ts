// Loss: the retransmission timer, fast retransmit and recovery, and how fast a connection sends.

import test from 'ava';
import { Pair } from '../../support/pair.js';
import { Script } from '../../support/script.js';

/** Ten segments in flight. */
function inFlight(config: Parameters<typeof Script.established>[0] = {}): Script {
  const script = Script.established(config);
  script.write(10_000);
  return script.clear();
}

test('RFC 6928: ten segments at first', (t) => {
  const script = Script.established();
  script.write(100_000);
  t.is(script.take().length, 10);
  const large = Script.established({ config: { maximumSegmentSize: 4000 }, synOptions: { maximumSegmentSize: 4000 } });
  large.write(100_000);
  t.is(large.take().length, 3, '14600 bytes');
});

test('RFC 5681 section 3.1: slow start doubles, congestion avoidance adds a segment per window', (t) => {
  const script = Script.established();
  script.write(1_000_000);
  script.inject({ ack: 10_000 });
  t.is(script.record.congestion.windowLength, 12_000, 'bounded by two segments for one acknowledgment');
  script.record.congestion.slowStartThresholdLength = 10_000;
  for (let ack = 11_000; ack <= 22_000; ack += 1000) script.inject({ ack });
  t.is(script.record.congestion.windowLength, 13_000);
});

test('RFC 7661: a window that is not in use does not grow', (t) => {
  const script = Script.established();
  for (let count = 1; count <= 50; count++) script.write(100).inject({ ack: count * 100 });
  t.is(script.record.congestion.windowLength, 10_000);
});

test('RFC 5681 section 4.1: after an idle timeout the window is the initial one again', (t) => {
  const script = inFlight();
  script.record.congestion.windowLength = 50_000;
  script.inject({ ack: 10_000 }).pass(2000);
  script.write(60_000);
  t.is(script.take().length, 10);
});

test('RFC 6298 sections 5.4 to 5.6: the timer sends the first unacknowledged segment again and backs off', (t) => {
  const script = inFlight();
  for (const ms of [1000, 2000, 4000, 8000]) {
    script.pass(ms - 1);
    t.deepEqual(script.lines(), []);
    script.pass(1);
    t.deepEqual(script.lines(), ['. 0+1000 ack 0']);
  }
  t.deepEqual(
    script.events.map((event) => (event.kind === 'retransmission-timeout' ? event.consecutive : event.kind)),
    [1, 2, 3, 4],
  );
  t.is(script.record.congestion.windowLength, 1000);
  t.is(script.record.congestion.slowStartThresholdLength, 5000, 'RFC 5681 equation 4, once');
});

test('after a timeout everything is sent again in slow start, and back-off is cleared by new data only', (t) => {
  const script = inFlight();
  script.pass(1000).clear();
  script.inject({ ack: 0 });
  t.is(script.record.loss.timeoutCount, 1);
  script.inject({ ack: 1000 });
  t.is(script.record.loss.timeoutCount, 0);
  t.deepEqual(script.lines(), ['. 1000+1000 ack 0', '. 2000+1000 ack 0']);
  script.inject({ ack: 9000 });
  t.deepEqual(script.lines(), ['P. 9000+1000 ack 0'], 'what has arrived is not sent again');
});

test('RFC 6298 sections 2.2 and 2.3: the first sample sets the timeout, the next ones smooth it', (t) => {
  const script = Script.established({ config: { minRtoMs: 1, initialRtoMs: 1000 } });
  script.write(1000).pass(100).inject({ ack: 1000 });
  const { rtt } = script.record;
  t.deepEqual([rtt.smoothedMs, rtt.variationMs, rtt.timeoutMs], [100, 50, 300]);
  script.write(1000).pass(60).inject({ ack: 2000 });
  t.deepEqual([rtt.smoothedMs, rtt.variationMs, rtt.timeoutMs], [95, 47.5, 285]);
});

test('MUST-18: Karn: a segment that was sent again gives no sample', (t) => {
  const script = inFlight();
  const before = script.record.rtt.smoothedMs;
  script.pass(1000).pass(700).inject({ ack: 1000 });
  t.is(script.record.rtt.smoothedMs, before);
});

test('RFC 6298 section 5.7: back-off lasts until there is a sample, whatever is acknowledged', (t) => {
  const script = inFlight({ config: { minRtoMs: 1 } });
  const { rtt, timers } = script.record;
  const timeoutMs = rtt.timeoutMs;
  script.pass(timers.retransmissionAt - script.now).inject({ ack: 1000 });
  t.deepEqual([rtt.backOffCount, timers.retransmissionAt], [1, script.now + 2 * timeoutMs]);
  script.inject({ ack: 10_000 }).write(1000);
  t.is(timers.retransmissionAt, script.now + 2 * timeoutMs);
  script.pass(10).inject({ ack: 11_000 });
  t.is(rtt.backOffCount, 0);
});

for (const [name, config] of Object.entries({
  'selective acknowledgments and timestamps': { selectiveAcknowledgments: true, timestamps: true },
  timestamps: { selectiveAcknowledgments: false, timestamps: true },
  neither: { selectiveAcknowledgments: false, timestamps: false },
})) {
  test(`a round trip that becomes longer than the timeout is learned, with ${name}`, (t) => {
    let delayMs = 10;
    const pair = Pair.connected({ client: config, server: config, rule: () => [delayMs] });
    const exchange = (): void => {
      const end = pair.server.receivedLength + 100;
      pair.write(pair.client, new Uint8Array(100));
      t.true(pair.run(10_000, () => pair.server.receivedLength === end));
      pair.run(2_000);
    };
    for (let count = 0; count < 10; count++) exchange();
    delayMs = 300;
    for (let count = 0; count < 4; count++) exchange();
    pair.client.events.length = 0;
    const sentBefore = pair.client.sent.length;
    for (let count = 0; count < 10; count++) exchange();
    t.deepEqual(
      pair.client.events.filter(({ kind }) => kind === 'retransmission-timeout'),
      [],
    );
    t.is(pair.client.sent.slice(sentBefore).filter(({ payloadLength }) => payloadLength > 0).length, 10);
  });
}

test('the round trip of an earlier copy is right where our timestamps wrap meanwhile', (t) => {
  const script = Script.established({
    seed: { timestampOffset: 2 ** 32 - 1_000_100 },
    config: { timestamps: true, selectiveAcknowledgments: true },
    synOptions: { maximumSegmentSize: 1012, sackPermitted: true, timestamps: { value: 1, echo: 0 } },
  });
  script.write(1000);
  const echo = script.take().at(-1)?.segment.options.timestamps?.value ?? 0;
  Object.assign(script.record.rtt, { smoothedMs: undefined });
  script.pass(1_500).inject({ ack: 1000, options: { timestamps: { value: 2, echo } } });
  t.is(script.record.rtt.smoothedMs, 1_500);
});

test('RFC 7323 section 4.1: with timestamps a retransmission gives a sample of its own', (t) => {
  const script = Script.established({
    config: { timestamps: true },
    synOptions: { maximumSegmentSize: 1012, timestamps: { value: 1, echo: 0 } },
  });
  script.write(1000).pass(1000);
  const value = script.take().at(-1)?.segment.options.timestamps?.value ?? 0;
  Object.assign(script.record.rtt, { smoothedMs: undefined });
  script.pass(70).inject({ ack: 1000, options: { timestamps: { value: 2, echo: value } } });
  t.is(script.record.rtt.smoothedMs, 70);
});

test('MUST-20: without progress until the user timeout the connection is given up', (t) => {
  const script = inFlight({ config: { userTimeoutMs: 10_000 } });
  script.pass(9999);
  t.is(script.record.state, 'established');
  script.pass(1);
  t.is(script.kinds().at(-1), 'closed timed-out');
  t.is(script.until, Infinity);
});

test('RFC 3042: the first two duplicate acknowledgments each let one new segment out', (t) => {
  const script = Script.established();
  script.write(20_000).clear();
  script.inject({ ack: 0 });
  t.deepEqual(script.lines(), ['. 10000+1000 ack 0']);
  script.inject({ ack: 0 });
  t.deepEqual(script.lines(), ['. 11000+1000 ack 0']);
});

test('RFC 5681 section 3.2: the third duplicate sends the segment again and halves the window', (t) => {
  const script = inFlight();
  script.inject({ ack: 0 }).inject({ ack: 0 });
  t.deepEqual(script.lines(), []);
  script.inject({ ack: 0 });
  t.deepEqual(script.lines(), ['. 0+1000 ack 0']);
  t.is(script.record.congestion.slowStartThresholdLength, 5000);
  t.is(script.record.congestion.windowLength, 8000);
  script.inject({ ack: 10_000 });
  t.true(script.record.congestion.windowLength <= 5000);
  t.is(script.record.loss.phase, 'open');
});

test('what is no duplicate: data, a new window, nothing outstanding', (t) => {
  const script = inFlight();
  script.inject({ ack: 0, length: 10 }).inject({ ack: 0, window: 60_000 }).inject({ ack: 0, window: 60_001 });
  t.is(script.record.loss.duplicateCount, 0);
  script.inject({ ack: 10_000 }).inject({ ack: 10_000 });
  t.is(script.record.loss.duplicateCount, 0);
});

test('RFC 6582 section 3.2 step 3: a partial acknowledgment sends the next hole at once', (t) => {
  const script = inFlight();
  for (let count = 0; count < 3; count++) script.inject({ ack: 0 });
  script.clear();
  script.inject({ ack: 3000 });
  t.deepEqual(script.lines(), ['. 3000+1000 ack 0']);
  t.is(script.record.loss.phase, 'fast-recovery');
  script.inject({ ack: 7000 });
  t.deepEqual(script.lines(), ['. 7000+1000 ack 0']);
  script.inject({ ack: 10_000 });
  t.is(script.record.loss.phase, 'open');
});

test('RFC 6582 section 3.2: fast recovery lets new data out as duplicates arrive', (t) => {
  const script = Script.established();
  script.write(10_000).clear();
  for (let count = 0; count < 3; count++) script.inject({ ack: 0 });
  script.clear().write(5000);
  t.deepEqual(script.lines(), [], 'the window is half');
  for (let count = 0; count < 4; count++) script.inject({ ack: 0 });
  t.deepEqual(script.lines(), ['. 10000+1000 ack 0', '. 11000+1000 ack 0']);
});

test('RFC 6582 section 3.2 step 4: no fast retransmit for what a timeout sends again', (t) => {
  const script = inFlight();
  script.pass(1000).inject({ ack: 1000 }).clear();
  for (let count = 0; count < 5; count++) script.inject({ ack: 1000 });
  t.is(script.record.loss.phase, 'timeout');
  t.false(script.take().some((seen) => seen.offset === 1000));
});

test('RFC 6582 section 3.2 step 1: one reduction for one window of data', (t) => {
  const script = inFlight();
  for (let count = 0; count < 3; count++) script.inject({ ack: 0 });
  script.inject({ ack: 10_000 }).write(5000);
  const threshold = script.record.congestion.slowStartThresholdLength;
  for (let count = 0; count < 3; count++) script.inject({ ack: 10_000 });
  t.is(script.record.congestion.slowStartThresholdLength, threshold, 'what the retransmission caused is no new loss');
  script.inject({ ack: 11_000 });
  for (let count = 0; count < 3; count++) script.inject({ ack: 11_000 });
  t.is(script.record.loss.phase, 'fast-recovery', 'what was sent since is');
});

test('MUST-37, SHLD-17: a peer that closes its window late is not given up', (t) => {
  const script = inFlight({ config: { userTimeoutMs: 10_000 } });
  script.pass(9000).inject({ ack: 0, window: 0 }).pass(2000);
  t.is(script.record.state, 'established');
});

test('MUST-20: the user timeout counts from when data could leave again, not from before', (t) => {
  const closed = inFlight({ config: { userTimeoutMs: 10_000 } });
  closed.pass(5000).inject({ ack: 0, window: 0 });
  for (let count = 0; count < 30; count++) closed.pass(1000).inject({ ack: 0, window: 0, offset: closed.peerOffset });
  closed.inject({ ack: 0, window: 5000 }).pass(9_999);
  t.is(closed.record.state, 'established');
  closed.pass(1);
  t.is(closed.record.state, 'closed');
  const limited = inFlight({ config: { userTimeoutMs: 10_000 } });
  limited.record.send.limitOffset = 0;
  limited.pass(30_000);
  limited.record.send.limitOffset = Infinity;
  limited.drain();
  limited.pass(9_999);
  t.is(limited.record.state, 'established');
  limited.pass(1);
  t.is(limited.record.state, 'closed');
});

test('MUST-20: a peer that is gone is given up, however narrow its window was', (t) => {
  const script = Script.established({ config: { userTimeoutMs: 60_000 }, synWindow: 5_000 });
  script.write(10_000).inject({ ack: 5_000, window: 300 }).pass(55_000);
  t.is(script.record.state, 'established');
  script.pass(10_000);
  t.is(script.record.state, 'closed');
});

test('a lost FIN is sent again', (t) => {
  const script = Script.established();
  script.close().clear();
  script.pass(1000);
  t.deepEqual(script.lines(), ['F. 0+0 ack 0']);
});

test('fast retransmit of the last segment takes the FIN along', (t) => {
  const script = Script.established();
  script.write(500).close().clear();
  for (let count = 0; count < 3; count++) script.inject({ ack: 0 });
  t.deepEqual(script.lines(), ['FP. 0+500 ack 0']);
});

test('MUST-25, MUST-26: keep-alive is off by default', (t) => {
  const script = Script.established();
  script.pass(10 * 24 * 3600 * 1000);
  t.deepEqual(script.lines(), []);
  t.is(script.record.state, 'established');
});

test('keep-alive probes an idle peer and gives up on a dead one', (t) => {
  const config = { keepAliveIdleMs: 60_000, keepAliveIntervalMs: 10_000, keepAliveProbeCount: 3 };
  const script = Script.established({ config });
  script.pass(60_000);
  t.deepEqual(script.lines(), ['. -1+0 ack 0'], 'one before what is next: the peer must answer');
  script.inject({ ack: 0 });
  script.pass(59_999);
  t.deepEqual(script.lines(), []);
  script.pass(1 + 10_000 + 10_000);
  t.is(script.take().length, 3);
  t.is(script.record.state, 'established');
  script.pass(10_000);
  t.is(script.kinds().at(-1), 'closed timed-out');
});

test('a keep-alive probe is answered', (t) => {
  const script = Script.established();
  script.inject({ length: 10 }).pass(100).clear();
  script.inject({ offset: 9 });
  t.deepEqual(script.lines(), ['. 0+0 ack 10']);
});
