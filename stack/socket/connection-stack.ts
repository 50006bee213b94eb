// The side of a stack that its connections see.

import type { Host } from '../host/host.js';

/** What a connection needs of the stack that it belongs to. */
export interface ConnectionStack {
  readonly host: Host;
  /** Runs what changes the host, with the time, and looks after its timer afterwards. */
  run<Result>(change: (now: number) => Result): Result;
  /** How long a connection that was destroyed may take to deliver what was written. */
  linger(expired: () => void): { cancel(): void };
}
