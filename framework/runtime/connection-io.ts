// StageIo on a connection of the stack.
//
// One for each run of a stage, so that what a stage left running can't move the restart point of the next one, nor use what
// that run has opened. Promises are marked as handled: a write that nobody awaits must not take the process down when the
// connection moves.

import type { Address } from '@migratory/stack';
import { EffectOutOfPlace, InvalidOption, StageOver, UnknownStage, WriteAfterEnd } from '../errors.js';
import type { ReadOptions, ReadUntilOptions, SnapshotPoint, StageIo } from '../stage-io.js';
import { OutputMemory } from './output-memory.js';
import { Resources } from './resources.js';
import type { Stay } from './stay.js';

export class ConnectionIo implements StageIo {
  readonly #stay: Stay;
  readonly #stage: string;
  /** What a failure is told with takes no snapshots: there is nothing to go on with. */
  readonly #purpose: 'stage' | 'failure';
  #resources: Resources | undefined;
  #outputMemory: OutputMemory | undefined;
  #effects: Set<string> | undefined;
  /** Why the calls throw by now; 'left' makes its error when there is somebody to throw it at. */
  #over: 'left' | Error | undefined;

  constructor(stay: Stay, stage: string, purpose: 'stage' | 'failure') {
    this.#stay = stay;
    this.#stage = stage;
    this.#purpose = purpose;
  }

  get client(): Address {
    return this.#stay.connection.remoteAddress;
  }

  get cid(): string | undefined {
    return this.#stay.connection.cid;
  }

  get epoch(): number {
    return this.#stay.connection.epoch;
  }

  get signal(): AbortSignal {
    return this.#stay.lifeline.signal;
  }

  read(options?: ReadOptions): Promise<Uint8Array | undefined> {
    const maxLength = options?.maxLength;
    if (maxLength !== undefined && (!isLength(maxLength) || maxLength === 0)) {
      throw new InvalidOption('maxLength', 'a number of bytes, at least one');
    }
    return this.#over === undefined ? this.#stay.intake.read(maxLength) : this.#refused();
  }

  readUntil(delimiter: string | Uint8Array, options: ReadUntilOptions): Promise<Uint8Array | undefined> {
    const bytes = toBytes(delimiter);
    if (bytes.length === 0) throw new InvalidOption('delimiter', 'at least one byte');
    if (!isLength(options.maxLength) || options.maxLength < bytes.length) {
      throw new InvalidOption('maxLength', "a number of bytes, at least the delimiter's");
    }
    return this.#over === undefined ? this.#stay.intake.readUntil(bytes, options.maxLength) : this.#refused();
  }

  readExactly(length: number): Promise<Uint8Array | undefined> {
    if (!isLength(length)) throw new InvalidOption('length', 'a number of bytes');
    return this.#over === undefined ? this.#stay.intake.readExactly(length) : this.#refused();
  }

  write(data: Uint8Array | string): Promise<void> {
    try {
      return this.#write(toBytes(data)) === 'has-room' ? HAS_ROOM : handled(this.#stay.lifeline.wait('drain'));
    } catch (error) {
      return handled(Promise.reject(error as Error));
    }
  }

