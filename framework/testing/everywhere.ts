// Everywhere: the same session again and again, with a move or a crash after every effect and after many pairs of them.
//
//   E1. The undisturbed run is done twice: what differs there would be taken for a consequence of a move.
//   E2. Each instant is tried with nothing, half and all of what could leave delivered to the client.
//   E3. The first difference ends it. Single disturbances come before pairs, so that the story is as short as can be.
//   E4. A failure that the service tells its client by @Failed may be what the scenario is about; a mistake in the service's
//       own code never is, however well it is told.

import { tryCompile } from '../compiler.js';
import type { ServiceSource } from '../definition.js';
import { CompileFailed } from '../diagnostics.js';
import { FrameworkError, type FrameworkErrorCode } from '../errors.js';
import { differenceBetween, repeatedInOnce } from './comparison.js';
import type { Delivered, Disturbance } from './effect.js';
import {
  DivergedAfterCrash,
  DivergedAfterMove,
  NotRepeatable,
  ScenarioFailed,
  SessionDoesNotEnd,
  type Divergence,
} from './errors.js';
import { rehearse, type CompiledService, type Outcome } from './rehearsal.js';
import { scriptOf, type Scenario, type Script } from './scenario.js';
import { describeDifference, tellDivergence } from './story.js';

/** Errors of the framework that only a mistake in the service's code leads to. */
const MISTAKES: ReadonlySet<FrameworkErrorCode> = new Set([
  'field-not-snapshotted',
  'snapshot-not-serialisable',
  'snapshot-invalid',
  'unknown-stage',
  'not-a-transition',
  'stage-over',
  'effect-out-of-place',
  'overlapping-read',
  'write-after-end',
  'not-closable',
]);

function isMistake(error: unknown): boolean {
  return error instanceof FrameworkError && MISTAKES.has(error.code);
}

/** What was tried, so that a test can say that it was something. */
export interface MovesTried {
  /** Runs of the session, those without a move included. */
  readonly runs: number;
  /** Moves in all of them together. */
  readonly moves: number;
  /** Of the undisturbed run. */
  readonly effects: number;
}

/** What was tried, so that a test can say that it was something. */
export interface CrashesTried {
  readonly runs: number;
  readonly crashes: number;
  readonly effects: number;
  /** Runs in which an effect of `io.once` was made again, which a crash between effect and record makes unavoidable. */
  readonly runsWithRepeatedOnce: number;
}

/**
 * Runs a session of the service with a move after every effect of its handler, and after pairs of effects. The client's
 * bytes, and what the world outside recorded, must be those of the run without a move.
 *
 * Throws `DivergedAfterMove` with the story of the first difference; `NotRepeatable`, `SessionDoesNotEnd` and `ScenarioFailed`
 * where the session is not fit for it without any move; `CompileFailed`, `InvalidOption`.
 *
 * @public
 */
export async function migrateEverywhere(service: ServiceSource, scenario: Scenario): Promise<MovesTried> {
  const { runs, disturbances, effects } = await new Campaign(service, scenario, 'move').run();
  return { runs, moves: disturbances, effects };
}

/**
 * Runs a session with the sudden death of its member after every effect of its handler, and after pairs of effects. Another
 * member goes on from the last restart point, as it does where snapshots are replicated; of the dead one nothing counts any
 * more. An effect of `io.once` may be made twice then: between it and its record nobody knows of it.
 *
 * Throws `DivergedAfterCrash`, and what `migrateEverywhere` throws.
 *
 * @public
 */
export async function crashEverywhere(service: ServiceSource, scenario: Scenario): Promise<CrashesTried> {
  const { runs, disturbances, effects, repeated } = await new Campaign(service, scenario, 'crash').run();
  return { runs, crashes: disturbances, effects, runsWithRepeatedOnce: repeated };
}

class Campaign {
  readonly #service: CompiledService;
  readonly #script: Script;
  readonly #kind: Disturbance['kind'];
  #runs = 0;
  #disturbances = 0;
  #repeated = 0;

  constructor(source: ServiceSource, scenario: Scenario, kind: Disturbance['kind']) {
    const compilation = tryCompile(source);
    if (compilation.kind === 'failed') throw new CompileFailed(compilation.diagnostics);
    this.#service = compilation;
    this.#script = scriptOf(scenario);
    this.#kind = kind;
  }

  async run(): Promise<{ runs: number; disturbances: number; effects: number; repeated: number }> {
    const reference = await this.#undisturbed();
    const singles = await this.#trySingles(reference);
    await this.#tryPairs(reference, singles);
    return {
      runs: this.#runs,
      disturbances: this.#disturbances,
      effects: reference.effects.length,
      repeated: this.#repeated,
    };
  }

