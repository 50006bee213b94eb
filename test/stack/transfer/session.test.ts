// Sessions between members on virtual time: hello, limits, silence.

import test from 'ava';
import { frameHeader } from '@migratory/stack/internal/transfer/framing.js';
import { TRANSFER_LIMITS } from '@migratory/stack/internal/transfer/limits.js';
import { encodePeerMessage } from '@migratory/stack/internal/transfer/message-codec.js';
import type { ControlMessage, PeerMessage } from '@migratory/stack/internal/transfer/messages.js';
import {
  handle,
  openSession,
  poll,
  type SessionEvent,
  type SessionInput,
  type SessionRecord,
} from '@migratory/stack/internal/transfer/session.js';

const limits = { ...TRANSFER_LIMITS, maxImageLength: 1_000, maxUnsentLength: 2_000 };
const pull: PeerMessage = { kind: 'pull', count: 3 };
const HELLO = { kind: 'hello', protocolVersion: 1, member: 2, incarnation: '00000000000000b2' } as const;

/** One side, what it has written since the last look, and its events. */
class Side {
  readonly record: SessionRecord;
  readonly events: SessionEvent[] = [];
  written: Uint8Array[] = [];
  until = 0;

  constructor(
    member: number,
    peer: number,
    incarnation = `00000000000000a${member}`,
    readonly now = 0,
  ) {
    this.record = openSession({ member, peer, incarnation, limits }, now);
    this.drain();
  }

  input(now: number, input: SessionInput): void {
    handle(this.record, now, input);
    this.drain();
  }

  says(now: number, message: PeerMessage | ControlMessage): void {
    const bytes = encodePeerMessage(message);
    this.input(now, { kind: 'bytes-received', bytes: Buffer.concat([frameHeader(bytes.length), bytes]) });
  }

  take(): Uint8Array {
    const bytes = Buffer.concat(this.written);
    this.written = [];
    return bytes;
  }

  drain(): void {
    for (;;) {
      const output = poll(this.record);
      if (output.kind === 'wait') {
        this.until = output.until;
        return;
      }
      if (output.kind === 'write') this.written.push(...output.chunks);
      else this.events.push(output);
    }
  }
}

/** Member 1, up with a member 2 that the test plays. */
function upSide(now = 0): Side {
  const side = new Side(1, 2, undefined, now);
  side.says(now, HELLO);
  side.take();
  side.events.length = 0;
  return side;
}

test('two sides greet, are up, and messages pass both ways whatever the pieces', (t) => {
  const [one, two] = [new Side(1, 2), new Side(2, 1)];
  const exchange = (): void => {
    const [fromOne, fromTwo] = [one.take(), two.take()];
    for (const byte of fromOne) two.input(1, { kind: 'bytes-received', bytes: Uint8Array.of(byte) });
    one.input(1, { kind: 'bytes-received', bytes: fromTwo });
  };
  exchange();
  t.deepEqual(one.events, [{ kind: 'up', incarnation: '00000000000000a2' }]);
  t.deepEqual(two.events, [{ kind: 'up', incarnation: '00000000000000a1' }]);
  one.input(1, { kind: 'send', message: pull });
  two.input(1, { kind: 'send', message: { kind: 'returned', cid: '0123456789abcdef', epoch: 7 } });
  exchange();
  t.deepEqual(two.events.at(-1), { kind: 'message', message: pull });
  t.deepEqual(one.events.at(-1), {
    kind: 'message',
    message: { kind: 'returned', cid: '0123456789abcdef', epoch: 7 },
  });
});

const badGreetings: [string, PeerMessage | ControlMessage, string][] = [
  ['another member than the certificate names', { ...HELLO, member: 3 }, 'wrong-member'],
  ['another version', { ...HELLO, protocolVersion: 2 }, 'unsupported-version'],
  ['no hello', pull, 'no-hello'],
  ['a ping before the hello', { kind: 'ping' }, 'no-hello'],
];
for (const [name, message, reason] of badGreetings) {
  test(`T1: a session that begins with ${name} fails`, (t) => {
    const side = new Side(1, 2);
    side.says(1, message);
    t.deepEqual(side.events, [{ kind: 'failed', reason }]);
    side.says(1, HELLO);
    side.says(1, pull);
    t.is(side.events.length, 1, 'T3: nothing is believed afterwards');
    t.is(side.until, Infinity);
  });
}