  #write(bytes: Uint8Array): 'has-room' | 'full' {
    const { connection, lifeline } = this.#running();
    lifeline.check();
    if (connection.writableEnded) throw new WriteAfterEnd();
    if (bytes.length === 0) return 'has-room';
    this.#stay.produced(bytes.length);
    this.#outputMemory?.wrote(bytes);
    return connection.write(bytes) ? 'has-room' : 'full';
  }

  allocate(length: number): Uint8Array {
    const { connection } = this.#running();
    if (!isLength(length) || length === 0) throw new InvalidOption('length', 'a number of bytes, at least one');
    this.#outputMemory ??= new OutputMemory();
    return this.#outputMemory.lend(length, connection.unacknowledgedLength);
  }

  end(): Promise<void> {
    return handled(this.#end());
  }

  async #end(): Promise<void> {
    const { connection, lifeline } = this.#running();
    if (connection.writableFinished) return;
    lifeline.check();
    if (!connection.writableEnded) connection.end();
    await lifeline.wait('finish');
  }

  snapshot(point?: SnapshotPoint): void {
    const { lifeline, frame, service } = this.#running();
    lifeline.check();
    if (this.#purpose === 'failure') throw new StageOver(this.#stage);
    const stage = point?.stage ?? this.#stage;
    const target = point === undefined ? stage : service.routes.resolve(this.#stage, stage);
    if (target === undefined)
      throw new UnknownStage(service.plan.service, this.#stage, stage, [...service.stages.keys()]);
    frame.checkKnownFields(this.#stage);
    this.#stay.snapshot(target);
  }

  once<Result>(key: string, effect: (token: string) => Result | Promise<Result>): Promise<Result> {
    return handled(this.#once(key, effect));
  }

  async #once<Result>(key: string, effect: (token: string) => Result | Promise<Result>): Promise<Result> {
    const { lifeline, frame, lock, service, restartStage } = this.#running();
    lifeline.check();
    if (this.#purpose === 'failure') throw new StageOver(this.#stage);
    if (restartStage !== this.#stage) {
      throw new EffectOutOfPlace(this.#stage, key, `comes after io.snapshot({ stage: '${restartStage ?? ''}' })`);
    }
    const earlier = frame.recorded(key);
    if (earlier.kind === 'recorded') {
      service.counters.effectsRecalled++;
      return earlier.result as Result;
    }
    this.#effects ??= new Set();
    if (this.#effects.has(key)) throw new EffectOutOfPlace(this.#stage, key, 'is under way already');
    lock.acquire();
    this.#effects.add(key);
    const { visit } = frame;
    try {
      const result = await effect(this.#stay.tokenOf(key));
      service.counters.effectsMade++;
      this.#running();
      lifeline.check();
      // A restart point that was moved beyond this stage meanwhile has no place for the result, and needs none.
      if (frame.visit === visit) this.#stay.record(key, result);
      return result;
    } finally {
      this.#effects.delete(key);
      lock.release();
      lifeline.check(); // a move that was waiting for the lock has happened: the stage goes on there, however this ended
    }
  }

  use<Resource>(open: () => Resource | Promise<Resource>, close?: (resource: Resource) => unknown): Promise<Resource> {
    return handled(this.#use(open, close));
  }

  async #use<Resource>(
    open: () => Resource | Promise<Resource>,
    close: ((resource: Resource) => unknown) | undefined,
  ): Promise<Resource> {
    const { lifeline, service, connection } = this.#running();
    lifeline.check();
    this.#resources ??= new Resources(this.#stage, (error) => {
      const { cid, epoch } = connection;
      service.report({ kind: 'not-closed', service: service.plan.service, stage: this.#stage, cid, epoch, error });
    });
    return this.#resources.use(open, close);
  }

  /** Whether the stage has opened anything by `use`. */
  get hasOpened(): boolean {
    return this.#resources !== undefined;
  }

  /** What the stage has opened is closed; resolves when it is. */
  async close(): Promise<void> {
    await this.#resources?.closeAll();
  }

  /** The stage has returned, or is not waited for any more, for the reason given: its calls throw from now on. */
  retire(why: 'left' | Error = 'left'): void {
    if (this.#over !== undefined) return;
    this.#over = why;
    const { intake } = this.#stay;
    if (intake.isReading) intake.interrupt(this.#why(why));
  }

  #running(): Stay {
    if (this.#over !== undefined) throw this.#why(this.#over);
    return this.#stay;
  }

  /** Rejects rather than throws: what a stage left running can't take the process down. */
  #refused(): Promise<never> {
    return handled(Promise.reject(this.#why(this.#over)));
  }

  #why(over: 'left' | Error | undefined): Error {
    return over instanceof Error ? over : new StageOver(this.#stage);
  }
}

/** Most writes find room: they all share this one. */
const HAS_ROOM = Promise.resolve();

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
