// The real clock: order, never early, cancelled means never.

import test from 'ava';
import { SystemClock, SystemEntropy } from '@migratory/stack/internal/drivers/system.js';

/** A clock's handle does not keep the process alive; the test does. */
function keepAlive<T>(promise: Promise<T>): Promise<T> {
  const handle = setInterval(() => undefined, 1_000);
  return promise.finally(() => clearInterval(handle));
}

test('wake-ups come in the order of their times, never early, and never when cancelled', async (t) => {
  const clock = new SystemClock();
  const start = clock.now();
  const woken: number[] = [];
  await keepAlive(
    new Promise<void>((resolve) => {
      const wake = (delay: number): (() => void) => {
        return () => {
          t.true(clock.now() >= start + delay, `${delay}`);
          woken.push(delay);
        };
      };
      clock.wakeAt(start + 30, resolve);
      for (const delay of [20, 5, 10, 5.5, 0, -10]) clock.wakeAt(start + delay, wake(delay));
      clock.wakeAt(start + 7, wake(7)).cancel();
      const first = clock.wakeAt(start + 1, wake(1));
      first.cancel();
      first.cancel();
      clock.wakeAt(Infinity, wake(Infinity)).cancel();
      t.deepEqual(woken, [], 'not inside the call');
    }),
  );
  t.deepEqual(woken, [-10, 0, 5, 5.5, 10, 20]);
});

test('an earlier wake-up does not wait for a later one that was asked for first, and equal times keep their order', async (t) => {
  const clock = new SystemClock();
  const far = clock.wakeAt(clock.now() + 3_600_000, () => t.fail());
  const woken: string[] = [];
  const time = clock.now() + 5;
  clock.wakeAt(time, () => woken.push('first'));
  clock.wakeAt(time, () => woken.push('second'));
  await keepAlive(new Promise<void>((resolve) => clock.wakeAt(time, resolve)));
  t.deepEqual(woken, ['first', 'second']);
  far.cancel();
});

test('a wake-up may ask for the next one', async (t) => {
  const clock = new SystemClock();
  let count = 0;
  await keepAlive(
    new Promise<void>((resolve) => {
      const again = (): void => {
        count += 1;
        if (count === 5) resolve();
        else clock.wakeAt(clock.now(), again);
      };
      clock.wakeAt(clock.now() + 1, again);
    }),
  );
  t.is(count, 5);
});

test('entropy gives as many bytes as it is asked for, never the same', (t) => {
  const entropy = new SystemEntropy();
  t.is(entropy.bytes(13).length, 13);
  t.notDeepEqual(entropy.bytes(16), entropy.bytes(16));
});
