// From a compiled service to one that takes connections.

import type { Container } from 'inversify';
import type { Entropy } from '@migratory/stack';
import { handlerFactory } from '../container.js';
import type { ServiceDefinition } from '../definition.js';
import { DEFAULT_SERVICE_LIMITS, type ServiceLimits } from '../limits.js';
import type { StagePlan } from '../plan.js';
import { newServiceCounters } from './counters.js';
import { SnapshotFormat } from './frame.js';
import { formatReport, type Report, type Reporter } from './report.js';
import { Routes } from '../routes.js';
import type { StageClock } from './stage-clock.js';
import type { HostedService } from './stay.js';

/** What a service needs of where it is hosted. */
export interface Surroundings {
  readonly clock: StageClock;
  readonly entropy: Entropy;
  readonly report: Reporter;
  readonly container?: Container | undefined;
  readonly limits?: Partial<ServiceLimits> | undefined;
}

export function hostedService(
  plan: StagePlan,
  definition: ServiceDefinition,
  surroundings: Surroundings,
): HostedService {
  const { clock, entropy, container } = surroundings;
  const limits = { ...DEFAULT_SERVICE_LIMITS, ...surroundings.limits };
  return {
    plan,
    stages: new Map(plan.stages.map((stage) => [stage.name, stage])),
    routes: new Routes(plan),
    format: new SnapshotFormat(plan, definition, limits),
    createHandler: handlerFactory(plan, definition, container),
    limits,
    counters: newServiceCounters(),
    report: (report) => tell(surroundings.report, report),
    clock,
    entropy,
  };
}

/** What a reporter throws changes nothing either: some reports are made in the midst of a connection's departure. */
function tell(reporter: Reporter, report: Report): void {
  try {
    reporter(report);
  } catch (error) {
    console.error(`The reporter failed on: ${formatReport(report)}`, error);
  }
}

/** The stack's question whether a connection with this snapshot may come; a refusal is reported with its reason. */
export function canRestore({ plan, format, counters, report }: HostedService, state: Uint8Array): boolean {
  const verdict = format.examine(state);
  if (verdict.kind === 'usable') return true;
  counters.arrivalsRefused++;
  report({ kind: 'arrival-refused', service: plan.service, because: verdict.error });
  return false;
}
