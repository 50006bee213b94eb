// The intake: a stage's reads, on a stream whose buffer counts as unread.
//
// A snapshot takes the input offset from the stream: what is in its buffer has not been read. So
//   N1. A read takes nothing before the stage awaits it, and puts back what lies beyond its result in the same instant.
//   N2. What an unfinished read has gathered is put back before every snapshot (`giveBack`); the read then goes on.
// At most one read waits at a time. Most connections wait in one for most of their life: it is one small record.

import { DelimiterNotFound, OverlappingRead, UnexpectedEnd } from '../errors.js';
import type { StageConnection } from './stage-connection.js';

type Want =
  | { readonly kind: 'any' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'delimiter'; readonly delimiter: Uint8Array; readonly maxLength: number };

interface Read {
  readonly want: Want;
  readonly resolve: (bytes: Uint8Array | undefined) => void;
  readonly reject: (error: unknown) => void;
  /** Where the delimiter can't begin any more. */
  searchedLength: number;
}

/** What the intake needs of the stay that it belongs to. */
export interface IntakeOwner {
  /** Throws when the connection isn't here any more. */
  check(): void;
  /** A read has taken so many bytes. */
  consumed(length: number): void;
}

const ANY: Want = { kind: 'any' };
const NOTHING = new Uint8Array(0);

export class Intake {
  readonly #connection: StageConnection;
  readonly #owner: IntakeOwner;
  #gathered: Buffer | undefined;
  #read: Read | undefined;

  constructor(connection: StageConnection, owner: IntakeOwner) {
    this.#connection = connection;
    this.#owner = owner;
  }

  read(): Promise<Uint8Array | undefined> {
    return this.#begin(ANY);
  }

  readExactly(length: number): Promise<Uint8Array | undefined> {
    return this.#begin({ kind: 'length', length });
  }

  readUntil(delimiter: Uint8Array, maxLength: number): Promise<Uint8Array | undefined> {
    return this.#begin({ kind: 'delimiter', delimiter, maxLength });
  }

  #begin(want: Want): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#read !== undefined) return reject(new OverlappingRead());
      this.#read = { want, resolve, reject, searchedLength: 0 };
      queueMicrotask(() => this.proceed()); // N1: a snapshot in the same breath as the call comes first
    });
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

  /** The read that waits ends with `error`. */
  interrupt(error: unknown): void {
    const read = this.#read;
    this.#read = undefined;
    read?.reject(error);
  }

  /** N2: the stream has again what no read has delivered. */
  giveBack(): void {
    const bytes = this.#gathered;
    this.#gathered = undefined;
    if (bytes !== undefined) this.#connection.unshift(bytes);
  }

  #take(read: Read): Uint8Array | undefined | 'waits' {
    const { want } = read;
    if (want.kind === 'length' && want.length === 0) return NOTHING;
    for (;;) {
      const found = this.#find(read);
      if (found !== undefined) return found;
      const chunk = this.#connection.read() as Buffer | null;
      if (chunk !== null)
        this.#gathered = this.#gathered === undefined ? chunk : Buffer.concat([this.#gathered, chunk]);
      else if (this.#connection.readableEnded) return this.#endInside();
      else return 'waits';
    }
  }

  /** What the read wants, if it has been gathered. */
  #find(read: Read): Uint8Array | undefined {
    const gathered = this.#gathered;
    if (gathered === undefined) return undefined;
    const { want } = read;
    switch (want.kind) {
      case 'any':
        return this.#deliver(gathered, gathered.length, 0);
      case 'length':
        return gathered.length < want.length ? undefined : this.#deliver(gathered, want.length, 0);
      case 'delimiter': {
        const { delimiter, maxLength } = want;
        const from = Math.max(0, Math.min(read.searchedLength, gathered.length) - delimiter.length + 1);
        const at = gathered.subarray(0, maxLength).indexOf(delimiter, from);
        if (at >= 0) return this.#deliver(gathered, at, delimiter.length);
        if (gathered.length >= maxLength) {
          this.giveBack();
          throw new DelimiterNotFound(maxLength);
        }
        read.searchedLength = gathered.length;
        return undefined;
      }
    }
  }

  /** `length` bytes for the stage; `skippedLength` more are consumed, the rest goes back. */
  #deliver(gathered: Buffer, length: number, skippedLength: number): Uint8Array {
    const consumedLength = length + skippedLength;
    this.#gathered = undefined;
    if (consumedLength < gathered.length) this.#connection.unshift(gathered.subarray(consumedLength)); // N1
    this.#owner.consumed(consumedLength);
    return gathered.subarray(0, length);
  }

  #endInside(): undefined {
    const gathered = this.#gathered;
    if (gathered === undefined) return undefined;
    throw new UnexpectedEnd(this.#deliver(gathered, gathered.length, 0));
  }
}
