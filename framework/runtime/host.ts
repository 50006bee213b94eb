// The host: drives one connection through the stages of a service, from its arrival to its end or departure.
//
// Accepting is getState: a new connection begins at the entry stage, a migrated one gets its fields back and goes on at the
// recorded stage. Entering a stage is setState.
//   H1. Whatever a handler does, only its own connection is touched.
//   H2. Once the connection has left, no stage begins and nothing of the handler reaches it; what it throws for that reason
//       is not an error.
//   H3. After done() the stream is ended and the rest of the input is discarded; the restart point is "finished", so that
//       a move meanwhile runs no stage again.
//   H4. What a stage has opened is closed before the next stage begins, and as soon as the connection has gone.
//   H5. A stage that is not waited for any more (time-out, stop) can't touch the connection: all its calls throw. Nor is
//       what it has opened waited for, which is being closed.
//   H6. While @Failed tells the client of a failure the connection stays: at another member the stage might not fail.
//   H7. Stages that follow each other without waiting for anything let the rest of the process have its turn now and then.

import type { Address } from '@migratory/stack';
import type { Departure } from '../definition.js';
import { ConnectionLost, ConnectionMoved, ServiceStopping, StageTimedOut } from '../errors.js';
import { ConnectionIo } from './connection-io.js';
import { FINISHED, Frame, type RestartPoint } from './frame.js';
import type { ConnectionFacts, Handler } from './handler.js';
import { restartPointOf } from './interpreter.js';
import { Lifeline, type LifelineWatch } from './lifeline.js';
import type { Failure } from './report.js';
import { textOfThrown } from '../thrown.js';
import type { ConnectionState, StageConnection } from './stage-connection.js';
import { Stay, type HostedService, type StayOwner } from './stay.js';

/** How a connection ended, as far as this member is concerned. Failures have been reported. */
export type HostOutcome = 'finished' | 'moved' | 'lost' | 'failed';

/** What the host is doing, for the report if it fails. */
type Phase =
  | { readonly kind: 'building' }
  | { readonly kind: 'restoring' }
  | { readonly kind: 'stage'; readonly stage: string }
  | { readonly kind: 'telling-failure'; readonly stage: string }
  | { readonly kind: 'finishing' };

/** So many stages are entered at most before others have their turn (H7). */
const VISITS_WITHOUT_REST = 4_096;

const BUILDING: Phase = { kind: 'building' };
const RESTORING: Phase = { kind: 'restoring' };

/**
 * A connection that is being served. Most of its life it waits for a stage, and that is all that it keeps then: the stage's
 * promise and two callbacks.
 */
export class Hosting implements LifelineWatch, StayOwner, ConnectionFacts {
  readonly #service: HostedService;
  readonly #connection: StageConnection;
  readonly #lifeline: Lifeline;
  readonly #over: (hosting: Hosting, outcome: HostOutcome) => void;
  #phase: Phase = BUILDING;
  #handler: Handler | undefined;
  #stay: Stay | undefined;
  /** Of the stage that runs, or of @Failed. */
  #io: ConnectionIo | undefined;
  /** Why it failed, while what it has opened is being closed. */
  #thrown: { readonly error: unknown } | undefined;
  #interruptTelling: ((error: Error) => void) | undefined;
  #isStopping = false;

  /** `over` is called once the connection is gone from this member and its handler has returned. */
  constructor(
    service: HostedService,
    connection: StageConnection,
    over: (hosting: Hosting, outcome: HostOutcome) => void,
  ) {
    this.#service = service;
    this.#connection = connection;
    this.#over = over;
    this.#lifeline = new Lifeline(connection, this);
    service.counters.current++;
    this.#begin();
  }

  get connection(): StageConnection {
    return this.#connection;
  }

  /** Whether the connection is still at this member. */
  get isHere(): boolean {
    return this.#lifeline.presence.kind === 'here';
  }

  /** Moves are refused: it makes no sense to advise one. */
  get isPinned(): boolean {
    return this.#stay?.lock.isPinned === true;
  }

  get client(): Address {
    return this.#connection.remoteAddress;
  }

  get cid(): string | undefined {
    return this.#connection.cid;
  }

  get signal(): AbortSignal {
    return this.#lifeline.signal;
  }

  readable(): void {
    this.#stay?.intake.proceed();
  }

