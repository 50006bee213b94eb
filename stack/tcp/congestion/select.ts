// Which controller works on a state: the state names its algorithm, since functions do not travel.

import type { CongestionController } from './controller.js';
import { CUBIC, type CubicState } from './cubic.js';
import { NEW_RENO, type NewRenoState } from './new-reno.js';

/** One member per algorithm. */
export type CongestionState = NewRenoState | CubicState;

const CONTROLLERS: { readonly [Name in CongestionState['algorithm']]: CongestionController<CongestionState> } = {
  'new-reno': NEW_RENO,
  cubic: CUBIC,
};

export function controllerOf(state: CongestionState): CongestionController<CongestionState> {
  return CONTROLLERS[state.algorithm];
}

/** A fresh state. */
export function startCongestion(algorithm: CongestionState['algorithm'], segmentLength: number): CongestionState {
  return CONTROLLERS[algorithm].start(segmentLength);
}
