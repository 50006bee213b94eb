// The real clock and the real randomness, for processes; tests have their own.
//
// One `setTimeout` serves every wake-up of a clock: the stack asks for a new deadline after almost every input, and a
// timer handle for each would cost more than the segment that caused it. The handle never keeps the process alive by
// itself: that is for the sockets and the applications that are open.

import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Clock, Entropy, Timer } from './driver.js';

/** The longest delay that `setTimeout` takes; for more the clock wakes itself up in between. */
const MAX_DELAY_MS = 2 ** 31 - 1;

interface Wake {
  readonly time: number;
  readonly callback: () => void;
}

/** Monotonic milliseconds since the process began. */
export class SystemClock implements Clock {
  /** By time, the next one last; equal times in the order in which they were asked for. */
  readonly #wakes: Wake[] = [];
  #handle: NodeJS.Timeout | undefined;
  /** When the handle fires; it may find nothing due, since a cancelled wake-up leaves it armed. */
  #armedFor = Infinity;

  /** Milliseconds of the monotonic clock. */
  now(): number {
    return performance.now();
  }

  wakeAt(time: number, callback: () => void): Timer {
    if (time === Infinity) return { cancel: () => undefined };
    const wake = { time, callback };
    this.#wakes.splice(this.#indexFor(time), 0, wake);
    if (time < this.#armedFor) this.#arm(time);
    return { cancel: () => this.#cancel(wake) };
  }

  #indexFor(time: number): number {
    let [low, high] = [0, this.#wakes.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#wakes[middle]?.time ?? Infinity) <= time) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #cancel(wake: Wake): void {
    for (let index = this.#indexFor(wake.time); this.#wakes[index]?.time === wake.time; index++) {
      if (this.#wakes[index] !== wake) continue;
      this.#wakes.splice(index, 1);
      return;
    }
  }

  #arm(time: number): void {
    clearTimeout(this.#handle);
    this.#armedFor = time;
    const delay = Math.min(Math.max(Math.ceil(time - this.now()), 1), MAX_DELAY_MS);
    this.#handle = setTimeout(() => this.#fire(), delay).unref();
  }

  #fire(): void {
    this.#armedFor = Infinity;
    const now = this.now();
    // Only what was due on entry: a callback that asks for "now" again must not keep the event loop here.
    const due: Wake[] = [];
    for (let next = this.#wakes.at(-1); next !== undefined && next.time <= now; next = this.#wakes.at(-1)) {
      this.#wakes.pop();
      due.push(next);
    }
    this.#armNext();
    for (const wake of due) wake.callback();
  }

  #armNext(): void {
    const next = this.#wakes.at(-1);
    if (next !== undefined && next.time < this.#armedFor) this.#arm(next.time);
  }
}

/** The randomness of `node:crypto`. */
export class SystemEntropy implements Entropy {
  bytes(length: number): Uint8Array {
    return new Uint8Array(randomBytes(length));
  }
}