  moved(departure: Departure): void {
    const { plan, report } = this.#service;
    report({ kind: 'departed', service: plan.service, cid: this.#connection.cid, ...departure });
    this.#handler?.moved(departure).catch((error: unknown) => {
      report({ kind: 'moved-failed', ...this.#context(error) });
    });
  }

  gone(): void {
    this.#stay?.intake.proceed(); // ends what waits
    void this.#io?.close(); // H4
  }

  /**
   * The stage that runs is not waited for any more: its connection ends as after a failure, or at once. A failure that is
   * being told when the service stops is told to its end, for which it has a limit of its own.
   */
  interrupt(error: StageTimedOut | ServiceStopping): void {
    const isStop = error instanceof ServiceStopping;
    if (isStop) this.#isStopping = true;
    if (isStop && this.#phase.kind === 'telling-failure') return;
    const io = this.#io;
    if (io === undefined) {
      this.#connection.destroy();
      return;
    }
    io.retire(error); // H5
    this.#lifeline.interrupt(error);
    void io.close();
    if (this.#interruptTelling === undefined) this.#failed(io, this.#thrown === undefined ? error : this.#thrown.error);
    else this.#interruptTelling(error);
  }

  overdue(): void {
    const { plan, limits, stages, counters } = this.#service;
    const phase = this.#phase;
    if (phase.kind === 'finishing') {
      counters.closingsTimedOut++;
      this.#connection.destroy(new StageTimedOut(plan.service, 'done', limits.closingTimeMs));
    }
    if (phase.kind !== 'stage' && phase.kind !== 'telling-failure') return;
    const isStage = phase.kind === 'stage';
    if (isStage) counters.stagesTimedOut++;
    else counters.failuresTimedOut++;
    const limitMs = isStage ? (stages.get(phase.stage)?.timeoutMs ?? limits.stageTimeMs) : limits.failureTimeMs;
    this.interrupt(new StageTimedOut(plan.service, phase.stage, limitMs));
  }

  #begin(): void {
    try {
      const found = this.#welcome();
      this.#handler = this.#service.createHandler(this);
      const frame = new Frame(this.#service.format, this.#handler.session);
      this.#stay = new Stay(this.#service, this.#connection, this.#lifeline, frame, this);
      this.#goOn(this.#stay, this.#handler, this.#arrive(this.#stay, found));
    } catch (error) {
      this.#end(this.#conclude(error));
    }
  }

  /** getState: the connection is new, or has come from another member. */
  #welcome(): ConnectionState {
    const { plan, report, counters } = this.#service;
    const { cid, epoch, imageLength } = this.#connection;
    const found = this.#connection.getState();
    if (found.kind === 'migrated') {
      counters.arrived++;
      report({ kind: 'arrived', service: plan.service, cid, epoch, imageLength });
    } else {
      counters.accepted++;
      report({ kind: 'accepted', service: plan.service, cid, epoch });
    }
    return found;
  }

  /** Where to begin, or where to go on. */
  #arrive(stay: Stay, found: ConnectionState): RestartPoint {
    if (found.kind === 'migrated') {
      this.#phase = RESTORING;
      const point = stay.frame.restore(found.state);
      stay.resume(point);
      return point;
    }
    const entry = { kind: 'stage', stage: this.#service.plan.entry } as const;
    this.#phase = entry;
    stay.enter(entry);
    return entry;
  }

  /** Runs the stage, or finishes; comes back through `#returned` or `#threw`, from a turn of its own. */
  #goOn(stay: Stay, handler: Handler, point: RestartPoint): void {
    if (point.kind === 'finished')
      return this.#end(this.#finish(stay).catch((error: unknown) => this.#conclude(error)));
    this.#phase = point;
    this.#run(new ConnectionIo(stay, point.stage, 'stage'), (io) => handler.run(point.stage, io));
  }

  #run(io: ConnectionIo, run: (io: ConnectionIo) => unknown): void {
    this.#io = io;
    let running: unknown;
    try {
      running = run(io);
    } catch (error) {
      return queueMicrotask(() => this.#threw(io, error));
    }
    Promise.resolve(running).then(
      (returned) => this.#returned(io, returned),
      (error: unknown) => this.#threw(io, error),
    );
  }

  #returned(io: ConnectionIo, returned: unknown): void {
    if (this.#io !== io) return; // H5
    if (io.hasOpened) void this.#letGo(io).then(() => this.#proceed(io, returned));
    else this.#proceed(io, returned);
  }

  #proceed(io: ConnectionIo, returned: unknown): void {
    const [stay, handler, phase] = [this.#stay, this.#handler, this.#phase];
    if (this.#io !== io || stay === undefined || handler === undefined || phase.kind !== 'stage') return;
    io.retire();
    this.#io = undefined;
    try {
      stay.frame.checkAllFields(phase.stage);
      const point = restartPointOf(this.#service.plan, this.#service.routes, phase.stage, returned);
      stay.enter(point);
      if (stay.frame.visit % VISITS_WITHOUT_REST === 0)
        this.#rest(stay, handler, point); // H7
      else this.#goOn(stay, handler, point);
    } catch (error) {
      this.#end(this.#conclude(error));
    }
  }

  #rest(stay: Stay, handler: Handler, point: RestartPoint): void {
    this.#service.clock.rest(() => {
      try {
        stay.check();
        this.#goOn(stay, handler, point);
      } catch (error) {
        this.#end(this.#conclude(error));
      }
    });
  }

  #threw(io: ConnectionIo, error: unknown): void {
    if (this.#io !== io) return; // H5
    io.retire();
    if (!io.hasOpened) return this.#failed(io, error);
    this.#thrown = { error };
    void io.close().then(() => this.#failed(io, error)); // H4
  }

  #failed(io: ConnectionIo, error: unknown): void {
    if (this.#io !== io) return; // H5
    this.#io = undefined;
    this.#end(this.#conclude(error, io.hasOpened));
  }

  /** H4. */
  async #letGo(io: ConnectionIo): Promise<void> {
    io.retire();
    await io.close();
  }

  #end(outcome: Promise<HostOutcome>): void {
    void outcome.then((known) => {
      const { counters } = this.#service;
      this.#stay?.forgetTime();
      counters.current--;
      counters[known === 'moved' ? 'departed' : known]++;
      this.#over(this, known);
    });
  }

