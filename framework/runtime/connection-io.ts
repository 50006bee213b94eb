// StageIo on a connection of the stack.
//
// One for each run of a stage, so that what a stage left running can't move the restart point of the next one. Promises are
// marked as handled: a write that nobody awaits must not take the process down when the connection moves.

import type { Address } from '@migratory/stack';
import { InvalidOption, StageOver, WriteAfterEnd } from '../errors.js';
import type { ReadUntilOptions, StageIo } from '../stage-io.js';
import type { Frame } from './frame.js';
import type { Intake } from './intake.js';
import type { Lifeline } from './lifeline.js';
import type { StageConnection } from './stage-connection.js';

/** What belongs to a connection for as long as it is here. */
export interface Link {
  readonly connection: StageConnection;
  readonly lifeline: Lifeline;
  readonly intake: Intake;
  readonly frame: Frame;
}

export class ConnectionIo implements StageIo {
  readonly #link: Link;
  readonly #stage: string;
  #running: 'running' | 'over' = 'running';

  constructor(link: Link, stage: string) {
    this.#link = link;
    this.#stage = stage;
  }

  get client(): Address {
    return this.#link.connection.remoteAddress;
  }

  get cid(): string | undefined {
    return this.#link.connection.cid;
  }

  get epoch(): number {
    return this.#link.connection.epoch;
  }

  get signal(): AbortSignal {
    return this.#link.lifeline.signal;
  }

  read(): Promise<Uint8Array | undefined> {
    return handled(this.#link.intake.read());
  }

  readUntil(delimiter: string | Uint8Array, options: ReadUntilOptions): Promise<Uint8Array | undefined> {
    const bytes = toBytes(delimiter);
    if (bytes.length === 0) throw new InvalidOption('delimiter', 'at least one byte');
    if (!isLength(options.maxLength) || options.maxLength < bytes.length) {
      throw new InvalidOption('maxLength', "a number of bytes, at least the delimiter's");
    }
    return handled(this.#link.intake.readUntil(bytes, options.maxLength));
  }

  readExactly(length: number): Promise<Uint8Array | undefined> {
    if (!isLength(length)) throw new InvalidOption('length', 'a number of bytes');
    return handled(this.#link.intake.readExactly(length));
  }

  write(data: Uint8Array | string): Promise<void> {
    return handled(this.#write(toBytes(data)));
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { connection, lifeline } = this.#link;
    lifeline.check();
    if (connection.writableEnded) throw new WriteAfterEnd();
    if (bytes.length === 0 || connection.write(bytes)) return;
    await lifeline.wait('drain');
  }

  end(): Promise<void> {
    return handled(this.#end());
  }

  async #end(): Promise<void> {
    const { connection, lifeline } = this.#link;
    if (connection.writableFinished) return;
    lifeline.check();
    if (!connection.writableEnded) connection.end();
    await lifeline.wait('finish');
  }

  snapshot(): void {
    const { connection, lifeline, intake, frame } = this.#link;
    lifeline.check();
    if (this.#running === 'over') throw new StageOver(this.#stage);
    frame.checkKnownFields(this.#stage);
    const state = frame.encode({ kind: 'stage', stage: this.#stage });
    intake.giveBack();
    connection.setState(state);
  }

  /** The stage has returned. */
  retire(): void {
    this.#running = 'over';
  }
}

function handled<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => undefined);
  return promise;
}

function toBytes(data: Uint8Array | string): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data) : data;
}

function isLength(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
