// The time that one connection may take from a restart point to the next.
//
// Each restart point only notes the time. The timer stays where it was set, and when it fires looks how much is left.

import type { Clock } from '@migratory/stack';

type Timer = ReturnType<Clock['wakeAt']>;

export class StageTimer {
  readonly #clock: Clock;
  readonly #overdue: () => void;
  #timer: Timer | undefined;
  #armedFor = Infinity;
  #sinceMs: number;
  #limitMs = Infinity;

  /** `overdue` is called once for each `limit`. */
  constructor(clock: Clock, overdue: () => void) {
    this.#clock = clock;
    this.#overdue = overdue;
    this.#sinceMs = clock.now();
  }

  /** From now on so much time is allowed; Infinity: any. */
  limit(limitMs: number): void {
    this.#limitMs = limitMs;
    this.restart();
    this.#arm();
  }

  /** The time begins anew. */
  restart(): void {
    this.#sinceMs = this.#clock.now();
  }

  stop(): void {
    this.#limitMs = Infinity;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#armedFor = Infinity;
  }

  #arm(): void {
    const dueAt = this.#sinceMs + this.#limitMs;
    if (dueAt >= this.#armedFor) return;
    this.#timer?.cancel();
    this.#armedFor = dueAt;
    this.#timer = this.#clock.wakeAt(dueAt, () => {
      this.#armedFor = Infinity;
      if (this.#sinceMs + this.#limitMs > this.#clock.now()) return this.#arm();
      this.#limitMs = Infinity;
      this.#overdue();
    });
  }
}
