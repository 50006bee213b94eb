// The framework's errors, each with a code that stays the same when its wording changes.
//
// What a stage's own code throws is never wrapped: it is reported as it is. Diagnostics of `compile` have their own
// catalogue in `diagnostics.ts`.

export type FrameworkErrorCode =
  | 'compile-failed'
  | 'field-not-snapshotted'
  | 'snapshot-not-serialisable'
  | 'snapshot-mismatch'
  | 'unknown-stage'
  | 'not-a-transition'
  | 'connection-moved'
  | 'connection-lost'
  | 'unexpected-end'
  | 'delimiter-not-found'
  | 'overlapping-read'
  | 'write-after-end'
  | 'stage-over'
  | 'invalid-option';

export abstract class FrameworkError extends Error {
  abstract readonly code: FrameworkErrorCode;

  override get name(): string {
    return this.constructor.name;
  }
}

/** A field that isn't `@Snapshot` had changed at a restart point: after a move it would have its initial value again. */
export class FieldNotSnapshotted extends FrameworkError {
  readonly code = 'field-not-snapshotted';
  constructor(
    readonly service: string,
    readonly stage: string,
    readonly field: string,
  ) {
    super(
      `${service}: stage '${stage}' changed the field '${field}', which would be lost in a move. ` +
        `Mark it @Snapshot(), or keep it in a local variable or a #private field.`,
    );
  }
}

/** A snapshot field holds a value that can't be encoded. `path` leads to it: `filters[2].test`. */
export class SnapshotNotSerialisable extends FrameworkError {
  readonly code = 'snapshot-not-serialisable';
  constructor(
    readonly service: string,
    readonly stage: string,
    readonly field: string,
    readonly path: string,
    readonly found: string,
  ) {
    super(`${service}: the snapshot of stage '${stage}' can't hold the field '${field}': ${path} is ${found}.`);
  }
}

export type SnapshotMismatchReason =
  'unreadable' | 'other-format' | 'other-service' | 'other-version' | 'other-plan' | 'unknown-stage';

/** A connection arrived with a snapshot that this service can't go on from. */
export class SnapshotMismatch extends FrameworkError {
  readonly code = 'snapshot-mismatch';
  constructor(
    readonly service: string,
    readonly reason: SnapshotMismatchReason,
    detail: string,
  ) {
    super(`${service}: the snapshot that arrived is not usable (${reason}): ${detail}`);
  }
}

export class UnknownStage extends FrameworkError {
  readonly code = 'unknown-stage';
  constructor(
    readonly service: string,
    readonly stage: string,
    readonly target: string,
    known: readonly string[],
  ) {
    super(`${service}: stage '${stage}' goes to '${target}', which is not one of its stages: ${known.join(', ')}.`);
  }
}

export class NotATransition extends FrameworkError {
  readonly code = 'not-a-transition';
  constructor(
    readonly service: string,
    readonly stage: string,
  ) {
    super(`${service}: stage '${stage}' returned neither next('stage') nor done().`);
  }
}

/** The connection is at another member now. Nothing is wrong: the stage goes on there from the last restart point. */
export class ConnectionMoved extends FrameworkError {
  readonly code = 'connection-moved';
  constructor() {
    super('The connection has moved to another member.');
  }
}

/** The connection is gone: reset, timed out, or closed by this member. `cause` has the transport's error, if any. */
export class ConnectionLost extends FrameworkError {
  readonly code = 'connection-lost';
  constructor(options?: ErrorOptions) {
    super('The connection is gone.', options);
  }
}

/** The client's stream ended inside what was to be read. */
export class UnexpectedEnd extends FrameworkError {
  readonly code = 'unexpected-end';
  constructor(
    /** The bytes before the end. */
    readonly received: Uint8Array,
  ) {
    super(`The client's stream ended after ${received.length} bytes of an unfinished read.`);
  }
}

/** `readUntil` saw `maxLength` bytes without the delimiter. They are still there to be read. */
export class DelimiterNotFound extends FrameworkError {
  readonly code = 'delimiter-not-found';
  constructor(readonly maxLength: number) {
    super(`The delimiter does not come within ${maxLength} bytes.`);
  }
}

/** A read was begun while another one of the same connection was waiting: their order would be a guess. */
export class OverlappingRead extends FrameworkError {
  readonly code = 'overlapping-read';
  constructor() {
    super('A read is already waiting on this connection.');
  }
}

export class WriteAfterEnd extends FrameworkError {
  readonly code = 'write-after-end';
  constructor() {
    super('The stage has ended its half of the stream and can write no more.');
  }
}

/** A stage that has returned still tried to move the restart point, which is the next stage's by now. */
export class StageOver extends FrameworkError {
  readonly code = 'stage-over';
  constructor(readonly stage: string) {
    super(`The stage '${stage}' is over: what it started and didn't await can't take snapshots.`);
  }
}

export class InvalidOption extends FrameworkError {
  readonly code = 'invalid-option';
  constructor(
    readonly option: string,
    expected: string,
  ) {
    super(`${option} must be ${expected}.`);
  }
}
