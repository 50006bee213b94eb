// The framework's errors, each with a code that stays the same when its wording changes.
//
// What a stage's own code throws is never wrapped: it is reported as it is. Diagnostics of `compile` have their own
// catalogue in `diagnostics.ts`.

/** Stays the same when an error's wording changes. */
export type FrameworkErrorCode =
  | 'compile-failed'
  | 'field-not-snapshotted'
  | 'snapshot-not-serialisable'
  | 'snapshot-too-large'
  | 'snapshot-invalid'
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
  | 'stage-timed-out'
  | 'service-stopping'
  | 'replay-diverged'
  | 'output-too-long'
  | 'input-log-overflowed'
  | 'effect-out-of-place'
  | 'not-closable'
  | 'invalid-option';

/** What the framework throws and reports by itself. */
export abstract class FrameworkError extends Error {
  abstract readonly code: FrameworkErrorCode;

  /** That of its class. */
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

/** A snapshot would be larger than the service's `snapshotLength`. `largest` is the field, or the result, to blame. */
export class SnapshotTooLarge extends FrameworkError {
  readonly code = 'snapshot-too-large';
  constructor(
    readonly service: string,
    readonly stage: string,
    /** Bytes. */
    readonly length: number,
    readonly limitLength: number,
    readonly largest: string,
    largestLength: number,
  ) {
    super(
      `${service}: the snapshot of stage '${stage}' has ${length} bytes, more than the ${limitLength} of ` +
        `limits.snapshotLength; '${largest}' alone has ${largestLength}. Keep what it can be read from again, or raise the limit.`,
    );
  }
}

/** A snapshot field holds a value that its declared type or its validator refuses. */
export class SnapshotInvalid extends FrameworkError {
  readonly code = 'snapshot-invalid';
  constructor(
    readonly service: string,
    readonly stage: string,
    readonly field: string,
    /** The validator's own words, where it refused. */
    readonly because: string,
  ) {
    super(`${service}: the snapshot of stage '${stage}' can't hold the value of the field '${field}': ${because}.`);
  }
}

/** Why a snapshot can't be gone on from. */
export type SnapshotMismatchReason =
  /** Not what any member would have sent: cut short, corrupted, or with a value that is not of the field's type. */
  | 'unreadable'
  /** Encoded as only later releases of the framework can read. */
  | 'other-format'
  | 'other-service'
  /** Of an older version, from which no upgrade leads to this one. */
  | 'other-version'
  | 'newer-version'
  /** Stages or fields differ under the same version. */
  | 'other-plan'
  | 'unknown-stage'
  /** What the upgrades made is no snapshot of this version, or one of them threw. */
  | 'upgrade-failed'
  /** The validator of a field refuses its value. */
  | 'invalid'
  | 'too-large';

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

/** A stage named another one that the service does not have. */
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

/** A stage returned something else than `next(...)` or `done()`. */
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
  /** Not a property that a log would print: they may be half a password. */
  readonly #received: Uint8Array;

  constructor(received: Uint8Array) {
    super(`The client's stream ended after ${received.length} bytes of an unfinished read.`);
    this.#received = received;
  }

  /** The bytes before the end. */
  get received(): Uint8Array {
    return this.#received;
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

/** A stage wrote after `io.end()`. */
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

/** An option has a value that it can not have. */
export class InvalidOption extends FrameworkError {
  readonly code = 'invalid-option';
  constructor(
    readonly option: string,
    expected: string,
  ) {
    super(`${option} must be ${expected}.`);
  }
}

/** A stage took longer from its last restart point on than `timeoutMs`, or the service's `stageTimeMs`, allows. */
export class StageTimedOut extends FrameworkError {
  readonly code = 'stage-timed-out';
  constructor(
    readonly service: string,
    readonly stage: string,
    readonly limitMs: number,
  ) {
    super(
      `${service}: stage '${stage}' took more than ${limitMs} ms from its last restart point on. ` +
        `Give it a larger timeoutMs, or let it take a snapshot as it goes on.`,
    );
  }
}

/** The member stops, and the connection did not leave or finish before. */
export class ServiceStopping extends FrameworkError {
  readonly code = 'service-stopping';
  constructor() {
    super('The service stops at this member.');
  }
}

/**
 * The stage produced other output than the same stage at the origin, from the same restart point on. None of it has left;
 * the connection is reset.
 */
export class ReplayDiverged extends FrameworkError {
  readonly code = 'replay-diverged';
  constructor(options?: ErrorOptions) {
    super(
      'The output that was produced again after a move is not that of the first time. Take a snapshot before anything ' +
        "that can't be repeated, or let the stage hold its output: @Stage({ output: 'held' }).",
      options,
    );
  }
}

/** More has been written since the restart point than a move may have to produce again. */
export class OutputTooLong extends FrameworkError {
  readonly code = 'output-too-long';
  constructor(
    readonly service: string,
    readonly stage: string,
    readonly limitLength: number,
  ) {
    super(
      `${service}: stage '${stage}' has written more than ${limitLength} bytes since its restart point. ` +
        `Call io.snapshot() more often, or raise limits.outputLength.`,
    );
  }
}

/** Reported, never thrown: more has been read since the restart point than is kept, so the connection can't move for now. */
export class InputLogOverflowed extends FrameworkError {
  readonly code = 'input-log-overflowed';
  constructor(
    readonly service: string,
    readonly stage: string,
    readonly limitLength: number,
  ) {
    super(
      `${service}: stage '${stage}' has read more than ${limitLength} bytes since its restart point. Until the next one ` +
        `the connection can't move: call io.snapshot() more often.`,
    );
  }
}

/** `io.once` where its result could not be found again. */
export class EffectOutOfPlace extends FrameworkError {
  readonly code = 'effect-out-of-place';
  constructor(
    readonly stage: string,
    readonly key: string,
    because: string,
  ) {
    super(`The effect '${key}' of stage '${stage}' ${because}.`);
  }
}

/** `io.use` was given something without a way to close it. */
export class NotClosable extends FrameworkError {
  readonly code = 'not-closable';
  constructor(readonly stage: string) {
    super(
      `What stage '${stage}' opened has neither close() nor Symbol.asyncDispose or Symbol.dispose: ` +
        `say io.use(open, (resource) => ...).`,
    );
  }
}
