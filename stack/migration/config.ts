// The limits and waits of migration. Every one has a name, a unit and a default; reaching one is a typed outcome (S6).

/** Limits and waits of the migration of one connection. */
export interface MigrationLimits {
  /** From the end of the handshake until both set-up records are in. */
  readonly setUpTimeoutMs: number;
  /** Between the first two MIGRATE_REQ to one member; doubles. */
  readonly requestRetransmitMs: number;
  /** How long the client asks one member before it tries the next; doubles with each round of all members. */
  readonly requestAttemptMs: number;
  /** The pause before the client goes round the members again; doubles up to `requestAttemptMs`. */
  readonly requestPauseMs: number;
  /** From the first MIGRATE_REQ of a move until the client gives the connection up. */
  readonly moveGiveUpMs: number;
  /** Between the first two SYN/ACK of a destination; doubles. */
  readonly confirmRetransmitMs: number;
  readonly maxConfirmRetransmitMs: number;
  /** How long a destination keeps a connection whose client does not confirm. */
  readonly confirmGiveUpMs: number;
  /** Between repetitions of a MIGRATE_TRIGGER. */
  readonly triggerRepeatMs: number;
  /** How often a trigger is sent before the advice is given up. */
  readonly triggerAttemptCount: number;
  /** Input kept since the last snapshot; beyond it the connection can't move until the next `setState`. */
  readonly inputLogLength: number;
  /** In so many chunks at most: tiny ones cost more than their bytes. */
  readonly inputLogCount: number;
  /** The application's state in a snapshot. */
  readonly stateLength: number;
  /** The whole image. */
  readonly imageLength: number;
  /** Consecutive retransmission time-outs after which the default policy advises the client to move. */
  readonly policyTimeoutCount: number;
}

export const DEFAULT_MIGRATION_LIMITS: MigrationLimits = {
  setUpTimeoutMs: 10_000,
  requestRetransmitMs: 100,
  requestAttemptMs: 1_500,
  requestPauseMs: 100,
  moveGiveUpMs: 60_000,
  confirmRetransmitMs: 100,
  maxConfirmRetransmitMs: 2_000,
  confirmGiveUpMs: 90_000,
  triggerRepeatMs: 200,
  triggerAttemptCount: 10,
  inputLogLength: 1024 * 1024,
  inputLogCount: 16_384,
  stateLength: 1024 * 1024,
  imageLength: 12 * 1024 * 1024,
  policyTimeoutCount: 4,
};

/** The epoch is 16 bits on the wire; a connection that has used them all stays where it is. */
export const MAX_EPOCH = 0xffff;
