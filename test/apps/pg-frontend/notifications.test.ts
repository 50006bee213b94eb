// Who hears what of one queue, and who tells the client: sessions that take each other's place, in any order of events.

import test from 'ava';
import fc from 'fast-check';
import { HandOverChannel, readHandedOver } from '@migratory/pg-frontend/internal/session/hand-over.js';
import { NotificationFilter } from '@migratory/pg-frontend/internal/session/notification-filter.js';
import { Notifications } from '@migratory/pg-frontend/internal/session/notifications.js';
import { LIMITS } from '@migratory/pg-frontend/internal/limits.js';
import { errorResponse, readyForQuery } from '@migratory/pg-frontend/internal/wire/backend-messages.js';
import { BACKEND, cString, int32, message } from '@migratory/pg-frontend/internal/wire/message.js';

const SECRET = Buffer.alloc(32, 3);
const CHANNEL = new HandOverChannel('0123456789abcdef', SECRET);
const OWN = CHANNEL.name;

function notified(channel: string, payload: string): Buffer {
  return message(BACKEND.notificationResponse, int32(4711), cString(channel), cString(payload));
}

/** What the database puts into its queue by a statement of ours: equal notifications of one transaction only once. */
function queued(statement: string): Buffer[] {
  const payloads = [...statement.matchAll(/'((?:arrived|pieces|end) [^']*)'/g)].map(([, payload = '']) => payload);
  return [...new Set(payloads)].map((payload) => notified(OWN, payload));
}

function arrived(turn: number, count: number): Buffer {
  const [marker = Buffer.alloc(0)] = queued(CHANNEL.arrivalStatement({ turn, count }));
  return marker;
}

function texts(messages: readonly Buffer[]): string[] {
  return messages.map((each) => each.toString('latin1'));
}

/** A session at the database, and how far it has read the queue. */
interface Listening {
  readonly notifications: Notifications;
  readonly turn: number;
  readonly count: number;
  position: number;
  state: 'unmarked' | 'marked' | 'closed';
}

type Order = 'newest' | 'oldest';

/** One queue, and a client whose sessions take each other's place. */
class World {
  readonly #queue: Buffer[] = [];
  readonly #sessions: Listening[] = [];
  readonly sent: Buffer[] = [];
  #stream: Buffer[] = [];
  /** The restart point: what of the stream it covers. */
  #covered = { length: 0, count: 0 };

  constructor() {
    this.#open();
  }

  #open(): void {
    const turn = this.#sessions.length;
    const { count } = this.#covered;
    const notifications = new Notifications(CHANNEL, { turn, count }, turn === 0 ? 'no-origin' : 'an-origin');
    const state = turn === 0 ? 'marked' : 'unmarked';
    this.#sessions.push({ notifications, turn, count, position: this.#queue.length, state });
  }

  get #current(): Listening {
    const session = this.#sessions.at(-1);
    if (session === undefined) throw new Error('there is always a session');
    return session;
  }

  notify(payload: string): void {
    const notification = notified('news', payload);
    this.sent.push(notification);
    this.#queue.push(notification);
  }

  mark(): void {
    const { state, turn, count } = this.#current;
    if (state !== 'unmarked') return;
    this.#queue.push(arrived(turn, count));
    this.#current.state = 'marked';
  }

  read(which: number): 'read' | 'nothing' {
    const session = this.#sessions.at(-1 - (which % this.#sessions.length));
    const entry = session && this.#queue[session.position];
    if (session === undefined || session.state === 'closed' || entry === undefined) return 'nothing';
    session.position++;
    session.notifications.hear(entry);
    return 'read';
  }

  answer(which: number): void {
    const session = this.#sessions.at(-1 - (which % this.#sessions.length));
    if (session === undefined || session.state === 'closed') return;
    const { answer } = session.notifications;
    if (answer.kind === 'not-yet') return;
    session.state = 'closed';
    if (answer.kind === 'hand-over') {
      this.#queue.push(...queued(CHANNEL.handOverStatement(answer.turn, answer.messages)));
    }
  }

  write(): void {
    this.#stream.push(...this.#current.notifications.take());
  }

  /** The session learns of it later, or not before it has moved. */
  snapshot(): void {
    this.#covered = { length: this.#stream.length, count: this.#current.notifications.count };
  }

  cover(): void {
    this.snapshot();
    this.#current.notifications.cover();
  }

  /** What no restart point covers has not left. */
  move(): void {
    this.#current.notifications.leave();
    this.#stream = this.#stream.slice(0, this.#covered.length);
    this.#open();
  }

  /** Until nobody has anything left to do. */
  settle(first: Order): readonly Buffer[] {
    this.catchUp(first);
    this.write();
    return this.#stream;
  }

  /** All read all that there is, and answer. */
  catchUp(first: Order): void {
    const order = [...this.#sessions.keys()];
    if (first === 'oldest') order.reverse();
    this.mark();
    let before = -1;
    while (before < this.#queue.length) {
      before = this.#queue.length;
      for (const which of order) {
        while (this.read(which) === 'read') continue;
        this.answer(which);
      }
    }
  }
}

