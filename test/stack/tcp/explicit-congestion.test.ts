// Explicit congestion notification (RFC 3168): what is agreed, what may be marked, who is told, and what a mark costs.

import test from 'ava';
import { DEFAULT_TCP_CONFIG } from '@migratory/stack/internal/tcp/config.js';
import { resume, suspend } from '@migratory/stack/internal/tcp/connection.js';
import { decodeFrozen, encodeFrozen, freeze, thaw } from '@migratory/stack/internal/tcp/freeze.js';
import { Reader, Writer } from '@migratory/stack/internal/wire/cursor.js';
import { Pair } from '../../support/pair.js';
import { patterned, Script, type ScriptOptions } from '../../support/script.js';

const CHOICES = ['off', 'accepted', 'offered'] as const;
const MARKED: ScriptOptions = { synFlags: 'SEW' };
const SELECTIVE: ScriptOptions = {
  synFlags: 'SEW',
  config: { selectiveAcknowledgments: true },
  synOptions: { maximumSegmentSize: 1000, sackPermitted: true },
};

/** Ten segments in flight, of which the window takes no more, and a round trip of 50 ms known. */
function inFlight(options: ScriptOptions = MARKED): Script {
  const script = Script.established(options);
  script.write(1000).pass(50).inject({ ack: 1000 }).clear();
  script.record.congestion.windowLength = 10_000;
  script.write(30_000).clear();
  return script;
}

/** Flags of what was sent since, with what may be marked in upper case. */
function kinds(script: Script): string[] {
  return script
    .take()
    .map(({ flags, length, segment }) => `${flags} ${length}${segment.ecn === 'capable' ? ' ECT' : ''}`);
}

test('SHLD-8: section 6.1.1: agreed where one end offers it and the other one takes it', (t) => {
  for (const client of CHOICES) {
    for (const server of CHOICES) {
      const pair = Pair.connected({
        client: { explicitCongestion: client },
        server: { explicitCongestion: server },
      });
      const agreed = client === 'offered' && server !== 'off';
      for (const end of [pair.client, pair.server])
        t.is(end.open.congestionMarks.agreed, agreed, `${client} ${server}`);
    }
  }
});

test('section 6.1.1: a SYN that is sent again offers nothing; an answer with both flags is a reflection', (t) => {
  const script = Script.active({ config: { explicitCongestion: 'offered' } });
  t.is(script.take()[0]?.flags, 'SEW');
  script.pass(1_500);
  t.is(script.take()[0]?.flags, 'S');
  for (const [flags, agreed] of [
    ['S.EW', false],
    ['S.E', true],
    ['S.', false],
  ] as const) {
    const answered = Script.active({ config: { explicitCongestion: 'offered' } });
    answered.inject({ flags, offset: -1, ack: 0 });
    t.is(answered.record.state, 'established');
    t.is(answered.record.congestionMarks.agreed, agreed, flags);
  }
  t.is(Script.passive(MARKED).take()[0]?.flags, 'S.E');
  t.is(Script.passive({ synFlags: 'SE' }).take()[0]?.flags, 'S.');
});

test('section 6.1.2: who has not agreed neither allows marks nor tells of any', (t) => {
  const script = Script.established();
  script.write(1000).inject({ length: 100, ack: 1000, flags: '.E', ecn: 'experienced' }).inject({ length: 2000 });
  t.deepEqual(kinds(script), ['P. 1000', '. 0']);
});

test('sections 6.1.4 to 6.1.6: only new data may be marked', (t) => {
  const script = Script.established(MARKED);
  script.write(4000);
  t.deepEqual(kinds(script), ['. 1000 ECT', '. 1000 ECT', '. 1000 ECT', 'P. 1000 ECT']);
  for (let count = 0; count < 3; count++) script.inject({ ack: 0 });
  t.deepEqual(kinds(script), ['. 1000'], 'sent again');
  script.inject({ ack: 4000, length: 2000 });
  t.deepEqual(kinds(script), ['. 0'], 'an acknowledgment');
  script.inject({ ack: 4000, window: 0, length: 1 }).write(1000).clear();
  script.pass(1_500);
  t.deepEqual(new Set(kinds(script)), new Set(['. 0', '. 1']), 'probes of the window, and an acknowledgment');
  script.inject({ ack: 4000, window: 5000, length: 1 });
  t.deepEqual(kinds(script), ['P. 1000'], 'some of it has been sent, as a probe');
  script.inject({ ack: 5000 }).close();
  t.deepEqual(kinds(script), ['F. 0'], 'the FIN alone');
});

test('RFC 8985: the probe for the end of the flight may not be marked, and what leaves at a timeout neither', (t) => {
  const script = Script.established(SELECTIVE);
  script.write(1000).pass(50).inject({ ack: 1000 }).write(1000).write(1000).clear();
  script.pass(5_000);
  const sent = kinds(script);
  t.true(sent.length >= 2);
  t.true(sent.every((kind) => !kind.includes('ECT')));
});

