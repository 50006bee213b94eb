// The intake: a stage's reads, on a stream whose buffer counts as unread.
//
// A snapshot takes the input offset from the stream: what is in its buffer has not been read. So
//   N1. A read takes nothing before the stage awaits it, and puts back what lies beyond its result in the same instant.
//   N2. What an unfinished read has gathered is put back before every snapshot (`giveBack`); the read then goes on.
//   N3. A read is its stage's: when that is over, it ends and takes nothing (`interrupt`).
//   N4. What a read costs grows with its length and not with the number of pieces: a client may send bytes one by one.
// At most one read waits at a time. Most connections wait in one for most of their life: it is one small record.

import { DelimiterNotFound, OverlappingRead, UnexpectedEnd } from '../errors.js';
import type { StageConnection } from './stage-connection.js';

type Want =
  | { readonly kind: 'any'; readonly maxLength: number }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'delimiter'; readonly delimiter: Uint8Array; readonly maxLength: number };

/** A read that has not been answered yet. */
class Read {
  readonly want: Want;
  readonly promise: Promise<Uint8Array | undefined>;
  /** Where the delimiter can't begin any more. */
  searchedLength = 0;
  resolve!: (bytes: Uint8Array | undefined) => void;
  #reject!: (error: unknown) => void;

  constructor(want: Want) {
    this.want = want;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Harmless where the stage does not await it. */
  reject(error: unknown): void {
    this.promise.catch(() => undefined);
    this.#reject(error);
  }
}

/** What the intake needs of the stay that it belongs to. */
export interface IntakeOwner {
  /** Throws when the connection isn't here any more. */
  check(): void;
  /** A read has taken so many bytes. */
  consumed(length: number): void;
}

const NONE: Buffer[] = [];
const ANY: Want = { kind: 'any', maxLength: Infinity };
const NOTHING = new Uint8Array(0);
const NO_BYTES = Buffer.alloc(0);

export class Intake {
  readonly #connection: StageConnection;
  readonly #owner: IntakeOwner;
  #gathered: Buffer[] = NONE;
  #gatheredLength = 0;
  #read: Read | undefined;

  constructor(connection: StageConnection, owner: IntakeOwner) {
    this.#connection = connection;
    this.#owner = owner;
  }

  read(maxLength = Infinity): Promise<Uint8Array | undefined> {
    return this.#begin(maxLength === Infinity ? ANY : { kind: 'any', maxLength });
  }

  readExactly(length: number): Promise<Uint8Array | undefined> {
    return this.#begin({ kind: 'length', length });
  }

  readUntil(delimiter: Uint8Array, maxLength: number): Promise<Uint8Array | undefined> {
    return this.#begin({ kind: 'delimiter', delimiter, maxLength });
  }

  #begin(want: Want): Promise<Uint8Array | undefined> {
    const read = new Read(want);
    if (this.#read !== undefined) {
      read.reject(new OverlappingRead());
      return read.promise;
    }
    this.#read = read;
    queueMicrotask(() => this.proceed()); // N1: a snapshot in the same breath as the call comes first
    return read.promise;
  }

  /** There may be more input, or its end. */
  proceed(): void {
    const read = this.#read;
    if (read === undefined) return;
    try {
      this.#owner.check();
      const taken = this.#take(read);
      if (taken === 'waits') return;
      this.#read = undefined;
      read.resolve(taken);
    } catch (error) {
      this.interrupt(error);
    }
  }

  get isReading(): boolean {
    return this.#read !== undefined;
  }

  /** The read that waits ends with `error`; what it has gathered is for the next one (N3). */
  interrupt(error: unknown): void {
    const read = this.#read;
    this.#read = undefined;
    if (!this.#connection.destroyed) this.giveBack();
    read?.reject(error);
  }

  /** N2: the stream has again what no read has delivered. */
  giveBack(): void {
    if (this.#gatheredLength > 0) this.#connection.unshift(this.#takeGathered());
  }

  #takeGathered(): Buffer {
    const [first] = this.#gathered;
    const all = this.#gathered.length === 1 && first !== undefined ? first : Buffer.concat(this.#gathered);
    this.#gathered = NONE;
    this.#gatheredLength = 0;
    return all;
  }

  #gather(chunk: Buffer): void {
    if (this.#gatheredLength === 0) this.#gathered = [chunk];
    else this.#gathered.push(chunk);
    this.#gatheredLength += chunk.length;
  }

  /** What has been gathered from `offset` on. N4: what lies before it is not touched, however many chunks it came in. */
  #gatheredFrom(offset: number): Buffer {
    let [first, start] = [this.#gathered.length, this.#gatheredLength];
    while (start > offset) start -= this.#gathered[--first]?.length ?? 0;
    const [chunk, ...more] = this.#gathered.slice(first);
    if (chunk === undefined) return NO_BYTES;
    return (more.length === 0 ? chunk : Buffer.concat([chunk, ...more])).subarray(offset - start);
  }

  #take(read: Read): Uint8Array | undefined | 'waits' {
    const { want } = read;
    if (want.kind === 'length' && want.length === 0) return NOTHING;
    for (;;) {
      const chunk = this.#connection.read() as Buffer | null;
      if (chunk === null) return this.#connection.readableEnded ? this.#endInside() : 'waits';
      this.#gather(chunk);
      const found = this.#find(read);
      if (found !== undefined) return found;
    }
  }

  /** What the read wants, if it has been gathered. */
  #find(read: Read): Uint8Array | undefined {
    const { want } = read;
    switch (want.kind) {
      case 'any':
        return this.#deliver(Math.min(this.#gatheredLength, want.maxLength), 0);
      case 'length':
        return this.#gatheredLength < want.length ? undefined : this.#deliver(want.length, 0);
      case 'delimiter':
        return this.#findDelimiter(read, want.delimiter, want.maxLength);
    }
  }

  #findDelimiter(read: Read, delimiter: Uint8Array, maxLength: number): Uint8Array | undefined {
    const length = this.#gatheredLength;
    const from = Math.max(0, Math.min(read.searchedLength, length) - delimiter.length + 1);
    const unsearched = this.#gatheredFrom(from);
    const at = unsearched.subarray(0, Math.max(0, maxLength - from)).indexOf(delimiter);
    if (at >= 0) return this.#deliver(from + at, delimiter.length);
    read.searchedLength = length;
    if (length < maxLength) return undefined;
    this.giveBack();
    throw new DelimiterNotFound(maxLength);
  }

  /** `length` bytes for the stage; `skippedLength` more are consumed, the rest goes back. */
  #deliver(length: number, skippedLength: number): Uint8Array {
    const all = this.#takeGathered();
    const consumedLength = length + skippedLength;
    if (consumedLength < all.length) this.#connection.unshift(all.subarray(consumedLength)); // N1
    this.#owner.consumed(consumedLength);
    return all.subarray(0, length);
  }

  #endInside(): undefined {
    if (this.#gatheredLength > 0) throw new UnexpectedEnd(this.#deliver(this.#gatheredLength, 0));
    return undefined;
  }
}
