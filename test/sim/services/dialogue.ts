// Dialogues: what a client says to a service, and what the service has to answer, by a model that knows no network.
//
// The model of each service stands beside it and shares no code with it. Where an answer is drawn by the service itself it
// has a hole, which is filled when the service has made up its mind for good.

export const SERVICE_NAMES = ['files', 'calculator', 'chat', 'tickets', 'audit', 'orders'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** One request and its whole answer. */
export interface Turn {
  readonly input: string | Uint8Array;
  readonly output: string | Uint8Array;
}

export interface Dialogue {
  readonly turns: readonly Turn[];
  /** How much of the input the handler must have read in the end. */
  readonly readLength: number;
  /** Where the last answer comes only once the client has ended its stream, or must not be overtaken by that. */
  readonly ends?: 'when-written' | 'when-read';
  /** Parts of the output that the service draws, in order. */
  readonly drawn?: readonly Part[];
  /** Parts of the output that consist of one byte, whichever. */
  readonly alike?: readonly Part[];
}

export interface Part {
  /** Offset in the output. */
  readonly at: number;
  readonly length: number;
}

/** A dialogue whose input is read to its end. */
export function readToTheEnd(turns: readonly Turn[]): Dialogue {
  return { turns, readLength: turns.reduce((sum, { input }) => sum + input.length, 0) };
}

/** `length` bytes of the stream that `seed` stands for, from `offset` on. */
export function contentOf(seed: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) {
    const mixed = Math.imul(offset + index + 1, 0x9e3779b1) ^ Math.imul(seed, 0x85ebca6b);
    bytes[index] = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) >>> 24;
  }
  return bytes;
}
