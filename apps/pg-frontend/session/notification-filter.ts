// Parts the notifications from a session's byte stream, wherever its chunks end.
//
// Only headers are read. What is not looked for goes on as it came, in runs, also where its end is still to come.

import { HEADER_LENGTH } from '../wire/message.js';

export interface Parted {
  /** Whole messages of the kinds that are looked for. */
  readonly found: readonly Buffer[];
  /** Everything else. */
  readonly rest: Buffer;
}

const EMPTY: Buffer = Buffer.alloc(0);

export class NotificationFilter {
  #kinds: ReadonlySet<number>;
  /** Of a message whose beginning has gone on. */
  #passingLength = 0;
  /** A header that is not whole, or a message that is looked for. */
  #begun: Buffer = EMPTY;

  constructor(kinds: ReadonlySet<number>) {
    this.#kinds = kinds;
  }

  /** From the next message on. */
  lookFor(kinds: ReadonlySet<number>): void {
    this.#kinds = kinds;
  }

  part(chunk: Buffer): Parted {
    const bytes = this.#begun.length === 0 ? chunk : Buffer.concat([this.#begun, chunk]);
    const found: Buffer[] = [];
    const runs: Buffer[] = [];
    let at = Math.min(this.#passingLength, bytes.length);
    this.#passingLength -= at;
    let from = 0; // where the run begins that goes on
    while (bytes.length - at >= HEADER_LENGTH) {
      const end = at + 1 + Math.max(4, bytes.readInt32BE(at + 1));
      if (this.#kinds.has(bytes[at] ?? 0)) {
        if (end > bytes.length) break;
        runs.push(bytes.subarray(from, at));
        found.push(bytes.subarray(at, end));
        from = end;
      } else if (end > bytes.length) {
        this.#passingLength = end - bytes.length;
        at = bytes.length;
        break;
      }
      at = end;
    }
    runs.push(bytes.subarray(from, at));
    this.#begun = bytes.subarray(at);
    return { found, rest: runs.length === 1 ? (runs[0] ?? EMPTY) : Buffer.concat(runs) };
  }
}
