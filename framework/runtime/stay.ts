// The stay of one connection at this member: its restart points, what has passed since the last one, its lock.
//
//   Y1. What a snapshot says and where the streams are is of the same instant: unfinished reads are given back before it.
//   Y2. Entering a stage is a restart point first; only then is the lock of the stage before released, so that a move that
//       has been waiting finds the connection where that stage has led to.
//   Y3. A result of `io.once` is added to the restart point as it was taken, with the fields' values of then.

import type { Entropy, LockKind, OutputMode } from '@migratory/stack';
import { InputLogOverflowed, OutputTooLong, SnapshotTooLarge } from '../errors.js';
import type { ServiceLimits } from '../limits.js';
import type { PlannedStage, StagePlan } from '../plan.js';
import type { ServiceCounters } from './counters.js';
import { FINISHED, type Frame, type JournalUse, type RestartPoint, type SnapshotFormat } from './frame.js';
import type { ConnectionFacts, Handler } from './handler.js';
import { Intake, type IntakeOwner } from './intake.js';
import type { Lifeline } from './lifeline.js';
import type { Reporter } from './report.js';
import type { Routes } from '../routes.js';
import type { StageConnection } from './stage-connection.js';
import type { StageClock, Timed } from './stage-clock.js';
import { StateLock } from './state-lock.js';

/** A service that is ready to take connections. */
export interface HostedService {
  readonly plan: StagePlan;
  readonly stages: ReadonlyMap<string, PlannedStage>;
  readonly format: SnapshotFormat;
  readonly createHandler: (facts: ConnectionFacts) => Handler;
  readonly routes: Routes;
  readonly limits: ServiceLimits;
  readonly counters: ServiceCounters;
  readonly report: Reporter;
  readonly clock: StageClock;
  readonly entropy: Entropy;
}

/** Whom a stay tells what is not its own business. */
export interface StayOwner {
  /** It takes longer than it may. */
  overdue(): void;
}

export class Stay implements IntakeOwner, Timed {
  readonly service: HostedService;
  readonly connection: StageConnection;
  readonly lifeline: Lifeline;
  readonly intake: Intake;
  readonly frame: Frame;
  readonly lock: StateLock;
  #stage = '';
  /** Whose restart point the last one is: not the stage's that runs, where it has recorded another. */
  #restartStage: string | undefined;
  #lock: 'open' | LockKind = 'open';
  #mode: OutputMode | 'as-it-came' = 'live';
  #inputLength = 0;
  #outputLength = 0;
  #identity: string | undefined;
  #sinceMs = 0;
  #limitMs = Infinity;
  readonly #owner: StayOwner;

  constructor(service: HostedService, connection: StageConnection, lifeline: Lifeline, frame: Frame, owner: StayOwner) {
    this.service = service;
    this.connection = connection;
    this.lifeline = lifeline;
    this.frame = frame;
    this.intake = new Intake(connection, this);
    this.lock = new StateLock(connection, lifeline);
    this.#owner = owner;
  }

  get dueAt(): number {
    return this.#sinceMs + this.#limitMs;
  }

  /** From now on so much time is allowed. */
  limitTime(limitMs: number): void {
    const { clock } = this.service;
    this.#sinceMs = clock.now();
    const isLess = limitMs < this.#limitMs;
    this.#limitMs = limitMs;
    if (isLess) clock.watch(this);
  }

  overdue(): void {
    this.#limitMs = Infinity;
    this.#owner.overdue();
  }

  /** Nobody waits for anything here any more. */
  forgetTime(): void {
    this.#limitMs = Infinity;
    this.service.clock.forget(this);
  }

  /** Throws when the connection isn't here any more. */
  check(): void {
    this.lifeline.check();
  }

  /** Where the last restart point goes on; undefined: nowhere, the service has finished. */
  get restartStage(): string | undefined {
    return this.#restartStage;
  }

  /** The connection has come with a snapshot: goes on there without a new one. */
  resume(point: RestartPoint): void {
    const stage = this.#planned(point);
    const lock = stage?.lock ?? 'open';
    if (lock !== 'open') this.lock.acquire(lock);
    this.#lock = lock;
    this.#restartStage = stage?.name;
    this.#mode = 'as-it-came'; // that of the stage that ran, which need not be the stage that the restart point names
    this.#settle(stage);
  }