test('section 6.1.3: every acknowledgment tells of a mark until the peer has reduced its window', (t) => {
  const script = Script.established(MARKED);
  script.inject({ length: 1000, ecn: 'capable' }).inject({ length: 1000, ecn: 'capable' });
  t.deepEqual(kinds(script), ['. 0']);
  script.inject({ length: 1000, ecn: 'experienced' });
  t.deepEqual(kinds(script), ['.E 0'], 'at once');
  script.inject({ length: 1000 }).inject({ length: 1000 }).write(10);
  t.deepEqual(kinds(script), ['.E 0', 'P.E 10 ECT']);
  script.inject({ length: 1000, flags: '.W', ecn: 'experienced' });
  t.deepEqual(kinds(script), ['.E 0'], 'told, and marked again');
  script.inject({ length: 2000, flags: '.W' });
  t.deepEqual(kinds(script), ['. 0']);
  script.inject({ ecn: 'experienced' }).inject({ flags: '.F', ecn: 'experienced' });
  t.deepEqual(kinds(script), ['. 0'], 'what has no data is not believed to have been marked');
});

test('section 6.1.3: a mark outside of the window is not heard', (t) => {
  const script = Script.established(MARKED);
  script.inject({ offset: 900_000, length: 1000, ecn: 'experienced' });
  t.false(script.record.congestionMarks.echoing);
});

test('section 6.1.2: one window of data is answered by one reduction, and the next new segment says so', (t) => {
  const script = inFlight();
  const { congestion } = script.record;
  script.inject({ ack: 2000, flags: '.E' });
  t.is(congestion.windowLength, 5000);
  t.is(congestion.slowStartThresholdLength, 5000);
  t.deepEqual(kinds(script), []);
  for (let ack = 3000; ack <= 6000; ack += 1000) script.inject({ ack, flags: '.E' });
  t.is(congestion.windowLength, 5000, 'no growth, and no second reduction');
  script.inject({ ack: 8000, flags: '.E' });
  t.deepEqual(kinds(script), ['.W 1000 ECT', '. 1000 ECT']);
  script.inject({ ack: 11_000, flags: '.E' }).clear();
  t.is(congestion.windowLength, 5000, 'these were still sent before it');
  script.inject({ ack: 13_000, flags: '.E' });
  t.true(congestion.windowLength < 3000, 'what was sent behind the reduction was marked again');
  script.inject({ ack: 15_000 });
  t.is(kinds(script)[0], '.W 1000 ECT');
});

test('section 6.1.2: a loss in the window that has been reduced for marks costs nothing more', (t) => {
  const plain = inFlight();
  plain.inject({ ack: 2000, flags: '.E' });
  for (let count = 0; count < 3; count++) plain.inject({ ack: 2000 });
  t.is(plain.record.loss.phase, 'fast-recovery');
  t.is(plain.record.congestion.slowStartThresholdLength, 5000);

  const selective = inFlight(SELECTIVE);
  selective.inject({ ack: 2000, flags: '.E' });
  const base = selective.record.send.initialSequence + 1;
  selective.pass(20).inject({ ack: 2000, options: { sackBlocks: [{ left: base + 5000, right: base + 9000 }] } });
  selective.pass(20);
  t.is(selective.record.loss.phase, 'fast-recovery');
  t.is(selective.record.congestion.slowStartThresholdLength, 5000);
});

test('section 6.1.2: a window that a loss has reduced is told of as well', (t) => {
  const script = inFlight();
  for (let count = 0; count < 3; count++) script.inject({ ack: 1000 });
  script.clear();
  script.inject({ ack: 13_000 });
  t.is(kinds(script)[0], '.W 1000 ECT');
});

test('what tells of a reduction is a single segment, not a super-segment', (t) => {
  const script = inFlight({ ...MARKED, config: { maxSuperSegmentLength: 5000 } });
  script.inject({ ack: 2000, flags: '.E' }).clear();
  script.inject({ ack: 11_000 });
  t.deepEqual(kinds(script).slice(0, 2), ['.W 1000 ECT', '. 5000 ECT']);
});

test('what was agreed travels; the marks of the old path do not', (t) => {
  const script = inFlight();
  script.inject({ ack: 2000, length: 1000, flags: '.E', ecn: 'experienced' }).clear();
  const { record } = script;
  suspend(record);
  const writer = new Writer();
  encodeFrozen(writer, freeze(record));
  const frozen = decodeFrozen(new Reader(writer.finish()));
  if (frozen === undefined) return t.fail('does not decode');
  const moved = thaw({ ...DEFAULT_TCP_CONFIG, maximumSegmentSize: 1000 }, 5, frozen, {
    readOffset: 0,
    input: [patterned(0, 1000)],
    acknowledgedOffset: 2000,
    output: [patterned(2000, 29_000)],
    ended: false,
  });
  resume(moved, 5, { peerWindow: 60_000 });
  resume(record, 5, { peerWindow: 60_000 });
  for (const { congestionMarks } of [moved, record]) {
    t.deepEqual(congestionMarks, { agreed: true, echoing: false, reductionUntold: false, reducedOffset: -1 });
  }
});

test('a path that marks instead of losing: everything arrives, and nothing is sent twice', (t) => {
  let markedCount = 0;
  const pair = Pair.connected({
    client: { explicitCongestion: 'offered' },
    marks: ({ index }) => {
      if (index % 30 !== 0) return false;
      markedCount++;
      return true;
    },
  });
  const bytes = patterned(0, 2_000_000);
  pair.write(pair.server, bytes);
  t.true(pair.run(60_000, () => pair.client.receivedLength === bytes.length));
  t.true(pair.client.bytes().equals(bytes));
  t.true(markedCount > 20);
  const payloadLength = pair.server.sent.reduce((sum, segment) => sum + segment.payloadLength, 0);
  t.is(payloadLength, bytes.length);
  t.true(pair.server.open.congestion.slowStartThresholdLength < Infinity);
});
