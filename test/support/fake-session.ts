// A session of a hosted service with a fake client, that moves when its schedule says so.
//
// Every step is a fresh turn of the event loop, so that a move falls between two inputs, never inside one (S3). When the
// schedule is used up the session runs to its end in large steps; one that doesn't end is an error, not a timeout.

import type { Failure, Movement, ServiceSource } from '@migratory/framework';
import { tryCompile } from '@migratory/framework/internal/compiler.js';
import { CompileFailed } from '@migratory/framework/internal/diagnostics.js';
import { hostConnection, type HostOutcome } from '@migratory/framework/internal/runtime/host.js';
import { hostedService } from '@migratory/framework/internal/runtime/hosted-service.js';
import type { HostedService } from '@migratory/framework/internal/runtime/stay.js';
import { StageClock } from '@migratory/framework/internal/runtime/stage-clock.js';
import { SeededEntropy, VirtualClock } from '@migratory/stack';
import type { Container } from '@migratory/framework';
import { FakeClient, FakeConnection } from '@migratory/framework/internal/testing/fake-connection.js';
import { turn } from '@migratory/framework/internal/testing/turns.js';

export { turn };

export type Step =
  | { readonly kind: 'arrive'; readonly length: number }
  | { readonly kind: 'deliver'; readonly length: number }
  | { readonly kind: 'move' };

export interface SessionResult {
  readonly client: FakeClient;
  /** One for each member that served, in order. */
  readonly outcomes: readonly HostOutcome[];
  readonly reports: readonly Failure[];
  readonly movements: readonly Movement[];
}

/** A service as an application would host it, with its reports kept. */
export function hosted(
  source: ServiceSource,
  container?: Container,
): {
  readonly service: HostedService;
  readonly clock: VirtualClock;
  readonly reports: Failure[];
  readonly movements: Movement[];
} {
  const compilation = tryCompile(source);
  if (compilation.kind === 'failed') throw new CompileFailed(compilation.diagnostics);
  const reports: Failure[] = [];
  const movements: Movement[] = [];
  const { plan, definition } = compilation;
  const clock = new VirtualClock();
  const service = hostedService(plan, definition, {
    clock: new StageClock(clock),
    entropy: new SeededEntropy(1),
    report: (report) => ('error' in report ? reports.push(report) : movements.push(report)),
    container,
  });
  return { service, clock, reports, movements };
}

const STEPS_TO_THE_END = 5_000;

export async function runSession(
  source: ServiceSource,
  input: Uint8Array | string,
  schedule: readonly Step[],
  container?: Container,
): Promise<SessionResult> {
  const { service, reports, movements } = hosted(source, container);
  const client = new FakeClient(input);
  let connection = new FakeConnection(client);
  const hostings = [hostConnection(service, connection)];
  for (const step of schedule) {
    await turn();
    if (connection.destroyed) break;
    if (step.kind === 'arrive') connection.arrive(step.length);
    if (step.kind === 'deliver') connection.deliver(step.length);
    if (step.kind === 'move') {
      connection = connection.move();
      hostings.push(hostConnection(service, connection));
    }
  }
  for (let step = 0; !connection.destroyed; step++) {
    if (step > STEPS_TO_THE_END) throw new Error('The session does not end.');
    connection.arrive(1_000);
    connection.deliver(1_000);
    await turn();
  }
  return { client, outcomes: await Promise.all(hostings), reports, movements };
}