  /** A new restart point, at the beginning of a stage or behind the last one (Y2). */
  enter(point: RestartPoint): void {
    const stage = this.#planned(point);
    const lock = stage?.lock ?? 'open';
    this.lifeline.check();
    if (lock !== 'open') this.lock.acquire(lock);
    try {
      this.#restart(point, 'cleared');
    } catch (error) {
      if (lock !== 'open') this.lock.release(lock);
      throw error;
    }
    const held = this.#lock;
    this.#lock = lock;
    this.#settle(stage);
    if (held !== 'open') this.lock.release(held);
    this.lifeline.check(); // a move that was waiting for the lock has happened
  }

  /** After the end: what has been read is of no interest to anybody. The time to close goes on. */
  discard(): void {
    this.lifeline.check();
    this.#restart(FINISHED, 'cleared');
  }

  #planned(point: RestartPoint): PlannedStage | undefined {
    return point.kind === 'stage' ? this.service.stages.get(point.stage) : undefined;
  }

  #settle(stage: PlannedStage | undefined): void {
    const { limits, counters } = this.service;
    const mode = stage?.output ?? 'live';
    if (mode !== this.#mode) this.connection.setOutputMode(mode);
    this.#mode = mode;
    this.#stage = stage?.name ?? '';
    if (stage !== undefined) counters.stagesEntered++;
    this.limitTime(stage === undefined ? limits.closingTimeMs : (stage.timeoutMs ?? limits.stageTimeMs));
  }

  /** The restart point moves up inside the stage. */
  snapshot(stage: string): void {
    this.#restart({ kind: 'stage', stage }, stage === this.#stage ? 'kept' : 'set-aside');
    this.#sinceMs = this.service.clock.now();
  }

  #restart(point: RestartPoint, journal: JournalUse): void {
    const { counters } = this.service;
    const state = this.#counted(() => this.frame.encode(point, journal));
    this.intake.giveBack(); // Y1
    this.connection.setState(state);
    this.#restartStage = point.kind === 'stage' ? point.stage : undefined;
    this.#inputLength = 0;
    this.#outputLength = 0;
    counters.snapshots++;
    counters.snapshotBytes += state.length;
    counters.largestSnapshot = Math.max(counters.largestSnapshot, state.length);
  }

  #counted(encode: () => Uint8Array): Uint8Array {
    try {
      return encode();
    } catch (error) {
      if (error instanceof SnapshotTooLarge) this.service.counters.snapshotsTooLarge++;
      throw error;
    }
  }

  /** What tells this effect of this run of the stage from all others, whoever tries it. */
  tokenOf(key: string): string {
    const { connection, service } = this;
    this.#identity ??= connection.cid ?? Buffer.from(service.entropy.bytes(8)).toString('hex');
    return [service.plan.service, this.#identity, this.frame.visit, key].join('/');
  }

  /** Y3. */
  record(key: string, result: unknown): void {
    this.connection.amendState(this.#counted(() => this.frame.record(key, result)));
  }

  consumed(length: number): void {
    const { plan, limits, counters, report } = this.service;
    const before = this.#inputLength;
    this.#inputLength += length;
    if (before > limits.inputLength || this.#inputLength <= limits.inputLength) return;
    counters.inputLogsOverflowed++;
    const { cid, epoch } = this.connection;
    const error = new InputLogOverflowed(plan.service, this.#stage, limits.inputLength);
    report({ kind: 'input-log-overflowed', service: plan.service, stage: this.#stage, cid, epoch, error });
  }

  /** Throws `OutputTooLong`. */
  produced(length: number): void {
    const { plan, limits, counters } = this.service;
    if (this.#outputLength + length > limits.outputLength) {
      counters.outputsTooLong++;
      throw new OutputTooLong(plan.service, this.#stage, limits.outputLength);
    }
    this.#outputLength += length; // what was refused leaves room for less: @Failed may still say why
  }
}
