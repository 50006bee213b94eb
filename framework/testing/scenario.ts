// Scenarios: what the client does, and what the world outside is.

import type { Container } from 'inversify';
import { InvalidOption } from '../errors.js';
import type { ServiceLimits } from '../limits.js';

/** One thing that the client does. */
export type Piece =
  /** It sends bytes, or a string as UTF-8. */
  | { readonly send: string | Uint8Array }
  /** It goes on only when this has come, after what it waited for before. */
  | { readonly expect: string | Uint8Array }
  /** It lets time pass: on the virtual clock, by which the stages' time limits go. */
  | { readonly passMs: number };

/** Told by the world outside of everything in it that a service has changed. A text, or any data. */
export type RecordEffect = (effect: unknown) => void;

/** What the client does in a session, what the world outside is, and how much is tried. */
export interface Scenario {
  /** What the client sends; its stream ends after it. */
  readonly input: string | Uint8Array | readonly Piece[];
  /**
   * The world outside: what the service's constructor asks for. Called anew for each run; all members of a run share it.
   *
   * Whatever in it stands for another machine (a database, a mail server) calls `record` when something there has changed:
   * once for each change that is there to stay, before anything else of it happens, for a member that has died is stopped at
   * this call. A move or a crash right after it comes before the service has the answer.
   */
  readonly container?: (record: RecordEffect) => Container;
  /** Where the service's limits differ from `DEFAULT_SERVICE_LIMITS`. */
  readonly limits?: Partial<ServiceLimits>;
  /**
   * What may differ from one run to the next (a date, an id), within one run's output: each match counts as the same. The
   * client must still never see two values in the place of one. It has the flag `g`.
   */
  readonly varying?: RegExp;
  /** Single moves that are tried at most; beyond it a selection, evenly spread. Default: 2000. */
  readonly singleLimit?: number;
  /** Pairs of moves that are tried at most, likewise. Default: 400; 0 tries none. */
  readonly pairLimit?: number;
}

const DEFAULT_SINGLE_LIMIT = 2_000;
const DEFAULT_PAIR_LIMIT = 400;

export type Step =
  | { readonly kind: 'send'; readonly bytes: Buffer }
  | { readonly kind: 'expect'; readonly bytes: Buffer }
  | { readonly kind: 'pass'; readonly durationMs: number };

/** A scenario with nothing left out. */
export interface Script {
  readonly steps: readonly Step[];
  readonly container: ((record: RecordEffect) => Container) | undefined;
  readonly limits: Partial<ServiceLimits> | undefined;
  readonly varying: RegExp | undefined;
  readonly singleLimit: number;
  readonly pairLimit: number;
}

/** Throws `InvalidOption`. */
export function scriptOf(scenario: Scenario): Script {
  const { input, container, limits, varying, singleLimit, pairLimit } = scenario;
  if (varying?.global === false) throw new InvalidOption('varying', 'a regular expression with the flag g');
  return {
    steps: typeof input === 'string' || input instanceof Uint8Array ? [stepOf({ send: input })] : input.map(stepOf),
    container,
    limits,
    varying,
    singleLimit: limitOf('singleLimit', singleLimit ?? DEFAULT_SINGLE_LIMIT),
    pairLimit: limitOf('pairLimit', pairLimit ?? DEFAULT_PAIR_LIMIT),
  };
}

function stepOf(piece: Piece): Step {
  if ('send' in piece) return { kind: 'send', bytes: Buffer.from(piece.send) };
  if ('expect' in piece) return { kind: 'expect', bytes: Buffer.from(piece.expect) };
  if (!(piece.passMs >= 0)) throw new InvalidOption('passMs', 'a number of milliseconds');
  return { kind: 'pass', durationMs: piece.passMs };
}

function limitOf(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidOption(name, 'a number of runs');
  return value;
}
