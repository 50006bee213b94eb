// The limits of a service's connections. Each has a name, a unit, a default, an error and a counter (S6).
//
// What the stack limits by itself (images, queues, waits of the protocol) has its names there.

/** Limits of each connection of a service. `ServiceCounters` counts how often one was reached. */
export interface ServiceLimits {
  /** Bytes of one snapshot, fields and results of `io.once` together. Beyond it: `SnapshotTooLarge`. */
  readonly snapshotLength: number;
  /**
   * Bytes read since the restart point. Beyond it the connection can't move until the next one; it goes on, and is reported
   * once (`InputLogOverflowed`). No more than the stack's own `inputLogLength`.
   */
  readonly inputLength: number;
  /** Bytes written since the restart point: what a move has to produce again, or holds back. Beyond it: `OutputTooLong`. */
  readonly outputLength: number;
  /** Since the restart point, for stages without a `timeoutMs` of their own. Beyond it: `StageTimedOut`. */
  readonly stageTimeMs: number;
  /** For the method with `@Failed`; then the connection is reset. */
  readonly failureTimeMs: number;
  /** From done() until the client has everything and has closed; then the connection is reset. */
  readonly closingTimeMs: number;
}

/** What holds where a `ServiceBinding` says nothing else. */
export const DEFAULT_SERVICE_LIMITS: ServiceLimits = {
  snapshotLength: 256 * 1024,
  inputLength: 1024 * 1024,
  outputLength: 64 * 1024 * 1024,
  stageTimeMs: 8 * 3_600_000,
  failureTimeMs: 5_000,
  closingTimeMs: 600_000,
};