  async #undisturbed(): Promise<Outcome> {
    const name = this.#service.plan.service;
    const reference = await this.#rehearse([]);
    const { ending, failures } = reference;
    const [failure] = failures;
    if (ending.kind === 'stuck') {
      // @Failed may have told the client something else than what the scenario waits for.
      const before = failure === undefined ? '' : ` Before that: ${failure.report}`;
      throw new SessionDoesNotEnd(`${name}: the session does not end: ${ending.waits}.${before}`, {
        cause: failure?.error,
      });
    }
    if (ending.kind !== 'ended' || ending.how === 'reset') {
      const because = failure === undefined ? 'the connection was reset' : failure.report;
      throw new ScenarioFailed(`${name}: the session fails without any move: ${because}`, { cause: failure?.error });
    }
    const mistake = failures.find(({ error }) => isMistake(error)); // E4
    if (mistake !== undefined) {
      throw new ScenarioFailed(`${name}: the service is wrong without any move: ${mistake.report}`, {
        cause: mistake.error,
      });
    }
    const again = await this.#rehearse([]); // E1
    const difference = differenceBetween(reference, again, this.#script.varying);
    if (difference === undefined) return reference;
    throw new NotRepeatable(
      `${name}: two runs without any move differ, so that no run with one can be compared.\n\n` +
        `${describeDifference(difference)}\n\n` +
        `Hint: let what differs from run to run (the time, random numbers, ids) come from the container, which is made anew ` +
        `for each run; or say what it looks like: { varying: /.../g }.`,
    );
  }

  /** Answers the runs of each first instant. */
  async #trySingles(reference: Outcome): Promise<Single[]> {
    const singles: Single[] = [];
    for (const afterEffect of spread(reference.effects.length, this.#script.singleLimit)) {
      const without = await this.#try(reference, [this.#disturbance(afterEffect, 'nothing')]);
      singles.push({ afterEffect, delivered: 'nothing', effectCount: without.effects.length });
      const deliverable = without.happened[0]?.deliverable ?? 'nothing'; // E2
      if (deliverable === 'bytes') await this.#try(reference, [this.#disturbance(afterEffect, 'half')]);
      if (deliverable === 'nothing') continue;
      const { effects } = await this.#try(reference, [this.#disturbance(afterEffect, 'everything')]);
      singles.push({ afterEffect, delivered: 'everything', effectCount: effects.length });
    }
    return singles;
  }

  /** A second disturbance after every later effect of a run with one. */
  async #tryPairs(reference: Outcome, singles: readonly Single[]): Promise<void> {
    const pairs = singles.flatMap(({ afterEffect, delivered, effectCount }) => {
      const laterCount = Math.max(0, effectCount - afterEffect - 1);
      return Array.from({ length: laterCount }, (_, index) => [
        this.#disturbance(afterEffect, delivered),
        this.#disturbance(afterEffect + 1 + index, delivered),
      ]);
    });
    for (const index of spread(pairs.length, this.#script.pairLimit)) {
      await this.#try(reference, pairs[index] ?? []);
    }
  }

  #disturbance(afterEffect: number, delivered: Delivered): Disturbance {
    return { kind: this.#kind, afterEffect, delivered };
  }

  async #try(reference: Outcome, disturbances: readonly Disturbance[]): Promise<Outcome> {
    const outcome = await this.#rehearse(disturbances);
    this.#disturbances += outcome.happened.length;
    const difference = differenceBetween(reference, outcome, this.#script.varying);
    if (difference !== undefined) this.#diverged(reference, outcome, { disturbances, difference });
    if (repeatedInOnce(outcome).length > 0) this.#repeated++;
    return outcome;
  }

  #diverged(reference: Outcome, outcome: Outcome, found: Omit<Divergence, 'effects'>): never {
    const { service } = this.#service.plan;
    const story = tellDivergence({ service, run: this.#runs, reference, outcome, difference: found.difference });
    const divergence = { ...found, effects: outcome.effects };
    throw this.#kind === 'move' ? new DivergedAfterMove(story, divergence) : new DivergedAfterCrash(story, divergence);
  }

  #rehearse(disturbances: readonly Disturbance[]): Promise<Outcome> {
    this.#runs++;
    return rehearse(this.#service, this.#script, disturbances);
  }
}

interface Single {
  readonly afterEffect: number;
  readonly delivered: Delivered;
  readonly effectCount: number;
}

/** The numbers below `count`, or `limit` of them, evenly spread, the first and the last included. */
function spread(count: number, limit: number): number[] {
  if (count <= limit) return Array.from({ length: count }, (_, index) => index);
  const step = (count - 1) / Math.max(1, limit - 1);
  return Array.from({ length: limit }, (_, index) => Math.round(index * step));
}