/** The newest is 0. */
const which = fc.nat({ max: 3 });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('notify' as const), length: fc.nat({ max: 4000 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('read' as const, 'answer' as const), which }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('write' as const, 'snapshot' as const, 'cover' as const, 'mark' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('move' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('catchUp' as const) }) },
);

test('whenever sessions move, read, answer: the client sees exactly the queue', (t) => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 120 }),
      fc.boolean(),
      fc.constantFrom<Order>('newest', 'oldest'),
      (steps, areEqual, first) => {
        const world = new World();
        let number = 0;
        for (const each of steps) {
          if (each.kind === 'notify')
            world.notify(areEqual ? 'a'.repeat(4000) : `${number++} ${'b'.repeat(each.length)}`);
          else if (each.kind === 'read' || each.kind === 'answer') world[each.kind](each.which);
          else if (each.kind === 'catchUp') world.catchUp(first);
          else world[each.kind]();
        }
        const stream = world.settle(first);
        t.deepEqual(texts(stream), texts(world.sent));
      },
    ),
    { numRuns: 2000 },
  );
});

test('what a restart point covers is not handed over, whether or not the origin knew of it', (t) => {
  const origin = new Notifications(CHANNEL, { turn: 5, count: 40 }, 'no-origin');
  const messages = ['a', 'b', 'c', 'd'].map((payload) => notified('news', payload));
  for (const each of messages.slice(0, 3)) origin.hear(each);
  t.is(origin.take().length, 3);
  t.is(origin.count, 43);
  origin.leave();
  for (const each of messages.slice(3)) origin.hear(each);
  origin.hear(arrived(6, 42));
  origin.hear(notified('news', 'behind the marker'));
  const { answer } = origin;
  t.deepEqual(answer.kind === 'hand-over' ? texts(answer.messages) : [], texts(messages.slice(2)));
});

/** A session that has seen its own marker, and waits for its origin. */
function waiting(): Notifications {
  const notifications = new Notifications(CHANNEL, { turn: 5, count: 0 }, 'an-origin');
  notifications.hear(arrived(5, 0));
  return notifications;
}

