// The interpreter: one run of one stage, from its plan, frame and io to the next restart point.
//
// It judges what the stage's code did; what follows from it, for the connection, is the host's business.

import { NotATransition, UnknownStage } from '../errors.js';
import type { StagePlan } from '../plan.js';
import type { StageIo } from '../stage-io.js';
import { isTransition } from '../transition.js';
import { FINISHED, type Frame, type RestartPoint } from './frame.js';
import type { Handler } from './handler.js';

/** Throws what the stage throws, `NotATransition`, `UnknownStage` and `FieldNotSnapshotted`. */
export async function runStage(
  plan: StagePlan,
  handler: Handler,
  frame: Frame,
  stage: string,
  io: StageIo,
): Promise<RestartPoint> {
  const transition = await handler.run(stage, io);
  if (!isTransition(transition)) throw new NotATransition(plan.service, stage);
  frame.checkAllFields(stage);
  if (transition.kind === 'done') return FINISHED;
  const known = plan.stages.map(({ name }) => name);
  if (!known.includes(transition.stage)) throw new UnknownStage(plan.service, stage, transition.stage, known);
  return { kind: 'stage', stage: transition.stage };
}
