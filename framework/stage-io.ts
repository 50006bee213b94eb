// What a stage sees of its connection: bytes in, bytes out, and the restart point.
//
// Only the interface, so that a service depends on nothing that runs. `runtime/connection-io.ts` implements it on a
// connection of the stack. Two rules make a stage repeatable after a move:
//   I1. Input counts as consumed once the stage has it; what a read looked at beyond its result is given back.
//   I2. A snapshot covers every write called before it, whether or not its promise has resolved.

import type { Address } from '@migratory/stack';

export interface ReadUntilOptions {
  /** Bytes to search for the delimiter, delimiter included. */
  readonly maxLength: number;
}

export interface StageIo {
  /** The client's address, as the member that serves now sees it. */
  readonly client: Address;
  /** 16 hexadecimal digits; undefined when the client's TCP doesn't speak the migration options. */
  readonly cid: string | undefined;
  /** How many times the connection has moved. */
  readonly epoch: number;
  /** Aborted with `ConnectionMoved` or `ConnectionLost` when the connection leaves this member or dies. */
  readonly signal: AbortSignal;

  /** The input that is there, at least one byte; waits for it; undefined at the end of the client's stream. */
  read(): Promise<Uint8Array | undefined>;

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

  /** Ends our half of the stream; input may still be read. Resolves when all output is with the transport. */
  end(): Promise<void>;

  /** Moves the restart point up to this instant of this stage, with the fields' values of now (`setState`). */
  snapshot(): void;
}
