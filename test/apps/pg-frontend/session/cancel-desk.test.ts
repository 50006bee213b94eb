// Requests to cancel: the right key finds its session at any member, and nothing else does.

import test from 'ava';
import { LIMITS } from '@migratory/pg-frontend/internal/limits.js';
import { CancelDesk } from '@migratory/pg-frontend/internal/session/cancel-desk.js';
import type { CancelKey } from '@migratory/pg-frontend/internal/session/session-record.js';

const SECRET = Buffer.alloc(32, 5);

class Place {
  now = 1_000_000;
  readonly announced: string[] = [];
  readonly desk: CancelDesk;
  #drawn = 0;

  constructor(secret: Uint8Array = SECRET) {
    this.desk = new CancelDesk({
      secret,
      random: (length) => Buffer.alloc(length, String(++this.#drawn)),
      now: () => this.now,
      announce: (announcement) => this.announced.push(announcement),
    });
  }

  /** A key as a client is given it. */
  newKey(length: 'short' | 'long' = 'short'): CancelKey {
    return this.desk.newKey(length);
  }

  /** Answers how often it has been cancelled so far. */
  register(cancelKey: CancelKey): { count(): number; end(): void } {
    let count = 0;
    const end = this.desk.register(cancelKey, () => count++);
    return { count: () => count, end };
  }
}

/** The key that a member has given to the session of these tests. */
const KEY = new Place().newKey();

/** Keys that are no key of that session's: a bit of it is another, or its length is. */
function guesses({ processId, key }: CancelKey): CancelKey[] {
  const flipped = Array.from({ length: 8 * key.length }, (_, bit) => {
    const guess = Buffer.from(key);
    guess[bit >> 3] = (guess[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return guess;
  });
  const others = [
    ...flipped,
    key.subarray(1),
    key.subarray(0, -1),
    Buffer.concat([key, Buffer.of(5)]),
    Buffer.alloc(0),
  ];
  return [...others.map((guess) => ({ processId, key: guess })), { processId: processId + 1, key }];
}

test('a session here is cancelled by its key and by no other', (t) => {
  const place = new Place();
  const [one, other] = [place.register(KEY), place.register({ ...KEY, key: Buffer.of(4, 3, 2, 1) })];
  place.desk.request(KEY);
  t.deepEqual([one.count(), other.count(), place.announced.length], [1, 0, 0]);
  for (const guess of guesses(KEY)) place.desk.request(guess);
  t.deepEqual([one.count(), other.count()], [1, 0]);
  one.end();
  place.desk.request(KEY);
  t.is(one.count(), 1);
  other.end();
});

test('a session at another member is found by what is announced, which does not tell the key', (t) => {
  const [here, there] = [new Place(), new Place()];
  const session = there.register(KEY);
  here.desk.request(KEY);
  const [announcement = ''] = here.announced;
  for (const encoding of ['base64', 'hex', 'latin1'] as const)
    t.false(announcement.includes(KEY.key.toString(encoding)));
  there.desk.hear(announcement);
  t.is(session.count(), 1);
  there.desk.hear(announcement);
  t.is(session.count(), 1, 'once');
});

test('an announcement is good for a minute, by either clock', (t) => {
  for (const [differenceMs, count] of [
    [60_000, 1],
    [-60_000, 1],
    [60_001, 0],
    [-60_001, 0],
  ] as const) {
    const [here, there] = [new Place(), new Place()];
    const session = there.register(KEY);
    here.desk.request(KEY);
    there.now += differenceMs;
    there.desk.hear(here.announced[0] ?? '');
    t.is(session.count(), count, `${differenceMs} ms`);
  }
});

test('one from a clock that is ahead is not good again when it has been forgotten', (t) => {
  const [here, there] = [new Place(), new Place()];
  const session = there.register(KEY);
  here.now += 60_000;
  here.desk.request(KEY);
  for (let passedMs = 0; passedMs <= 200_000; passedMs += 1000) {
    there.desk.hear(here.announced[0] ?? '');
    there.now += 1000;
  }
  t.is(session.count(), 1);
});

test('what was changed on the way, or comes from elsewhere, does nothing', (t) => {
  const [here, there, stranger] = [new Place(), new Place(), new Place(Buffer.alloc(32, 6))];
  const session = there.register(KEY);
  here.desk.request(KEY);
  const [processId = '', time = '', nonce = '', mac = ''] = (here.announced[0] ?? '').split(' ');
  const changed = [
    [processId, time, 'AAAA', mac],
    [processId, String(Number(time) + 1), nonce, mac],
    [`${processId}.0`, time, nonce, mac],
    [processId, time, nonce, mac.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))],
    [processId, time, nonce, ''],
    [processId, time, nonce],
    [processId, time, nonce, mac, ''],
    [processId, 'soon', nonce, mac],
    [''],
  ];
  for (const words of changed) there.desk.hear(words.join(' '));
  const strange = stranger.newKey();
  const strangers = there.register(strange);
  stranger.desk.request(strange);
  there.desk.hear(stranger.announced[0] ?? '');
  t.deepEqual([session.count(), strangers.count(), stranger.announced.length], [0, 0, 1]);
});

test('what somebody guesses is not announced, and keeps nobody from being heard', (t) => {
  for (const length of ['short', 'long'] as const) {
    const [here, there] = [new Place(), new Place()];
    const key = there.newKey(length);
    const session = there.register(key);
    for (let round = 0; round <= LIMITS.cancelCountPerSecond / 8; round++) {
      for (const guess of guesses(key)) here.desk.request(guess);
    }
    t.deepEqual(here.announced, []);
    here.desk.request(key);
    there.desk.hear(here.announced[0] ?? '');
    t.is(session.count(), 1);
  }
});

test('who cancels without end is announced so often in a second, and keeps nobody else from being heard', (t) => {
  const place = new Place();
  const [insistent, other] = [place.newKey(), place.newKey()];
  for (let request = 0; request < 2 * LIMITS.cancelCountPerSecond; request++) place.desk.request(insistent);
  t.is(place.announced.length, LIMITS.sessionCancelCountPerSecond);
  place.desk.request(other);
  t.is(place.announced.length, LIMITS.sessionCancelCountPerSecond + 1);
  place.now += 1000;
  place.desk.request(insistent);
  t.is(place.announced.length, LIMITS.sessionCancelCountPerSecond + 2);
});

test('all together are announced so often in a second', (t) => {
  const place = new Place();
  const keys = Array.from({ length: LIMITS.cancelCountPerSecond + 1 }, () => place.newKey('long'));
  for (const key of keys) place.desk.request(key);
  t.is(place.announced.length, LIMITS.cancelCountPerSecond);
});
