// Requests to cancel: the right key finds its session at any member, and nothing else does.

import test from 'ava';
import { LIMITS } from '@migratory/pg-frontend/internal/limits.js';
import { CancelDesk } from '@migratory/pg-frontend/internal/session/cancel-desk.js';

const SECRET = Buffer.alloc(32, 5);

class Place {
  now = 1_000_000;
  readonly announced: string[] = [];
  readonly desk: CancelDesk;
  #drawn = 0;

  constructor(secret: Uint8Array = SECRET) {
    this.desk = new CancelDesk({
      secret,
      random: (length) => Buffer.alloc(length, ++this.#drawn),
      now: () => this.now,
      announce: (announcement) => this.announced.push(announcement),
    });
  }

  /** Answers how often it has been cancelled so far. */
  register(processId: number, key: Buffer): { count(): number; end(): void } {
    let count = 0;
    const end = this.desk.register({ processId, key }, () => count++);
    return { count: () => count, end };
  }
}

const KEY = Buffer.of(1, 2, 3, 4);

test('a session here is cancelled by its key and by no other', (t) => {
  const place = new Place();
  const [one, other] = [place.register(7, KEY), place.register(7, Buffer.of(4, 3, 2, 1))];
  place.desk.request({ processId: 7, key: KEY });
  t.deepEqual([one.count(), other.count(), place.announced.length], [1, 0, 0]);
  for (const key of [Buffer.of(1, 2, 3, 5), Buffer.of(1, 2, 3), Buffer.of(1, 2, 3, 4, 5)]) {
    place.desk.request({ processId: 7, key });
  }
  place.desk.request({ processId: 8, key: KEY });
  t.deepEqual([one.count(), other.count(), place.announced.length], [1, 0, 4]);
  one.end();
  place.desk.request({ processId: 7, key: KEY });
  t.is(one.count(), 1);
  other.end();
});

test('a session at another member is found by what is announced, which does not tell the key', (t) => {
  const [here, there] = [new Place(), new Place()];
  const session = there.register(7, KEY);
  here.desk.request({ processId: 7, key: KEY });
  const [announcement = ''] = here.announced;
  for (const encoding of ['base64', 'hex', 'latin1'] as const) t.false(announcement.includes(KEY.toString(encoding)));
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
    const session = there.register(7, KEY);
    here.desk.request({ processId: 7, key: KEY });
    there.now += differenceMs;
    there.desk.hear(here.announced[0] ?? '');
    t.is(session.count(), count, `${differenceMs} ms`);
  }
});

test('one from a clock that is ahead is not good again when it has been forgotten', (t) => {
  const [here, there] = [new Place(), new Place()];
  const session = there.register(7, KEY);
  here.now += 60_000;
  here.desk.request({ processId: 7, key: KEY });
  for (let passedMs = 0; passedMs <= 200_000; passedMs += 1000) {
    there.desk.hear(here.announced[0] ?? '');
    there.now += 1000;
  }
  t.is(session.count(), 1);
});

test('what was changed on the way, or comes from elsewhere, does nothing', (t) => {
  const [here, there, stranger] = [new Place(), new Place(), new Place(Buffer.alloc(32, 6))];
  const session = there.register(7, KEY);
  here.desk.request({ processId: 7, key: KEY });
  const [processId = '', time = '', nonce = '', mac = ''] = (here.announced[0] ?? '').split(' ');
  const changed = [
    [processId, time, 'AAAA', mac],
    [processId, String(Number(time) + 1), nonce, mac],
    ['7.0', time, nonce, mac],
    [processId, time, nonce, mac.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))],
    [processId, time, nonce, ''],
    [processId, time, nonce],
    [processId, time, nonce, mac, ''],
    [processId, 'soon', nonce, mac],
    [''],
  ];
  for (const words of changed) there.desk.hear(words.join(' '));
  stranger.desk.request({ processId: 7, key: KEY });
  there.desk.hear(stranger.announced[0] ?? '');
  t.is(session.count(), 0);
});

test('who guesses is not announced without end', (t) => {
  const place = new Place();
  for (let guess = 0; guess < 3 * LIMITS.cancelCountPerSecond; guess++)
    place.desk.request({ processId: guess, key: KEY });
  t.is(place.announced.length, LIMITS.cancelCountPerSecond);
  place.now += 1000;
  place.desk.request({ processId: 1, key: KEY });
  t.is(place.announced.length, LIMITS.cancelCountPerSecond + 1);
});
