// Links between members on virtual time: when they dial, what waits, who is up.

import test from 'ava';
import { TRANSFER_LIMITS } from '@migratory/stack/internal/transfer/limits.js';
import {
  handle,
  openLink,
  poll,
  type LinkEvent,
  type LinkInput,
  type SessionDirection,
} from '@migratory/stack/internal/transfer/link.js';
import type { PeerMessage } from '@migratory/stack/internal/transfer/messages.js';

const limits = { ...TRANSFER_LIMITS, maxWaitingLength: 128 };
const { peerConnectTimeoutMs, minBackOffMs, maxBackOffMs } = limits;
const pull = (count: number): PeerMessage => ({ kind: 'pull', count });

class Subject {
  readonly record = openLink(2, limits);
  until = Infinity;

  /** The events of one input, in short. */
  input(now: number, input: LinkInput): string[] {
    handle(this.record, now, input);
    const events: LinkEvent[] = [];
    for (;;) {
      const output = poll(this.record);
      if (output.kind !== 'wait') {
        events.push(output);
        continue;
      }
      this.until = output.until;
      return events.map(shorten);
    }
  }

  send(now: number, count: number): string[] {
    return this.input(now, { kind: 'send', message: pull(count) });
  }

  up(now: number, session: number, direction: SessionDirection, incarnation = 'a'): string[] {
    return this.input(now, { kind: 'session-up', session, direction, incarnation });
  }
}

function shorten(event: LinkEvent): string {
  switch (event.kind) {
    case 'transmit':
      return `transmit ${event.session} ${event.message.kind === 'pull' ? event.message.count : ''}`;
    case 'end-session':
      return `end ${event.session} ${event.reason}`;
    case 'up':
      return `up ${event.incarnation}`;
    case 'undelivered':
      return `undelivered ${event.reason}`;
    default:
      return event.kind;
  }
}

test('L1: the first message dials, the others wait with it, and leave in order', (t) => {
  const link = new Subject();
  t.deepEqual(link.send(0, 1), ['dial']);
  t.deepEqual(link.send(1, 2), []);
  t.deepEqual(link.up(5, 1, 'dialled'), ['up a', 'transmit 1 1', 'transmit 1 2']);
  t.deepEqual(link.send(6, 3), ['transmit 1 3']);
  t.is(link.until, Infinity);
});

test('an accepted session carries what waits for a dial', (t) => {
  const link = new Subject();
  link.send(0, 1);
  t.deepEqual(link.up(1, 1, 'accepted'), ['up a', 'transmit 1 1']);
  t.deepEqual(link.input(2, { kind: 'dial-failed' }), [], 'nobody waits for it any more');
});

test('two dials that cross leave two sessions, of which the older one is kept to', (t) => {
  const link = new Subject();
  link.send(0, 1);
  link.up(1, 1, 'accepted');
  t.deepEqual(link.up(2, 2, 'dialled'), []);
  t.deepEqual(link.send(3, 2), ['transmit 1 2']);
  t.deepEqual(link.input(4, { kind: 'session-ended', session: 1 }), ['down', 'up a'], 'L4');
  t.deepEqual(link.send(5, 3), ['transmit 2 3']);
  t.deepEqual(link.input(6, { kind: 'session-ended', session: 2 }), ['down']);
  t.deepEqual(link.send(7, 4), ['dial']);
});

test('L2: a newly accepted session replaces the accepted one before it', (t) => {
  const link = new Subject();
  link.up(0, 1, 'accepted');
  t.deepEqual(link.up(1, 2, 'accepted'), ['end 1 replaced', 'down', 'up a']);
  t.deepEqual(link.input(2, { kind: 'session-ended', session: 1 }), []);
});

test('L3: a session of another incarnation makes the earlier ones void', (t) => {
  const link = new Subject();
  link.up(0, 1, 'dialled');
  link.up(1, 2, 'accepted');
  t.deepEqual(link.up(2, 3, 'accepted', 'b'), ['end 1 other-incarnation', 'end 2 other-incarnation', 'down', 'up b']);
  t.deepEqual(link.send(3, 1), ['transmit 3 1']);
});

test('a failed dial ends what waits at once, and the next one waits twice as long each time, bounded', (t) => {
  const link = new Subject();
  let now = 0;
  let backOff = minBackOffMs;
  t.deepEqual(link.send(now, 1), ['dial']);
  for (let attempt = 0; attempt < 10; attempt++) {
    t.deepEqual(link.input(now, { kind: 'dial-failed' }), ['undelivered unreachable', 'down']);
    t.is(link.until, now + backOff);
    t.deepEqual(link.send(now, 1), [], 'it waits for the back-off to end');
    now += backOff;
    t.deepEqual(link.input(now, { kind: 'deadline' }), ['dial']);
    backOff = Math.min(backOff * 2, maxBackOffMs);
  }
  link.up(now, 1, 'dialled');
  link.input(now, { kind: 'session-ended', session: 1 });
  link.send(now, 1);
  link.input(now, { kind: 'dial-failed' });
  t.is(link.until, now + minBackOffMs, 'a session that was up clears it');
});

test('after a back-off nobody is dialled for nothing', (t) => {
  const link = new Subject();
  link.send(0, 1);
  link.input(0, { kind: 'dial-failed' });
  t.deepEqual(link.input(minBackOffMs, { kind: 'deadline' }), []);
  t.is(link.until, Infinity);
});

test('a message that found no session by its deadline is undelivered, and the dial is abandoned', (t) => {
  const link = new Subject();
  link.send(0, 1);
  link.send(10, 2);
  t.is(link.until, peerConnectTimeoutMs);
  t.deepEqual(link.input(peerConnectTimeoutMs, { kind: 'deadline' }), [
    'undelivered timed-out',
    'down',
    'abandon-dial',
    'undelivered unreachable',
    'down',
  ]);
});

test('what waits is bounded', (t) => {
  const link = new Subject();
  link.send(0, 1);
  link.send(0, 2);
  t.deepEqual(link.send(0, 3), ['undelivered queue-full', 'down']);
  t.deepEqual(link.up(1, 1, 'dialled'), ['up a', 'transmit 1 1', 'transmit 1 2']);
});

test('L4: a session that can not take a message says so, and stays', (t) => {
  const link = new Subject();
  link.up(0, 1, 'dialled');
  t.deepEqual(link.input(1, { kind: 'undelivered', message: 'image', reason: 'queue-full' }), [
    'undelivered queue-full',
    'down',
    'up a',
  ]);
});
