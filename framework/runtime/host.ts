// The host: drives one connection through the stages of a service, from its arrival to its end or departure.
//
// Accepting is getState: a new connection begins at the entry stage, a migrated one gets its fields back and goes on at the
// recorded stage. Entering a stage is setState.
//   H1. Whatever a handler does, only its own connection is touched.
//   H2. Once the connection has left, nothing of the handler reaches it; what it throws for that reason is not an error.
//   H3. After done() the stream is ended and the rest of the input is discarded; the restart point is "finished", so that
//       a move meanwhile runs no stage again.
//   H4. What a stage has opened is closed before the next stage begins, and as soon as the connection has gone.
//   H5. A stage that is not waited for any more (time-out, stop) can't touch the connection: all its calls throw.
//   H6. While @Failed tells the client of a failure the connection stays: at another member the stage might not fail.

import type { Address } from '@migratory/stack';
import type { Departure } from '../definition.js';
import { ConnectionLost, ConnectionMoved, ServiceStopping, StageTimedOut } from '../errors.js';
import { ConnectionIo } from './connection-io.js';
import { FINISHED, Frame, type RestartPoint } from './frame.js';
import type { ConnectionContext, Handler } from './handler.js';
import { restartPointOf } from './interpreter.js';
import { Lifeline, type LifelineWatch } from './lifeline.js';
import type { Failure } from './report.js';
import type { StageConnection } from './stage-connection.js';
import { Stay, type HostedService } from './stay.js';

/** How a connection ended, as far as this member is concerned. Failures have been reported. */
export type HostOutcome = 'finished' | 'moved' | 'lost' | 'failed';

/** What the host is doing, for the report if it fails. */
type Phase =
  | { readonly kind: 'building' }
  | { readonly kind: 'restoring' }
  | { readonly kind: 'stage'; readonly stage: string }
  | { readonly kind: 'telling-failure'; readonly stage: string }
  | { readonly kind: 'finishing' };

/** A connection that is being served. */
export class Hosting implements LifelineWatch, ConnectionContext {
  /** Resolves once the connection is gone from this member and its handler has returned; never rejects. */
  readonly outcome: Promise<HostOutcome>;
  readonly #service: HostedService;
  readonly #connection: StageConnection;
  readonly #lifeline: Lifeline;
  #phase: Phase = { kind: 'building' };
  #handler: Handler | undefined;
  #stay: Stay | undefined;
  #io: ConnectionIo | undefined;
  /** What the stage that runs would be ended with. */
  #interruptRun: ((error: Error) => void) | undefined;

