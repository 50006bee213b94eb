// The shrinker: from a scenario that fails to one that fails in the same way and can't be made any smaller.
//
// Greedy: the first smaller scenario that breaks the same invariant, in the same words, is taken, and everything is tried
// again from there.

import { Reached, Violation, type SimulatedWorld, type Trace } from './campaign.js';

/** What a run came to: its failure, and in what it is like others: the letter of the invariant and the words. */
export type Verdict =
  { readonly kind: 'passed' } | { readonly kind: 'failed'; readonly likeness: string; readonly message: string };

export interface Shrunk<Scenario> {
  readonly scenario: Scenario;
  readonly message: string;
  /** Scenarios that were tried, and those that were taken. */
  readonly tried: number;
  readonly taken: number;
}

/** A scenario that takes this many steps to shrink further is small enough. */
const MAX_TRIED = 20_000;

export async function judge<Scenario extends { readonly seed: number }>(
  world: SimulatedWorld<Scenario>,
  scenario: Scenario,
  reached: Reached = new Reached(),
  trace?: Trace,
): Promise<Verdict> {
  try {
    await world.run(scenario, reached, trace);
    return { kind: 'passed' };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isViolation = error instanceof Violation;
    // The letter and what it says, without the numbers in it: shrinking must not slip into another failure.
    const likeness = error.message.replace(/(?<!^S)\d+/g, '#');
    return { kind: 'failed', likeness, message: isViolation ? error.message : (error.stack ?? error.message) };
  }
}

/** `failing` must fail. */
export async function shrink<Scenario extends { readonly seed: number }>(
  world: SimulatedWorld<Scenario>,
  failing: Scenario,
  onProgress: (tried: number, taken: number) => void,
): Promise<Shrunk<Scenario>> {
  const first = await judge(world, failing);
  if (first.kind === 'passed') throw new Error('this scenario does not fail: there is nothing to shrink');
  let { message } = first;
  let scenario = failing;
  let tried = 0;
  let taken = 0;
  for (let smaller: Scenario | undefined = failing; smaller !== undefined;) {
    smaller = undefined;
    for (const candidate of world.shrinkSteps(scenario)) {
      if (++tried > MAX_TRIED) break;
      onProgress(tried, taken);
      const verdict = await judge(world, candidate);
      if (verdict.kind !== 'failed' || verdict.likeness !== first.likeness) continue;
      smaller = candidate;
      message = verdict.message;
      taken++;
      scenario = candidate;
      break;
    }
  }
  return { scenario, message, tried, taken };
}
