// What the kit throws. Each error tells a story that can be read without knowing the kit, and has a code and data besides.

import type { MoveOutcome } from '@migratory/stack';
import type { Difference, Disturbance, RehearsedEffect } from './effect.js';

/** Stays the same when an error's wording changes. */
export type TestingErrorCode =
  | 'diverged-after-move'
  | 'diverged-after-crash'
  | 'not-repeatable'
  | 'session-does-not-end'
  | 'scenario-failed'
  | 'member-died'
  | 'world-stands-still'
  | 'move-failed'
  | 'connection-broken'
  | 'stream-ended'
  | 'stream-too-long';

/**
 * The base of all that the kit throws.
 *
 * @public
 */
export abstract class TestingError extends Error {
  abstract readonly code: TestingErrorCode;

  /** That of its class. */
  override get name(): string {
    return this.constructor.name;
  }
}

/** What a divergence is about, for those who want more than its story. */
export interface Divergence {
  /** What was done to the connection, in order. */
  readonly disturbances: readonly Disturbance[];
  /** What the handlers did, at all members, up to the difference. */
  readonly effects: readonly RehearsedEffect[];
  readonly difference: Difference;
}

/** Sets what can be asked of an error, and what a test runner does not print behind its story. */
function keepAside(error: Divergence, { disturbances, effects, difference }: Divergence): void {
  for (const [name, value] of Object.entries({ disturbances, effects, difference })) {
    Object.defineProperty(error, name, { value, enumerable: false });
  }
}

/** A run with moves differs from the one without: the client, or the world outside, can tell that the connection moved. */
export class DivergedAfterMove extends TestingError implements Divergence {
  readonly code = 'diverged-after-move';
  declare readonly disturbances: readonly Disturbance[];
  declare readonly effects: readonly RehearsedEffect[];
  declare readonly difference: Difference;

  constructor(story: string, divergence: Divergence) {
    super(story);
    keepAside(this, divergence);
  }
}

/** A run in which members died differs from the one in which none did. */
export class DivergedAfterCrash extends TestingError implements Divergence {
  readonly code = 'diverged-after-crash';
  declare readonly disturbances: readonly Disturbance[];
  declare readonly effects: readonly RehearsedEffect[];
  declare readonly difference: Difference;

  constructor(story: string, divergence: Divergence) {
    super(story);
    keepAside(this, divergence);
  }
}

/** Two runs in which nothing was done to the connection differ: no run with moves could be compared with them. */
export class NotRepeatable extends TestingError {
  readonly code = 'not-repeatable';
}

/** The service waits for something that can't come any more, without any move. */
export class SessionDoesNotEnd extends TestingError {
  readonly code = 'session-does-not-end';
}

/** The session fails without any move; `cause` is what the service threw. */
export class ScenarioFailed extends TestingError {
  readonly code = 'scenario-failed';
}

/** Thrown into what a member does in the world outside after it has died, so that it has no effect there. */
export class MemberDied extends TestingError {
  readonly code = 'member-died';
  constructor() {
    super('The member has died, and does nothing more.');
  }
}

/** Nothing is due any more, and what the client waits for has not come. */
export class WorldStandsStill extends TestingError {
  readonly code = 'world-stands-still';
}

/** The connection did not go where it should. Unless it is lost, it goes on where it was. */
export class MoveFailed extends TestingError {
  readonly code = 'move-failed';
  constructor(
    /** undefined: any other member. */
    readonly to: number | undefined,
    because: string,
    readonly outcome: Exclude<MoveOutcome, { kind: 'moved' }>,
  ) {
    super(`The connection does not move to ${to === undefined ? 'another member' : `member ${to}`}: ${because}.`);
  }
}

/** The connection was reset or closed before the service had ended its stream. `cause` has the stack's error, if any. */
export class ConnectionBroken extends TestingError {
  readonly code = 'connection-broken';
  constructor(
    /** What the service has reported: a line for each failure. */
    readonly reported: string,
    options?: ErrorOptions,
  ) {
    super(
      `The connection is broken. ${reported === '' ? 'The service has reported nothing.' : `Reported: ${reported}`}`,
      options,
    );
  }
}

/** The service's stream ended inside what was to be read. */
export class StreamEnded extends TestingError {
  readonly code = 'stream-ended';
  constructor(
    wanted: string,
    /** The bytes before the end. */
    readonly received: Uint8Array,
  ) {
    super(`The service ended its stream after ${received.length} bytes, before ${wanted} had come.`);
  }
}

/** What was to be read does not come within `maxLength` bytes. They are still there to be read. */
export class StreamTooLong extends TestingError {
  readonly code = 'stream-too-long';
  constructor(
    wanted: string,
    readonly maxLength: number,
  ) {
    super(`${wanted} does not come within ${maxLength} bytes.`);
  }
}
