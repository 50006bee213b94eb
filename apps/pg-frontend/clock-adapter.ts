// The clock: the only place of the front-end, besides its sockets, that knows what time it is.

import { setTimeout as after } from 'node:timers/promises';

export class SystemClock {
  /** Milliseconds, from some instant on; never back. */
  now(): number {
    return performance.now();
  }

  async wait(durationMs: number): Promise<void> {
    await after(durationMs);
  }
}