  /** H3. */
  async #finish(stay: Stay): Promise<HostOutcome> {
    this.#phase = { kind: 'finishing' };
    if (!this.#connection.writableEnded) this.#connection.end();
    try {
      while ((await stay.intake.read()) !== undefined) stay.discard(); // keeps the input log short
    } catch (error) {
      if (this.#lifeline.presence.kind === 'here') throw error;
    }
    await this.#lifeline.untilClosed();
    if (this.#lifeline.presence.kind === 'moved') return 'moved';
    return this.#connection.writableFinished && this.#connection.errored === null ? 'finished' : 'lost';
  }

  /** Never rejects. `hadOpen`: something had to be closed because of it. */
  async #conclude(error: unknown, hadOpen = false): Promise<HostOutcome> {
    const { presence } = this.#lifeline;
    if (presence.kind === 'diverged') this.#service.counters.replaysDiverged++;
    if (this.#saysThatItLeft(error, hadOpen)) return presence.kind === 'moved' ? 'moved' : 'lost';
    const isStop = error instanceof ServiceStopping; // nobody's failure
    if (!isStop) this.#service.report(reportOf(this.#phase, this.#context(error))); // H2
    if (presence.kind !== 'here') return presence.kind === 'diverged' ? 'failed' : presence.kind;
    const [stay, handler, phase] = [this.#stay, this.#handler, this.#phase];
    const canTell = phase.kind === 'stage' && this.#service.plan.failed !== undefined;
    if (canTell && stay !== undefined && handler !== undefined) {
      await this.#tellFailure(stay, handler, phase.stage, error);
    } else this.#connection.destroy(asError(error)); // H1
    return isStop ? 'lost' : 'failed';
  }

  /** Whether an error only says that the connection is not here: ours, or that of what was aborted or closed for it. */
  #saysThatItLeft(error: unknown, hadOpen: boolean): boolean {
    const { kind } = this.#lifeline.presence;
    if (kind === 'here' || kind === 'diverged') return false;
    if (error instanceof ConnectionMoved || error instanceof ConnectionLost) return true;
    if (error instanceof StageTimedOut || error instanceof ServiceStopping) return true; // nobody waits for it any more
    return hadOpen || (error instanceof Error && error.name === 'AbortError');
  }

  /** H6. Also tells the client that the service stops here. */
  async #tellFailure(stay: Stay, handler: Handler, stage: string, error: unknown): Promise<void> {
    const { report, limits } = this.#service;
    this.#phase = { kind: 'telling-failure', stage };
    const io = new ConnectionIo(stay, stage, 'failure');
    try {
      stay.lock.acquire();
      stay.limitTime(limits.failureTimeMs);
      const told = handler.failed(io, error).finally(() => this.#letGo(io));
      await this.#untilTold(io, told);
      stay.enter(FINISHED);
      stay.lock.release();
      if (this.#isStopping) stay.limitTime(limits.failureTimeMs); // a client that does not close keeps nobody waiting
      await this.#finish(stay);
    } catch (secondError) {
      void this.#letGo(io);
      if (!this.#saysThatItLeft(secondError, io.hasOpened)) {
        report({ kind: 'failed-failed', stage, ...this.#context(secondError) });
      }
      this.#connection.destroy(asError(secondError)); // H1
    }
  }

  async #untilTold(io: ConnectionIo, told: Promise<void>): Promise<void> {
    this.#io = io;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#interruptTelling = reject;
        told.then(resolve, reject);
      });
    } finally {
      this.#io = undefined;
      this.#interruptTelling = undefined;
    }
  }

  #context(error: unknown): { service: string; cid: string | undefined; epoch: number; error: unknown } {
    return { service: this.#service.plan.service, cid: this.#connection.cid, epoch: this.#connection.epoch, error };
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(textOfThrown(thrown));
}

function reportOf(
  phase: Phase,
  context: { service: string; cid: string | undefined; epoch: number; error: unknown },
): Failure {
  switch (phase.kind) {
    case 'building':
      return { kind: 'handler-not-built', ...context };
    case 'restoring':
      return { kind: 'restore-refused', ...context };
    case 'finishing':
      return { kind: 'stage-failed', stage: 'done', ...context };
    default:
      return { kind: 'stage-failed', stage: phase.stage, ...context };
  }
}

/**
 * Serves one connection. Resolves once it is gone from this member and its handler has returned; never rejects.
 *
 * @internal
 */
export function hostConnection(service: HostedService, connection: StageConnection): Promise<HostOutcome> {
  return new Promise((resolve) => new Hosting(service, connection, (_, outcome) => resolve(outcome)));
}
