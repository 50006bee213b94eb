// A machine of the services' world: one process with its clock, from its start to its death.
//
// A crash takes all that the process has: nothing that it waits for ever comes, so none of its handlers runs again. The
// machine's clock sees to that; its drivers are closed, and whatever would wake it stays silent.

import type { Clock, Timer, VirtualClock } from '@migratory/stack';

const NEVER: Timer = { cancel: () => undefined };

export class Machine implements Clock {
  readonly name: string;
  readonly #clock: VirtualClock;
  #isAlive = true;
  /** Waits of its handlers that are under way. */
  waitCount = 0;

  constructor(name: string, clock: VirtualClock) {
    this.name = name;
    this.#clock = clock;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  die(): void {
    this.#isAlive = false;
  }

  now(): number {
    return this.#clock.now();
  }

  wakeAt(time: number, callback: () => void): Timer {
    if (!this.#isAlive || time === Infinity) return NEVER;
    return this.#clock.wakeAt(time, () => {
      if (this.#isAlive) callback();
    });
  }

  /** Resolves when so much time has passed, unless the process has died. */
  pass(durationMs: number): Promise<void> {
    this.waitCount++;
    return new Promise((resolve) => {
      this.wakeAt(this.now() + durationMs, () => {
        this.waitCount--;
        resolve();
      });
    });
  }
}
