// Timestamps (RFC 7323): what is too old to be true; and what was sent in other times.

import test from 'ava';
import { DEFAULT_TCP_CONFIG } from '@migratory/stack/internal/tcp/config.js';
import { decodeFrozen, encodeFrozen, freeze } from '@migratory/stack/internal/tcp/freeze.js';
import { minimumOf } from '@migratory/stack/internal/tcp/recent-minimum.js';
import { Reader, Writer } from '@migratory/stack/internal/wire/cursor.js';
import { Script } from '../../support/script.js';

const DAY_MS = 24 * 3600 * 1000;

function stamped(value: number): { readonly timestamps: { readonly value: number; readonly echo: number } } {
  return { timestamps: { value, echo: 0 } };
}

function established(): Script {
  return Script.established({
    config: { timestamps: true },
    synOptions: { maximumSegmentSize: 1000, ...stamped(5000) },
  });
}

test('section 5.3 R1: a segment with an older timestamp is answered and not taken', (t) => {
  const script = established();
  script.inject({ length: 10, options: stamped(5100) }).clear();
  script.inject({ length: 10, options: stamped(5099) });
  t.is(script.record.receive.nextOffset, 10);
  t.is(script.take().length, 1);
});

test('section 5.3: a reset is not judged by its timestamp', (t) => {
  const script = established();
  script.inject({ length: 10, options: stamped(5100) });
  script.inject({ flags: 'R', options: stamped(1) });
  t.is(script.record.state, 'closed');
});

test('section 5.5: after 24 days of silence an older timestamp counts again', (t) => {
  const script = established();
  script.inject({ length: 10, options: stamped(5100) });
  script.pass(23 * DAY_MS).inject({ length: 10, offset: 10, options: stamped(5000) });
  t.is(script.record.receive.nextOffset, 10);
  script.pass(2 * DAY_MS).inject({ length: 10, offset: 10, options: stamped(5000) });
  t.is(script.record.receive.nextOffset, 20);
  t.is(script.record.timestamps.recent, 5000);
});

test('section 3.2: once agreed, a segment without a timestamp is not taken', (t) => {
  const script = established();
  script.inject({ length: 10 });
  t.is(script.record.receive.nextOffset, 0);
});

test('section 4.3: what is echoed is that of the segment that the last acknowledgment reaches', (t) => {
  const script = established();
  script.inject({ offset: 500, length: 10, options: stamped(5200) });
  t.is(script.record.timestamps.recent, 5000, 'it came behind a gap');
  script.inject({ offset: 0, length: 500, options: stamped(5150) });
  t.is(script.record.timestamps.recent, 5150);
});

for (const [habit, everyMs] of [
  ['is silent', Infinity],
  ['only receives', DAY_MS],
] as const) {
  for (const days of [1, 13, 26, 40, 55]) {
    test(`after ${days} days in which it ${habit} a connection still knows what is echoed`, (t) => {
      const selective = liveFor(days * DAY_MS, everyMs, true);
      const { record } = selective;
      const base = record.send.initialSequence + 1;
      const sackBlocks = [{ left: (base + 988) >>> 0, right: (base + 5 * 988) >>> 0 }];
      selective.inject({ ack: 0, options: { ...echoing(selective), sackBlocks } });
      t.is(record.flight.sackedLength, 4 * 988, 'a block is taken');
      const plain = liveFor(days * DAY_MS, everyMs, false);
      plain.inject({ ack: 988, options: echoing(plain) });
      t.is(plain.record.rtt.smoothedMs, 50, 'a round trip is measured');
      plain.inject({ length: 10, options: echoing(plain) });
      t.is(minimumOf(plain.record.receive.tuning.roundTripMs), 50, 'for the receive window too');
    });
  }
}

/** A connection of that age, with five segments in flight that left 50 ms ago. */
function liveFor(ageMs: number, everyMs: number, selectiveAcknowledgments: boolean): Script {
  const script = Script.established({
    config: { timestamps: true, selectiveAcknowledgments, receiveBufferLength: 2 ** 20 },
    synOptions: {
      maximumSegmentSize: 1000,
      ...stamped(5000),
      ...(selectiveAcknowledgments ? { sackPermitted: true } : {}),
    },
  });
  const end = script.now + ageMs;
  while (script.now + everyMs < end) {
    script.pass(everyMs).inject({ length: 10, options: echoing(script) });
    script.pass(1000).readAll();
  }
  script
    .pass(end - script.now)
    .write(5 * 988)
    .pass(50)
    .clear();
  return script;
}

/** What a peer with our own clock sends now. */
function echoing({ record, now }: Script): ReturnType<typeof stamped> {
  return { timestamps: { value: now >>> 0, echo: record.timestamps.lastSent } };
}

test('MUST-23: a SYN is sent again for three minutes before the attempt is given up', (t) => {
  const script = Script.active({ config: { synRetryCount: DEFAULT_TCP_CONFIG.synRetryCount } });
  script.pass(180_000);
  t.is(script.record.state, 'syn-sent');
});

test('the permission for SACK travels; an image from before it was known goes on without', (t) => {
  const script = Script.established({
    config: { selectiveAcknowledgments: true },
    synOptions: { maximumSegmentSize: 1000, sackPermitted: true },
  });
  const writer = new Writer();
  encodeFrozen(writer, freeze(script.record));
  const bytes = writer.finish().slice();
  t.true(decodeFrozen(new Reader(bytes))?.sackPermitted);
  bytes[1] = (bytes[1] ?? 0) & 0x0f;
  t.false(decodeFrozen(new Reader(bytes))?.sackPermitted);
});
