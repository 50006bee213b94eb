// The time that the stages of an application's connections may take: one timer for all of them.
//
// Each restart point only notes the time. When the timer fires all connections are looked at; it is then set for the one that
// would be overdue first. A look is cheap, and there is never more than one until some connection could really be overdue.

import type { Clock } from '@migratory/stack';

type Timer = ReturnType<Clock['wakeAt']>;

/** Something that must not take longer than it may. */
export interface Timed {
  /** The clock's time at which it is overdue; Infinity: never. */
  readonly dueAt: number;
  overdue(): void;
}

export class StageClock {
  readonly #clock: Clock;
  readonly #timed = new Set<Timed>();
  #timer: Timer | undefined;
  #armedFor = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  /** Goes on in a turn of its own, behind whatever else has to be done. */
  rest(proceed: () => void): void {
    this.#clock.wakeAt(this.#clock.now(), proceed);
  }

  /** Begins to look after `timed`; also when its time has become shorter than it was. */
  watch(timed: Timed): void {
    this.#timed.add(timed);
    this.#arm(timed.dueAt);
  }

  forget(timed: Timed): void {
    this.#timed.delete(timed);
    if (this.#timed.size > 0) return;
    this.#timer?.cancel();
    this.#armedFor = Infinity;
  }

  #arm(at: number): void {
    if (at >= this.#armedFor) return;
    this.#timer?.cancel();
    this.#armedFor = at;
    this.#timer = this.#clock.wakeAt(at, () => this.#look());
  }

  #look(): void {
    this.#armedFor = Infinity;
    const now = this.#clock.now();
    let next = Infinity;
    for (const timed of [...this.#timed]) {
      if (timed.dueAt <= now) timed.overdue();
      next = Math.min(next, timed.dueAt);
    }
    this.#arm(next);
  }
}
