// The world outside of all members: it does what it is told, as often as it is told, and keeps count.

import type { VirtualClock } from '@migratory/stack';

/** An order on its way, or carried out: then `times` says how often it has been, this time included. */
interface Order {
  times: number;
}

export class Outside {
  readonly timesOf = new Map<string, number>();
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  order(name: string, afterMs: number): Order {
    const order: Order = { times: 0 };
    this.#clock.wakeAt(this.#clock.now() + afterMs, () => {
      order.times = (this.timesOf.get(name) ?? 0) + 1;
      this.timesOf.set(name, order.times);
    });
    return order;
  }
}
