// The interpreter: what a stage has returned, as the next restart point.

import { NotATransition, UnknownStage } from '../errors.js';
import type { StagePlan } from '../plan.js';
import { isTransition } from '../transition.js';
import { FINISHED, type RestartPoint } from './frame.js';
import type { Routes } from '../routes.js';

/** Throws `NotATransition` and `UnknownStage`. */
export function restartPointOf(plan: StagePlan, routes: Routes, stage: string, returned: unknown): RestartPoint {
  if (!isTransition(returned)) throw new NotATransition(plan.service, stage);
  const target = returned.kind === 'done' ? routes.afterDone(stage) : routes.resolve(stage, returned.stage);
  if (target !== undefined) return { kind: 'stage', stage: target };
  if (returned.kind === 'done') return FINISHED;
  throw new UnknownStage(
    plan.service,
    stage,
    returned.stage,
    plan.stages.map(({ name }) => name),
  );
}