test('nothing but notifications, of other channels than its own, comes out of a hand-over', (t) => {
  const good = notified('news', 'good');
  const error = errorResponse({ severity: 'ERROR', code: '22000', message: 'forged' });
  const forgeries = [
    error,
    Buffer.concat([good, error]),
    Buffer.concat([good, readyForQuery('I')]),
    Buffer.concat([good, notified(OWN, 'end 6')]),
    good.subarray(0, -1),
    Buffer.concat([good, good.subarray(0, 3)]),
    Buffer.concat([good.subarray(0, -1), Buffer.from('more\0')]),
    message(BACKEND.notificationResponse, int32(1), cString('news'), cString('payload'), error),
    message(BACKEND.notificationResponse, int32(1)),
    Buffer.from([BACKEND.notificationResponse, 0xff, 0xff, 0xff, 0xff]),
  ];
  for (const forgery of forgeries) {
    t.is(readHandedOver(forgery, OWN), undefined);
    const notifications = waiting();
    for (const entry of queued(CHANNEL.handOverStatement(5, [forgery]))) notifications.hear(entry);
    t.deepEqual(notifications.take(), []);
    t.is(notifications.refusedLength, forgery.length);
    for (const entry of queued(CHANNEL.handOverStatement(5, [good]))) notifications.hear(entry);
    t.deepEqual(texts(notifications.take()), texts([good]));
  }
});

test('arbitrary bytes that are handed over never come out but as whole notifications', (t) => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.string().map((text) => notified('news', text.replaceAll('\0', ''))),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 5 }), (pieces) => {
      const bytes = Buffer.concat(pieces);
      const read = readHandedOver(bytes, OWN);
      if (read === undefined) return;
      t.deepEqual(Buffer.concat(read), bytes);
      for (const each of read) t.is(each[0], BACKEND.notificationResponse);
    }),
    { numRuns: 2000 },
  );
});

test('what is said on the own channel does nothing where it is not expected', (t) => {
  const notifications = new Notifications(CHANNEL, { turn: 5, count: 0 }, 'no-origin');
  const strange = [
    '',
    'arrived',
    'arrived 6 0',
    'arrived x 0',
    'pieces 5 0 QUJD',
    'end 5',
    'end -1',
    'arrived 5 1e3',
    'end 5 5',
  ];
  for (const payload of strange) notifications.hear(notified(OWN, payload));
  const unexpected = [arrived(6, 0), ...queued(CHANNEL.handOverStatement(5, [notified('news', 'unexpected')]))];
  for (const entry of unexpected) notifications.hear(entry);
  notifications.hear(notified('news', 'a'));
  t.deepEqual(texts(notifications.take()), texts([notified('news', 'a')]));
  t.is(notifications.answer.kind, 'not-yet');
});

test('what is not said by a member, on this channel, is nothing', (t) => {
  const payloadOf = (entry: Buffer): string => entry.toString('latin1', entry.indexOf(0, 9) + 1, entry.length - 1);
  const strangers = [
    new HandOverChannel('0123456789abcdef', Buffer.alloc(32, 4)),
    new HandOverChannel('0123456789abcdee', SECRET),
  ];
  const forged = [notified('news', 'forged')];
  const [piece = '', end = ''] = queued(CHANNEL.handOverStatement(5, forged)).map(payloadOf);
  const changed = [
    piece.replace('pieces 5 0 ', 'pieces 5 00 '),
    piece.slice(0, -4),
    `${piece} `,
    ` ${piece}`,
    piece.split(' ').slice(0, -1).join(' '),
    end.replace(/ [^ ]*$/, ` ${piece.split(' ').at(-1)}`),
    'end 5 ',
    'end 5 AAAAAAAAAAAAAAAAAAAAAA==',
  ];
  const foreign = strangers.flatMap((channel) => queued(channel.handOverStatement(5, forged)).map(payloadOf));
  for (const payload of [...changed, ...foreign]) {
    t.is(CHANNEL.read(payload).kind, 'unknown', payload);
    const notifications = waiting();
    notifications.hear(notified(OWN, payload));
    t.true(notifications.isWaiting);
  }
  const origin = new Notifications(CHANNEL, { turn: 5, count: 0 }, 'no-origin');
  origin.leave();
  for (const channel of strangers) {
    for (const entry of queued(channel.arrivalStatement({ turn: 6, count: 0 }))) origin.hear(entry);
  }
  t.is(origin.answer.kind, 'not-yet');
});

