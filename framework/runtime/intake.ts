// The intake: a stage's reads, on a stream whose buffer counts as unread.
//
// A snapshot takes the input offset from the stream: what is in its buffer has not been read. So
//   N1. A read takes nothing before the stage awaits it, and puts back what lies beyond its result in the same instant.
//   N2. What an unfinished read has gathered is put back before every snapshot (`giveBack`); the read then goes on.
// At most one read waits at a time.

import { DelimiterNotFound, OverlappingRead, UnexpectedEnd } from '../errors.js';
import type { Lifeline } from './lifeline.js';
import type { StageConnection } from './stage-connection.js';

const NOTHING = new Uint8Array(0);

export class Intake {
  readonly #connection: StageConnection;
  readonly #lifeline: Lifeline;
  readonly #consumed: (length: number) => void;
  #gathered: Uint8Array[] = [];
  #gatheredLength = 0;
  #activity: 'idle' | 'reading' = 'idle';

  /** `consumed` is told the length of what a read takes. */
  constructor(connection: StageConnection, lifeline: Lifeline, consumed: (length: number) => void) {
    this.#connection = connection;
    this.#lifeline = lifeline;
    this.#consumed = consumed;
  }

  read(): Promise<Uint8Array | undefined> {
    return this.#exclusively(async () => {
      await this.#gather();
      return this.#gatheredLength === 0 ? undefined : this.#deliver(this.#gatheredLength, 0);
    });
  }

  readExactly(length: number): Promise<Uint8Array | undefined> {
    return this.#exclusively(async () => {
      if (length === 0) return NOTHING;
      while (this.#gatheredLength < length) {
        if ((await this.#gather()) === 'ended') return this.#endInside();
      }
      return this.#deliver(length, 0);
    });
  }

  readUntil(delimiter: Uint8Array, maxLength: number): Promise<Uint8Array | undefined> {
    return this.#exclusively(async () => {
      let searchedLength = 0;
      while ((await this.#gather()) === 'more') {
        const from = Math.max(0, Math.min(searchedLength, this.#gatheredLength) - delimiter.length + 1);
        const at = this.#joined().subarray(0, maxLength).indexOf(delimiter, from);
        if (at >= 0) return this.#deliver(at, delimiter.length);
        if (this.#gatheredLength >= maxLength) {
          this.giveBack();
          throw new DelimiterNotFound(maxLength);
        }
        searchedLength = this.#gatheredLength;
      }
      return this.#endInside();
    });
  }

  /** N2: the stream has again what no read has delivered. */
  giveBack(): void {
    if (this.#gatheredLength === 0) return;
    const bytes = this.#joined();
    this.#gathered = [];
    this.#gatheredLength = 0;
    this.#connection.unshift(bytes);
  }

  async #exclusively<Result>(read: () => Promise<Result>): Promise<Result> {
    if (this.#activity === 'reading') throw new OverlappingRead();
    this.#activity = 'reading';
    try {
      await Promise.resolve(); // N1: a snapshot in the same breath as the call comes first
      return await read();
    } finally {
      this.#activity = 'idle';
    }
  }

  /** Waits for more input than has been gathered, or for its end. */
  async #gather(): Promise<'more' | 'ended'> {
    for (;;) {
      this.#lifeline.check();
      const chunk = this.#connection.read() as Buffer | null;
      if (chunk !== null) {
        this.#gathered.push(chunk);
        this.#gatheredLength += chunk.length;
        return 'more';
      }
      if (this.#connection.readableEnded) return 'ended';
      await this.#lifeline.wait('readable', 'end');
    }
  }

  #joined(): Buffer {
    const [first] = this.#gathered;
    const joined = this.#gathered.length === 1 && Buffer.isBuffer(first) ? first : Buffer.concat(this.#gathered);
    this.#gathered = [joined];
    return joined;
  }

  /** `length` bytes for the stage; `skippedLength` more are consumed, the rest goes back. */
  #deliver(length: number, skippedLength: number): Uint8Array {
    const bytes = this.#joined();
    const rest = bytes.subarray(length + skippedLength);
    this.#gathered = [];
    this.#gatheredLength = 0;
    if (rest.length > 0) this.#connection.unshift(rest); // N1
    this.#consumed(bytes.length - rest.length);
    return bytes.subarray(0, length);
  }

  #endInside(): undefined {
    if (this.#gatheredLength === 0) return undefined;
    throw new UnexpectedEnd(this.#deliver(this.#gatheredLength, 0));
  }
}
