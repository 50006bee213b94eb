// The host: drives one connection through the stages of a service, from its arrival to its end or departure.
//
// Accepting is getState: a new connection begins at the entry stage, a migrated one gets its fields back and goes on at the
// recorded stage. Entering a stage is setState.
//   H1. Whatever a handler does, only its own connection is touched.
//   H2. Once the connection has left, nothing of the handler reaches it; what it throws for that reason is not an error.
//   H3. After done() the stream is ended and the rest of the input is discarded; the restart point is "finished", so that
//       a move meanwhile runs no stage again.

import { ConnectionLost, ConnectionMoved } from '../errors.js';
import type { StagePlan } from '../plan.js';
import { ConnectionIo, type Link } from './connection-io.js';
import { FINISHED, Frame, type RestartPoint } from './frame.js';
import type { Handler } from './handler.js';
import { Intake } from './intake.js';
import { runStage } from './interpreter.js';
import { Lifeline } from './lifeline.js';
import type { Failure, Reporter } from './report.js';
import type { StageConnection } from './stage-connection.js';

/** A service that is ready to take connections. */
export interface HostedService {
  readonly plan: StagePlan;
  readonly createHandler: () => Handler;
  readonly report: Reporter;
}

/** How a connection ended, as far as this member is concerned. Failures have been reported. */
export type HostOutcome = 'finished' | 'moved' | 'lost' | 'failed';

/** What the host is doing, for the report if it fails. */
type Phase =
  { readonly kind: 'building' } | { readonly kind: 'restoring' } | { readonly kind: 'stage'; readonly stage: string };

/** Serves one connection. Resolves once it is gone from this member and its handler has returned; never rejects. */
export async function hostConnection(service: HostedService, connection: StageConnection): Promise<HostOutcome> {
  let phase: Phase = { kind: 'building' };
  let handler: Handler | undefined;
  const lifeline = new Lifeline(connection, (departure) => {
    const { plan, report } = service;
    report({ kind: 'departed', service: plan.service, cid: connection.cid, ...departure });
    handler?.moved(departure).catch((error: unknown) => {
      service.report({ kind: 'moved-failed', ...contextOf(service, connection, error) });
    });
  });
  try {
    handler = service.createHandler();
    phase = { kind: 'restoring' };
    const frame = new Frame(service.plan, handler.session);
    const link: Link = { connection, lifeline, intake: new Intake(connection, lifeline), frame };
    let point = arrive(service, link);
    while (point.kind === 'stage') {
      phase = point;
      const io = new ConnectionIo(link, point.stage);
      point = await runStage(service.plan, handler, frame, point.stage, io);
      io.retire();
      enter(link, point);
    }
    return await finish(link);
  } catch (error) {
    return conclude(service, connection, lifeline, phase, error);
  }
}

/** getState: where to begin, or where to go on. */
function arrive({ plan, report }: HostedService, link: Link): RestartPoint {
  const { cid, epoch, imageLength } = link.connection;
  const found = link.connection.getState();
  if (found.kind === 'migrated') {
    report({ kind: 'arrived', service: plan.service, cid, epoch, imageLength });
    return link.frame.restore(found.state);
  }
  report({ kind: 'accepted', service: plan.service, cid, epoch });
  const entry: RestartPoint = { kind: 'stage', stage: plan.entry };
  enter(link, entry);
  return entry;
}

function enter({ connection, lifeline, intake, frame }: Link, point: RestartPoint): void {
  lifeline.check();
  const state = frame.encode(point);
  intake.giveBack();
  connection.setState(state);
}

/** H3. */
async function finish(link: Link): Promise<HostOutcome> {
  const { connection, lifeline, intake } = link;
  if (!connection.writableEnded) connection.end();
  try {
    while ((await intake.read()) !== undefined) enter(link, FINISHED); // keeps the input log short
  } catch (error) {
    if (!isDeparture(lifeline, error)) throw error;
  }
  await lifeline.closed;
  if (lifeline.presence.kind === 'moved') return 'moved';
  return connection.writableFinished ? 'finished' : 'lost';
}

function conclude(
  service: HostedService,
  connection: StageConnection,
  lifeline: Lifeline,
  phase: Phase,
  error: unknown,
): HostOutcome {
  const gone = lifeline.presence.kind === 'here' ? undefined : lifeline.presence.kind;
  if (!isDeparture(lifeline, error)) {
    service.report(reportOf(phase, contextOf(service, connection, error))); // H2
    if (gone === undefined) connection.destroy(error instanceof Error ? error : new Error(String(error))); // H1
    return gone ?? 'failed';
  }
  return gone ?? 'lost';
}

/** Whether an error only says that the connection is not here: ours, or that of something aborted by `io.signal`. */
function isDeparture(lifeline: Lifeline, error: unknown): boolean {
  if (error instanceof ConnectionMoved || error instanceof ConnectionLost) return true;
  return lifeline.signal.aborted && error instanceof Error && error.name === 'AbortError';
}

function reportOf(phase: Phase, context: ReturnType<typeof contextOf>): Failure {
  switch (phase.kind) {
    case 'building':
      return { kind: 'handler-not-built', ...context };
    case 'restoring':
      return { kind: 'restore-refused', ...context };
    case 'stage':
      return { kind: 'stage-failed', stage: phase.stage, ...context };
  }
}

function contextOf(
  service: HostedService,
  connection: StageConnection,
  error: unknown,
): { service: string; cid: string | undefined; epoch: number; error: unknown } {
  return { service: service.plan.service, cid: connection.cid, epoch: connection.epoch, error };
}