test('a session that is not greeted in time fails', (t) => {
  const side = new Side(1, 2);
  t.is(side.until, limits.helloTimeoutMs);
  side.input(limits.helloTimeoutMs - 1, { kind: 'deadline' });
  t.deepEqual(side.events, []);
  side.input(limits.helloTimeoutMs, { kind: 'deadline' });
  t.deepEqual(side.events, [{ kind: 'failed', reason: 'hello-timeout' }]);
});

test('a second hello, a malformed message and a frame over the limit end the session', (t) => {
  const faults: [Uint8Array, string][] = [
    [Buffer.concat([frameHeader(13), encodePeerMessage(HELLO)]), 'unexpected-hello'],
    [Buffer.concat([frameHeader(1), Uint8Array.of(99)]), 'malformed-message'],
    [frameHeader(0), 'malformed-message'],
    [frameHeader(limits.maxImageLength + 65), 'frame-too-long'],
  ];
  for (const [bytes, reason] of faults) {
    const side = upSide();
    const whole = Buffer.concat([bytes, frameHeader(3), encodePeerMessage(pull)]);
    side.input(1, { kind: 'bytes-received', bytes: frameHeader(0).length === bytes.length ? bytes : whole });
    t.deepEqual(side.events, [{ kind: 'failed', reason }]);
  }
});

test('a quiet peer is asked, and its answer keeps the session', (t) => {
  const side = upSide(1_000);
  t.is(side.until, 1_000 + limits.pingIntervalMs);
  side.input(side.until, { kind: 'deadline' });
  t.deepEqual([...side.take()], [0, 0, 0, 1, 2]);
  t.is(side.until, 1_000 + limits.peerSilenceMs);
  side.says(4_000, { kind: 'pong' });
  t.is(side.until, 4_000 + limits.pingIntervalMs);
  side.says(5_000, { kind: 'ping' });
  t.deepEqual([...side.take()], [0, 0, 0, 1, 3]);
  t.deepEqual(side.events, []);
});

test('T2: a silent peer is down, but only after it had time to answer', (t) => {
  const side = upSide(0);
  side.input(60_000, { kind: 'deadline' });
  t.deepEqual(side.events, [], 'we were the ones who stood still');
  t.is(side.until, 60_000 + limits.peerSilenceMs - limits.pingIntervalMs);
  side.input(side.until, { kind: 'deadline' });
  t.deepEqual(side.events, [{ kind: 'failed', reason: 'silent' }]);
});

test('what a blocked stream does not take waits, up to the limit, and the rest is undelivered', (t) => {
  const side = upSide();
  side.input(1, { kind: 'blocked' });
  const image: PeerMessage = {
    kind: 'image',
    exchange: 1,
    cid: '0000000000000001',
    epoch: 1,
    image: new Uint8Array(990),
  };
  for (let count = 0; count < 3; count++) side.input(1, { kind: 'send', message: image });
  t.deepEqual(side.events, [{ kind: 'undelivered', message: 'image', reason: 'queue-full' }]);
  side.says(1, { kind: 'ping' });
  t.is(side.take().length, 0);
  side.input(2, { kind: 'drained' });
  t.is(side.take().length, 2 * (4 + 19 + 990), 'two images, and no pong for one who does not read');
  side.input(3, { kind: 'send', message: pull });
  t.is(side.take().length, 7);
});

test('an image over the limit is undelivered, and the session goes on', (t) => {
  const side = upSide();
  const image = new Uint8Array(limits.maxImageLength + 1);
  side.input(1, { kind: 'send', message: { kind: 'image', exchange: 1, cid: '0000000000000001', epoch: 1, image } });
  t.deepEqual(side.events, [{ kind: 'undelivered', message: 'image', reason: 'image-too-large' }]);
  side.input(1, { kind: 'send', message: pull });
  t.is(side.take().length, 7);
});

test('a stream that ends ends the session, once', (t) => {
  const side = upSide();
  side.input(1, { kind: 'closed' });
  side.input(1, { kind: 'closed' });
  t.deepEqual(side.events, [{ kind: 'failed', reason: 'closed' }]);
});
