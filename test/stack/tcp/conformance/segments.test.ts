// What every segment of ours has, and limits that RFC 9293 sets to our own.

import test from 'ava';
import { DEFAULT_TCP_CONFIG } from '@migratory/stack/internal/tcp/config.js';
import { encodeOptions, type SegmentOptions } from '@migratory/stack/internal/wire/options.js';
import { FLAG } from '@migratory/stack/internal/wire/segment.js';
import { Pair } from '../../../support/pair.js';
import { patterned, Script } from '../../../support/script.js';

test('MUST-65: the MSS is in SYNs, and in nothing else', (t) => {
  const pair = Pair.connected({ rule: ({ index }) => (index % 7 === 5 ? [] : [5]) });
  pair.write(pair.client, patterned(0, 200_000));
  pair.write(pair.server, patterned(0, 50_000));
  pair.run(60_000, () => pair.server.receivedLength === 200_000 && pair.client.receivedLength === 50_000);
  const sent = [...pair.client.sent, ...pair.server.sent];
  t.true(sent.length > 100);
  for (const { flags, options } of sent) t.is(options.maximumSegmentSize !== undefined, (flags & FLAG.syn) !== 0);
});

test('MUST-69: the padding behind the options is zero', (t) => {
  const options: SegmentOptions = { migrate: { kind: 'capable', flags: 0 } };
  const bytes = new Uint8Array(40).fill(0xff);
  const length = encodeOptions(options, bytes, 0);
  const ownLength = bytes[1] ?? 0;
  t.true(ownLength < length, 'there is padding');
  t.is(length % 4, 0);
  t.deepEqual([...bytes.subarray(ownLength, length)], new Array<number>(length - ownLength).fill(0));
});

test('REC-1: a window of a gigabyte is kept as one', (t) => {
  const script = Script.established({
    config: { windowScaling: true },
    synOptions: { maximumSegmentSize: 1000, windowScale: 14 },
  });
  script.inject({ window: 65_535 });
  t.is(script.record.send.windowLength, 65_535 * 2 ** 14);
});

test('SHLD-10, SHLD-11: who sends in vain tells of it after three timeouts, and gives up after 100 seconds at least', (t) => {
  t.true(DEFAULT_TCP_CONFIG.troubleTimeoutCount >= 3);
  t.true(DEFAULT_TCP_CONFIG.userTimeoutMs >= 100_000);
  const script = Script.established();
  script.write(10).pass(100_000);
  t.is(script.record.state, 'established');
});

test('MUST-40: no acknowledgment may be held back for half a second', (t) => {
  t.true(DEFAULT_TCP_CONFIG.delayedAckMs < 500);
});
