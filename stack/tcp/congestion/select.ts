// Which controller works on a state: the state names its algorithm, since functions do not travel.

import type { CongestionController } from './controller.js';
import { NEW_RENO, type NewRenoState } from './new-reno.js';

/** One member per algorithm. */
export type CongestionState = NewRenoState;

const CONTROLLERS: { readonly [Name in CongestionState['algorithm']]: CongestionController<CongestionState> } = {
  'new-reno': NEW_RENO,
};

export function controllerOf(state: CongestionState): CongestionController<CongestionState> {
  return CONTROLLERS[state.algorithm];
}

/** A fresh state of the default algorithm. */
export function startCongestion(segmentLength: number): CongestionState {
  return NEW_RENO.start(segmentLength);
}
