// The clock: what time it is, for the Date header field. The only place in this server that asks.
//
// The answer goes into a snapshot before it goes to a client, so that a response begun here ends the same elsewhere.

/** Injected, so that a test decides what time it is. */
export class WallClock {
  /** Milliseconds since 1970 UTC. */
  now(): number {
    return Date.now();
  }
}
