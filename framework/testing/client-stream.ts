// What the client has read of its connection, and what it waits for: one read at a time, which may be given up.

import type { MigratoryConnection } from '@migratory/stack';
import { OverlappingRead } from '../errors.js';
import { ConnectionBroken, StreamEnded, StreamTooLong } from './errors.js';

type StreamEnd =
  | { readonly kind: 'open' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'broken'; readonly error: Error | undefined };

interface Reading {
  state: 'wanted' | 'given-up';
}

export class ClientStream {
  readonly #connection: MigratoryConnection;
  /** Lines about what the service has reported so far, for the story of a connection that breaks. */
  readonly #reports: () => string;
  #unread = Buffer.alloc(0);
  #end: StreamEnd = { kind: 'open' };
  #waiting: (() => void)[] = [];
  #reading: Reading | undefined;

  constructor(connection: MigratoryConnection, reports: () => string) {
    this.#connection = connection;
    this.#reports = reports;
    connection.on('readable', () => {
      for (let chunk: unknown = connection.read(); chunk !== null; chunk = connection.read()) {
        this.#unread = Buffer.concat([this.#unread, chunk as Buffer]);
      }
      this.#wake();
    });
    connection.on('end', () => this.#over({ kind: 'ended' }));
    connection.on('error', (error) => this.#over({ kind: 'broken', error }));
    connection.on('close', () => this.#over({ kind: 'broken', error: undefined }));
  }

  #over(end: StreamEnd): void {
    if (this.#end.kind === 'open') this.#end = end;
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const proceed of waiting) proceed();
  }

  /** The read that waits takes nothing any more. */
  giveUp(): void {
    if (this.#reading !== undefined) this.#reading.state = 'given-up';
    this.#reading = undefined;
    this.#wake();
  }

  async #exclusively<Result>(read: (reading: Reading) => Promise<Result>): Promise<Result> {
    if (this.#reading !== undefined) throw new OverlappingRead();
    const reading: Reading = { state: 'wanted' };
    this.#reading = reading;
    try {
      return await read(reading);
    } finally {
      if (this.#reading === reading) this.#reading = undefined;
    }
  }

  /** `length` bytes; undefined at the end of the service's stream. */
  readExactly(length: number): Promise<Buffer | undefined> {
    return this.#exclusively(async (reading) => {
      while (this.#unread.length < length) {
        if ((await this.#more(reading)) === 'ended') return this.#endBefore(`${length} bytes`);
      }
      return this.#take(length);
    });
  }

  /** What comes before the delimiter, which is taken and left out; undefined at the end of the service's stream. */
  readUntil(delimiter: Buffer, maxLength: number): Promise<Buffer | undefined> {
    const wanted = JSON.stringify(delimiter.toString('latin1'));
    return this.#exclusively(async (reading) => {
      for (;;) {
        const at = this.#unread.subarray(0, maxLength).indexOf(delimiter);
        if (at >= 0) return this.#take(at + delimiter.length).subarray(0, at);
        if (this.#unread.length >= maxLength) throw new StreamTooLong(wanted, maxLength);
        if ((await this.#more(reading)) === 'ended') return this.#endBefore(wanted);
      }
    });
  }

  readAll(): Promise<Buffer> {
    return this.#exclusively(async (reading) => {
      while ((await this.#more(reading)) === 'more');
      return this.#take(this.#unread.length);
    });
  }

  #take(length: number): Buffer {
    const bytes = this.#unread.subarray(0, length);
    this.#unread = this.#unread.subarray(length);
    return bytes;
  }

  #endBefore(wanted: string): undefined {
    if (this.#unread.length === 0) return undefined;
    throw new StreamEnded(wanted, this.#take(this.#unread.length));
  }

  async #more(reading: Reading): Promise<'more' | 'ended'> {
    const { length } = this.#unread;
    for (;;) {
      if (reading.state === 'given-up') throw new OverlappingRead(); // nobody hears of it
      if (this.#unread.length > length) return 'more';
      if (this.#end.kind === 'ended') return 'ended';
      if (this.#end.kind === 'broken') throw new ConnectionBroken(this.#reports(), { cause: this.#end.error });
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Resolves when there is room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#end.kind === 'broken') throw new ConnectionBroken(this.#reports(), { cause: this.#end.error });
    await new Promise<void>((resolve, reject) => {
      this.#connection.write(bytes, undefined, (error) => {
        if (error instanceof Error) reject(new ConnectionBroken(this.#reports(), { cause: error }));
        else resolve();
      });
    });
  }

  end(): Promise<void> {
    return new Promise((resolve) => {
      this.#connection.end(undefined, undefined, () => resolve());
    });
  }
}
