// A database without a process or a socket: `Database` and `Backend` of the front-end, over a toy PostgreSQL.
//
// It is as far away as a real one: what is written is dealt with in a later turn of the event loop, even if the front-end has
// let go of the session by then; answers come in pieces, of as many bytes as wanted.

import type { Login } from '@migratory/pg-frontend/internal/session/session-record.js';
import {
  BackendLost,
  BackendReleased,
  type Backend,
  type Database,
} from '@migratory/pg-frontend/internal/database/database.js';
import { turn } from '@migratory/framework/internal/testing/turns.js';
import { ToySession } from './toy-session.js';
import { ToyStatements } from './toy-statements.js';
import { ToyStore } from './toy-store.js';

export interface FakeDatabaseOptions {
  /** Told of each number before it is there to stay. */
  readonly record?: (effect: string) => void;
  /** Bytes that are read at once, at most. */
  readonly pieceLength?: number;
  /** The session that deals with so many messages (of all sessions together) is lost: before it does, or before it answers. */
  readonly loss?: { readonly atMessage: number; readonly when: 'before' | 'after' };
}

const REPORTED: readonly [name: string, value: string][] = [
  ['client_encoding', 'UTF8'],
  ['server_version', '18.0'],
  ['standard_conforming_strings', 'on'],
];

export class FakeDatabase implements Database {
  readonly store: ToyStore;
  readonly #pieceLength: number;
  #loss: FakeDatabaseOptions['loss'];
  readonly #backends = new Map<number, FakeBackend>();
  #lastProcessId = 100;
  /** Messages that all sessions have dealt with. */
  messageCount = 0;

  constructor({ record, pieceLength = Infinity, loss }: FakeDatabaseOptions = {}) {
    this.store = new ToyStore(record);
    this.#pieceLength = pieceLength;
    this.#loss = loss;
  }

  async open({ user }: Login, signal: AbortSignal): Promise<FakeBackend> {
    await turn();
    signal.throwIfAborted();
    const processId = ++this.#lastProcessId;
    const statements = new ToyStatements(this.store, {
      user,
      countInTransaction: (other) => (this.#backends.get(other)?.isInTransaction === true ? 1 : 0),
      terminate: (other) => this.#backends.get(other)?.lose(),
    });
    const backend = new FakeBackend(processId, new ToySession(statements), this.#pieceLength, () => this.#counted());
    this.#backends.set(processId, backend);
    return backend;
  }

  /** From now on none is lost. */
  loseNoMore(): void {
    this.#loss = undefined;
  }

  /** The sessions that have not ended. */
  get living(): readonly FakeBackend[] {
    return [...this.#backends.values()].filter(({ isOpen }) => isOpen);
  }

  #counted(): 'goes-on' | 'lost-before' | 'lost-after' {
    const isMeant = ++this.messageCount === this.#loss?.atMessage;
    if (!isMeant) return 'goes-on';
    return this.#loss?.when === 'before' ? 'lost-before' : 'lost-after';
  }
}

export class FakeBackend implements Backend {
  readonly identity: string;
  readonly reported = new Map(REPORTED);
  readonly #session: ToySession;
  readonly #pieceLength: number;
  readonly #count: () => 'goes-on' | 'lost-before' | 'lost-after';
  #output: Buffer = Buffer.alloc(0);
  #input: Buffer[] = [];
  #dealing: 'nothing' | 'scheduled' = 'nothing';
  #state: 'open' | 'lost' | 'released' = 'open';
  #reading: { readonly resolve: (chunk: Buffer) => void; readonly reject: (error: Error) => void } | undefined;
  #watcher: (() => void) | undefined;
  #hasEnded = false;

  constructor(
    processId: number,
    session: ToySession,
    pieceLength: number,
    count: () => 'goes-on' | 'lost-before' | 'lost-after',
  ) {
    this.identity = `${processId}/1`;
    this.#session = session;
    this.#pieceLength = pieceLength;
    this.#count = count;
  }

  get isOpen(): boolean {
    return !this.#hasEnded;
  }

  get isInTransaction(): boolean {
    return !this.#hasEnded && this.#session.status !== 'I';
  }

  write(bytes: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.#input.push(Buffer.from(bytes));
    this.#schedule();
  }

  #schedule(): void {
    if (this.#dealing === 'scheduled') return;
    this.#dealing = 'scheduled';
    void turn().then(() => {
      this.#dealing = 'nothing';
      this.#deal();
    });
  }

  #deal(): void {
    const bytes = Buffer.concat(this.#input);
    this.#input = [];
    for (let rest = bytes; !this.#hasEnded; rest = Buffer.alloc(0)) {
      const before = this.#session.messageCount;
      const isLost = this.#dealOne(rest);
      this.#say(this.#session.take());
      if (isLost || this.#session.messageCount === before) break;
    }
    if (this.#state === 'released') this.#end();
  }

  /** Answers whether the session is lost. */
  #dealOne(bytes: Buffer): boolean {
    const fate = this.#session.isNextWhole(bytes) ? this.#count() : 'goes-on';
    if (fate !== 'lost-before') this.#session.deal();
    if (fate === 'goes-on') return false;
    this.#session.take();
    this.lose();
    return true;
  }

  /** The process is gone, without a word. */
  lose(): void {
    this.#end();
    if (this.#state !== 'open') return;
    this.#state = 'lost';
    const reading = this.#reading;
    if (reading === undefined) return this.#watcher?.();
    if (this.#output.length > 0) return;
    this.#reading = undefined;
    reading.reject(new BackendLost());
  }

  /** What the database says by itself. */
  tell(bytes: Buffer): void {
    this.#say(bytes);
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#session.end();
  }

  #say(bytes: Buffer): void {
    if (bytes.length === 0 || this.#state !== 'open') return;
    this.#output = Buffer.concat([this.#output, bytes]);
    const reading = this.#reading;
    if (reading === undefined) return this.#watcher?.();
    this.#reading = undefined;
    reading.resolve(this.#piece());
  }

  #piece(): Buffer {
    const piece = this.#output.subarray(0, this.#pieceLength);
    this.#output = this.#output.subarray(piece.length);
    return piece;
  }

  drained(): Promise<void> {
    return turn();
  }

  read(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      try {
        const chunk = this.tryRead();
        if (chunk === undefined) this.#reading = { resolve, reject };
        else resolve(chunk);
      } catch (error) {
        reject(error instanceof Error ? error : new TypeError(String(error)));
      }
    });
  }

  tryRead(): Buffer | undefined {
    if (this.#state === 'released') throw new BackendReleased('the session was given back');
    if (this.#output.length > 0) return this.#piece();
    if (this.#state === 'lost') throw new BackendLost();
    return undefined;
  }

  unread(bytes: Buffer): void {
    this.#output = Buffer.concat([bytes, this.#output]);
  }

  watch(arrived: (() => void) | undefined): void {
    this.#watcher = arrived;
    if (this.#output.length > 0 || this.#state === 'lost') arrived?.();
  }

  cancel(): void {
    // Whatever runs is over at once.
  }

  release(): void {
    this.close();
  }

  /** What was written before is dealt with all the same. */
  close(): void {
    if (this.#state === 'lost') return;
    this.#state = 'released';
    this.#watcher = undefined;
    const reading = this.#reading;
    this.#reading = undefined;
    reading?.reject(new BackendReleased('the session was given back'));
    this.#schedule();
  }
}