  constructor(service: HostedService, connection: StageConnection) {
    this.#service = service;
    this.#connection = connection;
    this.#lifeline = new Lifeline(connection, this);
    service.counters.current++;
    this.outcome = this.#serve().then((outcome) => {
      service.counters.current--;
      service.counters[outcome === 'moved' ? 'departed' : outcome]++;
      return outcome;
    });
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

  moved(departure: Departure): void {
    const { plan, report } = this.#service;
    report({ kind: 'departed', service: plan.service, cid: this.#connection.cid, ...departure });
    this.#handler?.moved(departure).catch((error: unknown) => {
      report({ kind: 'moved-failed', ...this.#context(error) });
    });
  }

  gone(): void {
    void this.#io?.close(); // H4
  }

  /** The stage that runs is not waited for any more: its connection ends as after a failure, or at once. */
  interrupt(error: Error): void {
    if (this.#interruptRun === undefined) this.#connection.destroy();
    else this.#interruptRun(error);
  }

  async #serve(): Promise<HostOutcome> {
    try {
      this.#handler = this.#service.createHandler(this);
      this.#phase = { kind: 'restoring' };
      const frame = new Frame(this.#service.format, this.#handler.session);
      const stay = new Stay(this.#service, this.#connection, this.#lifeline, frame, () => this.#overdue());
      this.#stay = stay;
      let point = this.#arrive(stay);
      while (point.kind === 'stage') {
        this.#phase = point;
        point = await this.#runStage(stay, this.#handler, point.stage);
        stay.enter(point);
      }
      return await this.#finish(stay);
    } catch (error) {
      return await this.#conclude(error);
    } finally {
      this.#stay?.timer.stop();
    }
  }

  /** getState: where to begin, or where to go on. */
  #arrive(stay: Stay): RestartPoint {
    const { plan, report, counters } = this.#service;
    const { cid, epoch, imageLength } = this.#connection;
    const found = this.#connection.getState();
    if (found.kind === 'migrated') {
      counters.arrived++;
      report({ kind: 'arrived', service: plan.service, cid, epoch, imageLength });
      const point = stay.frame.restore(found.state);
      stay.resume(point);
      return point;
    }
    counters.accepted++;
    report({ kind: 'accepted', service: plan.service, cid, epoch });
    const entry: RestartPoint = { kind: 'stage', stage: plan.entry };
    stay.enter(entry);
    return entry;
  }

  async #runStage(stay: Stay, handler: Handler, stage: string): Promise<RestartPoint> {
    const { plan, routes } = this.#service;
    const io = new ConnectionIo(stay, stage, 'stage');
    this.#io = io;
    try {
      const returned = await this.#untilOver(io, handler.run(stage, io));
      stay.frame.checkAllFields(stage);
      return restartPointOf(plan, routes, stage, returned);
    } finally {
      io.retire();
      await io.close(); // H4
    }
  }

  /** Waits for a run of the service's code, or for what interrupts it (H5). */
  #untilOver(io: ConnectionIo, run: Promise<unknown>): Promise<unknown> {
    return new Promise<unknown>((resolve, reject) => {
      this.#interruptRun = (error) => {
        io.retire(error);
        this.#lifeline.interrupt(error);
        reject(error);
      };
      run.then(resolve, reject);
    }).finally(() => {
      this.#interruptRun = undefined;
    });
  }

  #overdue(): void {
    const { plan, limits, stages, counters } = this.#service;
    const { kind } = this.#phase;
    if (kind === 'finishing') return void this.#connection.destroy();
    if (this.#phase.kind === 'building' || this.#phase.kind === 'restoring') return;
    const { stage } = this.#phase;
    if (kind === 'telling-failure') counters.failuresTimedOut++;
    else counters.stagesTimedOut++;
    const limitMs = kind === 'stage' ? (stages.get(stage)?.timeoutMs ?? limits.stageTimeMs) : limits.failureTimeMs;
    this.interrupt(new StageTimedOut(plan.service, stage, limitMs));
  }

  /** H3. */
  async #finish(stay: Stay): Promise<HostOutcome> {
    this.#phase = { kind: 'finishing' };
    if (!this.#connection.writableEnded) this.#connection.end();
    try {
      while ((await stay.intake.read()) !== undefined) stay.enter(FINISHED); // keeps the input log short
    } catch (error) {
      if (this.#lifeline.presence.kind === 'here') throw error;
    }
    await this.#lifeline.untilClosed();
    if (this.#lifeline.presence.kind === 'moved') return 'moved';
    return this.#connection.writableFinished ? 'finished' : 'lost';
  }

  async #conclude(error: unknown): Promise<HostOutcome> {
    const { presence } = this.#lifeline;
    if (presence.kind === 'diverged') this.#service.counters.replaysDiverged++;
    if (await this.#saysThatItLeft(error)) return presence.kind === 'moved' ? 'moved' : 'lost';
    const isStop = error instanceof ServiceStopping; // nobody's failure
    if (!isStop) this.#service.report(reportOf(this.#phase, this.#context(error))); // H2
    if (presence.kind !== 'here') return presence.kind === 'diverged' ? 'failed' : presence.kind;
    if (this.#phase.kind === 'stage' && this.#service.plan.failed !== undefined) {
      return await this.#tellFailure(this.#phase.stage, error);
    }
    if (isStop) this.#connection.destroy();
    else this.#connection.destroy(error instanceof Error ? error : new Error(String(error))); // H1
    return isStop ? 'lost' : 'failed';
  }

  /** Whether an error only says that the connection is not here: ours, or that of what was aborted or closed for it. */
  async #saysThatItLeft(error: unknown): Promise<boolean> {
    if (error instanceof ConnectionMoved || error instanceof ConnectionLost) return true;
    const { kind } = this.#lifeline.presence;
    if (kind === 'here' || kind === 'diverged') return false;
    if (error instanceof StageTimedOut || error instanceof ServiceStopping) return true; // nobody waits for it any more
    const hadOpen = (await this.#io?.close()) === 'closed';
    return hadOpen || (error instanceof Error && error.name === 'AbortError');
  }

  /** H6. Also tells the client that the service stops here. */
  async #tellFailure(stage: string, error: unknown): Promise<HostOutcome> {
    const { report, limits } = this.#service;
    const [stay, handler] = [this.#stay, this.#handler];
    if (stay === undefined || handler === undefined) throw new TypeError('A stage failed before there was a handler.');
    this.#phase = { kind: 'telling-failure', stage };
    const io = new ConnectionIo(stay, stage, 'failure');
    this.#io = io;
    try {
      stay.lock.acquire();
      stay.timer.limit(limits.failureTimeMs);
      await this.#untilOver(io, handler.failed(io, error));
      io.retire();
      await io.close();
      stay.enter(FINISHED);
      stay.lock.release();
      await this.#finish(stay);
    } catch (secondError) {
      io.retire();
      await io.close();
      if (!(await this.#saysThatItLeft(secondError))) {
        report({ kind: 'failed-failed', stage, ...this.#context(secondError) });
      }
      this.#connection.destroy();
    }
    return 'failed';
  }

  #context(error: unknown): { service: string; cid: string | undefined; epoch: number; error: unknown } {
    return { service: this.#service.plan.service, cid: this.#connection.cid, epoch: this.#connection.epoch, error };
  }
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
