// Two connections made into one: whatever happens at one end happens at the other, no more and no less.
//
//   R1. Bytes go both ways, and each direction waits for its own reader.
//   R2. The end of one direction ends that direction only: the other goes on (half-close).
//   R3. A reset, a failure, or an end that nobody announced resets the other side: a broken stream never passes as whole.

import type { Duplex } from 'node:stream';

/** A connection that can be reset: that of node:net, and the migratory one. */
export interface Resettable extends Duplex {
  /** Resets the connection; the other end sees ECONNRESET. */
  resetAndDestroy(): unknown;
}

/**
 * Carries one connection over another, until both are gone. Both must allow half-open connections, and have listeners of
 * their own for errors.
 */
export function relay(a: Resettable, b: Resettable): void {
  passBreaks(a, b);
  passBreaks(b, a);
  a.pipe(b); // R1, R2
  b.pipe(a);
}

/** R3, for one direction. */
function passBreaks(from: Resettable, to: Resettable): void {
  from.once('close', () => {
    const isWhole = from.readableEnded && from.writableFinished;
    if (!isWhole && !to.destroyed) to.resetAndDestroy();
  });
}
