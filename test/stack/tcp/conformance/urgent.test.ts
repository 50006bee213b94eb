// Urgent data (RFC 9293 section 3.8.5, RFC 6093): data in its place, and what is told of it.

import test from 'ava';
import { decodeSegment, encodeSegmentHeader, FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';
import { patterned, Script } from '../../../support/script.js';

/** Of the peer: `length` bytes at `offset`, with an urgent pointer, through the bytes of the wire. */
function urgent(script: Script, offset: number, length: number, urgentPointer: number): void {
  const payload = patterned(offset, length);
  const sent: Segment = {
    sequence: (script.peerSequence + 1 + offset) >>> 0,
    acknowledgment: (script.record.send.initialSequence + 1) >>> 0,
    flags: FLAG.ack | FLAG.urg,
    window: 1000,
    urgentPointer,
    options: {},
    payload: [],
    payloadLength: 0,
  };
  const decoded = decodeSegment(Buffer.concat([encodeSegmentHeader(sent), payload]));
  if (decoded.kind !== 'segment') throw new Error(decoded.reason);
  script.input({ kind: 'segment', segment: decoded.segment });
}

function urgentLength({ record }: Script): number {
  return Math.max(0, record.receive.urgentEndOffset - record.receive.readOffset);
}

test('MUST-30, MUST-62: the pointer says where the urgent data ends, and the data stays in its place', (t) => {
  const script = Script.established();
  urgent(script, 0, 100, 40);
  t.deepEqual(script.kinds(), ['urgent', 'readable']);
  t.is(script.record.receive.urgentEndOffset, 40);
  t.deepEqual(Buffer.from(script.readAll()), Buffer.from(patterned(0, 100)));
});

test('MUST-31: urgent data may be longer than what is here yet, and than one pointer reaches', (t) => {
  const script = Script.established();
  urgent(script, 0, 10, 65_535);
  t.is(urgentLength(script), 65_535);
  urgent(script, 10, 10, 65_535);
  t.is(urgentLength(script), 65_545);
});

test('MUST-32: it is told when the pointer comes, and when it moves on, and not else', (t) => {
  const script = Script.established();
  const told = (): number => script.kinds().filter((kind) => kind === 'urgent').length;
  urgent(script, 0, 10, 20);
  urgent(script, 10, 5, 10);
  t.is(told(), 1, 'the same end once more');
  urgent(script, 15, 5, 6);
  t.is(told(), 2);
  script.inject({ offset: 20, length: 5 });
  t.is(told(), 2);
  urgent(script, 25, 5, 0);
  t.is(told(), 2, 'behind what was told already');
});

test('MUST-33: how much of it is left to read is known', (t) => {
  const script = Script.established();
  urgent(script, 0, 100, 150);
  t.is(urgentLength(script), 150);
  script.readAll();
  t.is(urgentLength(script), 50);
  script.inject({ offset: 100, length: 100 }).readAll();
  t.is(urgentLength(script), 0);
});

test('MUST-66: with the window closed the pointer is still heard', (t) => {
  const script = Script.established({ config: { receiveBufferLength: 1000, initialReceiveWindowLength: 1000 } });
  // The window never says less than the segment that fills it.
  script.inject({ length: 1000 }).clear();
  urgent(script, 1000, 0, 30);
  t.deepEqual(script.kinds(), ['urgent']);
});

test('a pointer behind the end of the stream, or in a segment that is not acceptable, says nothing', (t) => {
  const script = Script.established();
  urgent(script, 10_000_000, 10, 5);
  t.deepEqual(script.kinds(), []);
  script.inject({ flags: 'F.' }).clear();
  urgent(script, 1, 0, 5);
  t.deepEqual(script.kinds(), []);
});