test('what somebody says again of a hand-over spoils neither that nor what follows', (t) => {
  const notifications = waiting();
  const messages = [notified('news', 'a'.repeat(7000)), notified('news', 'b')];
  const others = queued(CHANNEL.handOverStatement(4, messages));
  const entries = queued(CHANNEL.handOverStatement(5, messages));
  for (const entry of [...others, ...entries.slice(0, 1), ...entries]) {
    notifications.hear(entry);
    notifications.hear(arrived(5, 0));
    for (const other of others) notifications.hear(other);
  }
  for (const entry of entries) notifications.hear(entry);
  t.deepEqual(texts(notifications.take()), texts(messages));
});

test('an origin that does not answer is not waited for; what it says too late is not lost', (t) => {
  const notifications = waiting();
  const [early, kept, direct] = ['early', 'kept', 'direct'].map((payload) => notified('news', payload)) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  notifications.hear(kept);
  t.deepEqual(notifications.take(), []);
  notifications.expire();
  t.deepEqual(texts(notifications.take()), texts([kept]));
  notifications.hear(direct);
  for (const entry of queued(CHANNEL.handOverStatement(5, [early]))) notifications.hear(entry);
  t.deepEqual(texts(notifications.take()), texts([direct, early]));
});

test('more than is kept for a session that has left is dropped, and counted', (t) => {
  const origin = new Notifications(CHANNEL, { turn: 5, count: 0 }, 'no-origin');
  const each = notified('news', 'c'.repeat(7000));
  const room = Math.floor(LIMITS.handOverLength / each.length);
  origin.leave();
  for (let count = 0; count < room + 3; count++) origin.hear(each);
  t.is(origin.droppedCount, 3);
  origin.hear(arrived(6, 0));
  const { answer } = origin;
  if (answer.kind !== 'hand-over') return t.fail();
  t.is(answer.messages.length, room);
  const next = new Notifications(CHANNEL, { turn: 6, count: 0 }, 'an-origin');
  next.hear(arrived(6, 0));
  const entries = queued(CHANNEL.handOverStatement(6, answer.messages));
  for (const entry of entries) t.true(entry.length < 8000);
  for (const entry of entries) next.hear(entry);
  t.is(next.take().length, room);
});

test('a session that has too much to keep back waits no longer', (t) => {
  const notifications = waiting();
  const each = notified('news', 'd'.repeat(7000));
  const count = Math.ceil(LIMITS.handOverLength / each.length) + 1;
  for (let index = 0; index < count; index++) notifications.hear(each);
  t.false(notifications.isWaiting);
  t.is(notifications.take().length, count);
});

test('notifications are parted from a stream wherever its chunks end', (t) => {
  const body = fc.uint8Array({ maxLength: 30 });
  const whole = fc.tuple(fc.constantFrom(...Object.values(BACKEND)), body).map(([type, bytes]) => message(type, bytes));
  const cuts = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 });
  fc.assert(
    fc.property(fc.array(whole, { maxLength: 20 }), cuts, (messages, lengths) => {
      const stream = Buffer.concat(messages);
      const filter = new NotificationFilter(new Set([BACKEND.notificationResponse]));
      const [found, rest]: [Buffer[], Buffer[]] = [[], []];
      for (let at = 0, index = 0; at < stream.length; index++) {
        const length = lengths[index % lengths.length] ?? 1;
        const parted = filter.part(stream.subarray(at, at + length));
        found.push(...parted.found);
        rest.push(parted.rest);
        at += length;
      }
      const isFound = (each: Buffer): boolean => each[0] === BACKEND.notificationResponse;
      t.deepEqual(texts(found), texts(messages.filter(isFound)));
      t.deepEqual(Buffer.concat(rest), Buffer.concat(messages.filter((each) => !isFound(each))));
    }),
  );
});
