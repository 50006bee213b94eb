// Time that a test owns: it stands still until it is told to go on, and goes from one wake-up straight to the next.

import { DeadlineHeap, type HeapEntry } from '../host/deadline-heap.js';
import type { Clock, Entropy, Timer } from './driver.js';

interface Wake extends HeapEntry {
  readonly callback: () => void;
}

export class VirtualClock implements Clock {
  readonly #wakes = new DeadlineHeap<Wake>();
  #now = 0;

  /** Milliseconds since the beginning of the world. */
  now(): number {
    return this.#now;
  }

  wakeAt(time: number, callback: () => void): Timer {
    const wake: Wake = { deadline: Infinity, heapIndex: -1, callback };
    this.#wakes.set(wake, Math.max(time, this.#now));
    return { cancel: () => this.#wakes.remove(wake) };
  }

  /** When the next wake-up is due; Infinity when none is. */
  nextWake(): number {
    return this.#wakes.next();
  }

  /** Goes to the next wake-up and runs it; false when there is none until `limit`. */
  step(limit = Infinity): boolean {
    const wake = this.#wakes.takeDue(limit);
    if (wake === undefined) return false;
    this.#now = Math.max(this.#now, wake.deadline);
    wake.callback();
    return true;
  }

  /** Runs all that is due until `time`, which is then now. */
  advanceTo(time: number): void {
    while (this.step(time));
    this.#now = Math.max(this.#now, time);
  }
}

/** Numbers and bytes from a seed, by Marsaglia's xorshift on 32 bits: for simulations, never for keys of real connections. */
export class SeededEntropy implements Entropy {
  #state: number;

  constructor(seed: number) {
    // Neighbouring seeds must not give neighbouring numbers; zero would stay zero.
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ 0x6a09e667 || 1;
    for (let round = 0; round < 8; round++) this.u32();
  }

  /** A whole number in [0, 2 ** 32). */
  u32(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state >>> 0;
  }

  /** In [0, 1). */
  fraction(): number {
    return this.u32() / 2 ** 32;
  }

  /** A whole number in [0, count). */
  below(count: number): number {
    return Math.floor(this.fraction() * count);
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let index = 0; index < length; index++) bytes[index] = this.u32() >>> 24;
    return bytes;
  }
}
