// What a stage sees of its connection: bytes in, bytes out, and the restart point.
//
// Only the interface, so that a service depends on nothing that runs. `runtime/connection-io.ts` implements it on a
// connection of the stack. Two rules make a stage repeatable after a move:
//   I1. Input counts as consumed once the stage has it; what a read looked at beyond its result is given back.
//   I2. A snapshot covers every write called before it, whether or not its promise has resolved.

import type { Address } from '@migratory/stack';
import type { Done, StageName } from './transition.js';

/** How far `readUntil` looks. */
export interface ReadUntilOptions {
  /** Bytes to search for the delimiter, delimiter included. */
  readonly maxLength: number;
}

/** How much `read` takes. */
export interface ReadOptions {
  /** Bytes at most; what lies beyond stays unread. */
  readonly maxLength: number;
}

/** Of a stage that doesn't say its service: `io.snapshot({ stage })` admits any name. */
interface AnyStages {
  readonly [stage: string]: (io: never) => Promise<Done>;
}

/** Another restart point than the beginning of the stage that runs. */
export interface SnapshotPoint<Stage extends string = string> {
  /** Where to go on, should the connection move: a later stage, before its effect is made (the slides' third example). */
  readonly stage: Stage;
}

/** `Service` is the class whose stages `snapshot({ stage })` may name; without it any name compiles. */
export interface StageIo<Service = AnyStages> {
  /** The client's address, as the member that serves now sees it. */
  readonly client: Address;
  /** 16 hexadecimal digits; undefined when the client's TCP doesn't speak the migration options. */
  readonly cid: string | undefined;
  /** How many times the connection has moved, attempts that failed included. */
  readonly epoch: number;
  /** Aborted with `ConnectionMoved` or `ConnectionLost` when the connection leaves this member or dies. */
  readonly signal: AbortSignal;

  /** The input that is there, at least one byte; waits for it; undefined at the end of the client's stream. */
  read(options?: ReadOptions): Promise<Uint8Array | undefined>;

  /**
   * The input up to `delimiter`, which is consumed and left out; undefined at the end of the client's stream.
   * Throws `DelimiterNotFound` (nothing is consumed) and `UnexpectedEnd` (when the stream ends inside).
   */
  readUntil(delimiter: string | Uint8Array, options: ReadUntilOptions): Promise<Uint8Array | undefined>;

  /** `length` bytes; undefined at the end of the client's stream, `UnexpectedEnd` when it ends inside. */
  readExactly(length: number): Promise<Uint8Array | undefined>;

  /**
   * Sends bytes, or a string as UTF-8, in the order of the calls; resolves when more may be written without queueing.
   * The bytes belong to the connection from then on: they must not be changed.
   */
  write(data: Uint8Array | string): Promise<void>;

  /**
   * Memory of `length` bytes to be filled and written, for stages that write a lot: it is used again once the client has what
   * was written from it. The stage's own until it has been written to its end, at once or part behind part; what is never
   * written whole, or twice, is not used again. It holds zeros, or what this stage has written to this client before.
   */
  allocate(length: number): Uint8Array;

  /** Ends our half of the stream; input may still be read. Resolves when all output is with the transport. */
  end(): Promise<void>;

  /**
   * Moves the restart point up to this instant (`setState`), with the fields' values of now: of this stage, or of the one
   * that `point` names. Throws `SnapshotTooLarge`, `SnapshotNotSerialisable`, `SnapshotInvalid`, `UnknownStage`.
   */
  snapshot(point?: SnapshotPoint<StageName<Service>>): void;

  /**
   * Makes an effect outside of the connection, and records its result with the restart point: when the stage runs again,
   * the result is answered and the effect is not made again. The connection stays while the effect is under way, so a move
   * never does it twice; the death of the member between effect and record may. `token` is the same whenever this effect
   * of this connection is tried, for outside systems that can tell repetitions.
   *
   * `key` is unique within one run of the stage; what is recorded is forgotten when the stage is left. The result has to be
   * able to travel. What the effect throws is thrown, and not recorded.
   */
  once<Result>(key: string, effect: (token: string) => Result | Promise<Result>): Promise<Result>;

  /**
   * Opens something that this run of the stage needs: it is closed, last opened first, when the stage is left, when the
   * connection has gone, and when the stage fails. Without `close` its own `close()`, `Symbol.asyncDispose` or
   * `Symbol.dispose` is called.
   */
  use<Resource>(open: () => Resource | Promise<Resource>, close?: (resource: Resource) => unknown): Promise<Resource>;
}
