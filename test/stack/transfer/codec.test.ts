// The bytes between members: every message survives the round trip, and every other sequence of bytes is refused by name.

import test from 'ava';
import fc from 'fast-check';
import { frameHeader, newFrameReader, readFrames } from '@migratory/stack/internal/transfer/framing.js';
import {
  decodePeerMessage,
  encodePeerMessage,
  messageLengthBound,
} from '@migratory/stack/internal/transfer/message-codec.js';
import type { ControlMessage, PeerMessage } from '@migratory/stack/internal/transfer/messages.js';
import { REFUSAL_REASONS } from '@migratory/stack/internal/wire/refusal-reason.js';

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const id = bytes(8).map((value) => Buffer.from(value).toString('hex'));
const about = { exchange: u32, cid: id, epoch: u16 };

const message: fc.Arbitrary<PeerMessage | ControlMessage> = fc.oneof(
  fc.record({ kind: fc.constant('hello' as const), protocolVersion: u16, member: u16, incarnation: id }),
  fc.constantFrom({ kind: 'ping' as const }, { kind: 'pong' as const }),
  fc.record({
    kind: fc.constant('fetch' as const),
    ...about,
    origin: u16,
    acceptedEpoch: u32,
    receiveNext: u32,
    sendUnacknowledged: u32,
    nonce: u32,
    mac: bytes(12),
  }),
  fc.record({ kind: fc.constant('image' as const), ...about, image: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({
    kind: fc.constant('refuse' as const),
    ...about,
    reason: fc.constantFrom(...REFUSAL_REASONS),
    holder: u16,
    failMac: fc.oneof(bytes(0), bytes(8)),
  }),
  fc.record({ kind: fc.constantFrom('installed' as const, 'returned' as const), cid: id, epoch: u16 }),
  fc.record({ kind: fc.constantFrom('inquire' as const, 'held' as const, 'disclaimed' as const), ...about }),
  fc.record({ kind: fc.constant('pull' as const), count: u16 }),
);

test('every message survives the round trip', (t) => {
  fc.assert(
    fc.property(message, (value) => {
      const encoded = encodePeerMessage(value);
      t.deepEqual(decodePeerMessage(encoded), { kind: 'message', message: value });
      t.true(encoded.length <= messageLengthBound(value));
    }),
  );
});

test('a message that is cut at any byte is truncated, one that goes on has trailing bytes', (t) => {
  fc.assert(
    fc.property(message, (value) => {
      const encoded = encodePeerMessage(value);
      for (let length = 0; length < encoded.length; length++) {
        t.deepEqual(decodePeerMessage(encoded.subarray(0, length)), { kind: 'malformed', reason: 'truncated' });
      }
      const longer = new Uint8Array(encoded.length + 1);
      longer.set(encoded);
      t.deepEqual(decodePeerMessage(longer), { kind: 'malformed', reason: 'trailing-bytes' });
    }),
  );
});

test('garbage is never an exception, and what it decodes to encodes to the same bytes', (t) => {
  const garbage = fc.tuple(fc.nat({ max: 30 }), fc.uint8Array({ maxLength: 80 }));
  fc.assert(
    fc.property(garbage, ([code, rest]) => {
      const input = Uint8Array.of(code, ...rest);
      const decoded = decodePeerMessage(input);
      if (decoded.kind === 'malformed') return;
      // A reason that we do not know reads as another one; everything else is kept.
      if (decoded.message.kind !== 'refuse') t.deepEqual(encodePeerMessage(decoded.message), input);
    }),
    { numRuns: 2_000 },
  );
  t.deepEqual(decodePeerMessage(Uint8Array.of(0)), { kind: 'malformed', reason: 'unknown-kind' });
  t.deepEqual(decodePeerMessage(Uint8Array.of(255, 1, 2)), { kind: 'malformed', reason: 'unknown-kind' });
});

test('an image over the limit is refused by its length field, and one at the limit is not', (t) => {
  const image = (length: number) =>
    encodePeerMessage({ kind: 'image', exchange: 1, cid: '0000000000000001', epoch: 2, image: new Uint8Array(length) });
  t.is(decodePeerMessage(image(100), 100).kind, 'message');
  t.deepEqual(decodePeerMessage(image(101), 100), { kind: 'malformed', reason: 'image-too-large' });
  // The bytes need not be there.
  t.deepEqual(decodePeerMessage(image(101).subarray(0, 19), 100), { kind: 'malformed', reason: 'image-too-large' });
});

test('a refusal carries a mac of 8 bytes or none', (t) => {
  const refuse = encodePeerMessage({
    kind: 'refuse',
    exchange: 1,
    cid: '0000000000000001',
    epoch: 2,
    reason: 'busy',
    holder: 0,
    failMac: new Uint8Array(7),
  });
  t.deepEqual(decodePeerMessage(refuse), { kind: 'malformed', reason: 'bad-mac-length' });
});

function frame(payload: Uint8Array): Uint8Array {
  return Buffer.concat([frameHeader(payload.length), payload]);
}

test('frames come out whole however the stream is cut', (t) => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 6 });
  fc.assert(
    fc.property(payloads, fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), (frames, cuts) => {
      const stream = Buffer.concat(frames.map(frame));
      const reader = newFrameReader();
      const out: Uint8Array[] = [];
      for (let at = 0, cut = 0; at < stream.length; cut++) {
        const end = at + (cuts[cut % cuts.length] ?? 1);
        const read = readFrames(reader, stream.subarray(at, end), 700);
        t.is(read.kind, 'frames');
        out.push(...read.frames);
        at = end;
      }
      t.deepEqual(
        out.map((bytes) => [...bytes]),
        frames.map((bytes) => [...bytes]),
      );
    }),
  );
});

test('a frame over the limit is refused at its header, after the frames before it', (t) => {
  const reader = newFrameReader();
  const stream = Buffer.concat([frame(Uint8Array.of(1)), frameHeader(0xffffffff)]);
  const first = readFrames(reader, stream.subarray(0, 7), 10);
  t.deepEqual([first.kind, first.frames.length], ['frames', 1]);
  const rest = readFrames(reader, stream.subarray(7), 10);
  t.deepEqual(rest, { kind: 'frame-too-long', frames: [], claimedLength: 0xffffffff });
  t.is(readFrames(newFrameReader(), frame(new Uint8Array(10)), 10).kind, 'frames');
  t.is(readFrames(newFrameReader(), frame(new Uint8Array(11)), 10).kind, 'frame-too-long');
});

test('a length that is only claimed costs no memory', (t) => {
  const reader = newFrameReader();
  readFrames(reader, frameHeader(1_000_000), 1_000_000);
  readFrames(reader, new Uint8Array(1_000), 1_000_000);
  t.true(reader.gathered.length <= 2_048, `${reader.gathered.length} bytes`);
});
