// A stage's io with the oracle behind it: every result that a handler gets is checked before the handler sees it.
//
// The session keeps how much it has read in a field that is snapshotted, so that what is read at a restart point must be
// what the client wrote at that very offset: fields and stream have to be of one instant.

import { ConnectionMoved, DelimiterNotFound, UnexpectedEnd, type StageIo } from '@migratory/framework';
import type { Oracle, Owner } from './oracle.js';
import type { Machine } from './machine.js';

/** What every session has. */
export interface Counted {
  /** Bytes of input, those that were left out of a result included. */
  consumed: number;
}

/** What a stage can do besides its connection: the part of its site that it is shown. */
interface OutsideOfStages {
  readonly machine: Machine;
  effect(name: string): Promise<number>;
  open(): Promise<void>;
  close(): Promise<void>;
}

export class SeenIo {
  readonly #io: StageIo;
  readonly #session: Counted;
  readonly #owner: Owner;
  readonly #oracle: Oracle;
  readonly #site: OutsideOfStages;
  readonly #stage: string;

  constructor(io: StageIo, session: Counted, at: { site: OutsideOfStages; oracle: Oracle; stage: string }) {
    this.#io = io;
    this.#session = session;
    this.#oracle = at.oracle;
    this.#stage = at.stage;
    this.#owner = at.oracle.entered(at.site.machine, io, at.stage);
    this.#site = at.site;
  }

  get signal(): AbortSignal {
    return this.#io.signal;
  }

  /** The handler goes on: only where the connection is may it (S2). */
  progress(what: string): void {
    this.#oracle.progress(this.#owner, this.#io, `${this.#stage} ${what}`);
  }

  /** The handler has returned done(). */
  finished(): void {
    this.#oracle.finished(this.#io);
  }

  /** As the framework's own: what nobody awaits takes nobody down. */
  #during<Result>(what: string, call: () => Promise<Result>): Promise<Result> {
    const promise = this.#watch(what, call);
    promise.catch(() => undefined);
    return promise;
  }

  async #watch<Result>(what: string, call: () => Promise<Result>): Promise<Result> {
    const undo = this.#oracle.doing(this.#io, `${this.#stage} ${what}`);
    try {
      const result = await call();
      this.progress(what);
      return result;
    } catch (error) {
      if (error instanceof ConnectionMoved) this.#oracle.toldMoved(this.#owner, this.#io, this.#stage);
      else if (error instanceof UnexpectedEnd || error instanceof DelimiterNotFound) this.progress(what);
      throw error;
    } finally {
      undo();
    }
  }

  #consume(bytes: Uint8Array | undefined, delimiter = ''): Uint8Array | undefined {
    const { consumed } = this.#session;
    if (bytes === undefined) {
      this.#oracle.inputEnded(this.#io, consumed);
      return undefined;
    }
    const read = Buffer.concat([bytes, Buffer.from(delimiter)]);
    this.#oracle.consumed(this.#io, consumed, read);
    this.#session.consumed += read.length;
    return bytes;
  }

  read(): Promise<Uint8Array | undefined> {
    const reading = this.#during('read', () => this.#io.read()).then((bytes) => this.#consume(bytes));
    reading.catch(() => undefined);
    return reading;
  }

  /** Without the newline. Throws `DelimiterNotFound`; counts what `UnexpectedEnd` has. */
  async readLine(maxLength: number): Promise<string | undefined> {
    try {
      const line = this.#consume(await this.#during('readUntil', () => this.#io.readUntil('\n', { maxLength })), '\n');
      return line === undefined ? undefined : Buffer.from(line).toString('latin1');
    } catch (error) {
      if (error instanceof UnexpectedEnd) this.#consume(error.received);
      throw error;
    }
  }

  async readExactly(length: number): Promise<Uint8Array | undefined> {
    if (length === 0) return new Uint8Array(0);
    try {
      return this.#consume(await this.#during('readExactly', () => this.#io.readExactly(length)));
    } catch (error) {
      if (error instanceof UnexpectedEnd) this.#consume(error.received);
      throw error;
    }
  }

  write(data: string | Uint8Array): Promise<void> {
    return this.#during('write', () => this.#io.write(data));
  }

  end(): Promise<void> {
    return this.#during('end', () => this.#io.end());
  }

  snapshot(point?: { readonly stage: string }): void {
    this.#io.snapshot(point);
    this.progress('snapshot');
  }

  /** Held output: what the service has drawn by this restart point. */
  settled(drawn: readonly string[]): void {
    this.#oracle.settled(this.#io, drawn);
  }

  /** S7: the connection stays while `body` runs. */
  async locked<Result>(body: () => Promise<Result>): Promise<Result> {
    this.#oracle.locked(this.#owner, this.#io);
    try {
      return await body();
    } finally {
      this.#oracle.unlocked(this.#owner, this.#io);
    }
  }

  /** An effect in a locked stage. */
  effect(what: string): Promise<number> {
    return this.#during('effect', () => this.#site.effect(`${this.#io.cid ?? ''} ${what}`));
  }

  /** An effect that the framework makes once. */
  once(key: string): Promise<number> {
    return this.#during('once', () =>
      this.#io.once(key, (token) => this.locked(() => this.#during('once effect', () => this.#site.effect(token)))),
    );
  }

  async use(): Promise<void> {
    await this.#during('use', () =>
      this.#io.use(
        () => this.#site.open(),
        () => this.#site.close(),
      ),
    );
  }
}
