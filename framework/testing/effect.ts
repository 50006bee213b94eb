// Effects: what a handler does that somebody else can notice, in the order in which it does it.
//
// Each is a possible instant of a move or a crash. They are noted at all members of a run in one list, with the number of
// the handler that did it: 0 for the first, one more for each move or crash.

import { inspect } from 'node:util';

/** What one handler did, at one instant. */
export type Effect =
  /** A run of a stage began; `resumed` where the connection goes on in it. */
  | { readonly kind: 'enter'; readonly stage: string; readonly resumed: 'resumed' | 'entered' }
  /** undefined: the end of the client's stream. */
  | { readonly kind: 'read'; readonly stage: string; readonly bytes: Uint8Array | undefined }
  | { readonly kind: 'write'; readonly stage: string; readonly bytes: Uint8Array }
  /** `goesOnAt` is the stage that was recorded. */
  | { readonly kind: 'snapshot'; readonly stage: string; readonly goesOnAt: string }
  /** `io.once` has the effect's result, and has recorded it. */
  | { readonly kind: 'once'; readonly stage: string; readonly key: string; readonly result: 'made' | 'recalled' }
  | { readonly kind: 'use'; readonly stage: string }
  | { readonly kind: 'end'; readonly stage: string }
  /** The stage returned `done()`. */
  | { readonly kind: 'done'; readonly stage: string }
  /** What the world outside recorded, as text; `token` where it was inside of `io.once`. */
  | { readonly kind: 'outside'; readonly text: string; readonly token: string | undefined };

/** An effect, and whose it was. */
export interface RehearsedEffect {
  readonly effect: Effect;
  /** Which handler: 0 is the one that took the connection first. */
  readonly generation: number;
}

/** How much of what had been written, and could leave, the client had at the instant. */
export type Delivered = 'nothing' | 'half' | 'everything';

/** What was done to a run, and when. */
export interface Disturbance {
  readonly kind: 'move' | 'crash';
  /** Right after the effect with this index in the run's list. */
  readonly afterEffect: number;
  readonly delivered: Delivered;
}

/** The first thing in which a run differs from the undisturbed one. */
export type Difference =
  /**
   * The client has `had` from `offset` of its stream on, or would have had, and got `got`; `before` is what comes before it,
   * the same in both. `regenerated`: it had the bytes already when other ones were written in their place.
   */
  | {
      readonly kind: 'bytes';
      readonly offset: number;
      readonly before: Uint8Array;
      readonly had: Uint8Array;
      readonly got: Uint8Array;
      readonly regenerated: 'regenerated' | 'new';
    }
  /** What happened outside happened more often, less often, or in another order. */
  | {
      readonly kind: 'outside';
      readonly repeated: readonly string[];
      readonly missing: readonly string[];
      readonly unexpected: readonly string[];
      readonly order: 'the-same' | 'another';
    }
  /** The service threw. */
  | { readonly kind: 'failed'; readonly report: string; readonly error: unknown }
  /** The connection was reset, or closed in another way than without the disturbance. */
  | { readonly kind: 'ending'; readonly expected: string; readonly found: string }
  | { readonly kind: 'stuck'; readonly waits: string };

/** An effect of the world outside, as it is compared. */
export function textOf(effect: unknown): string {
  return typeof effect === 'string'
    ? effect
    : inspect(effect, { depth: Infinity, breakLength: Infinity, compact: true, sorted: true });
}

const EXCERPT_LENGTH = 48;

/** Bytes as text, escaped, cut off after some. */
export function excerpt(bytes: Uint8Array, length = EXCERPT_LENGTH): string {
  const text = Buffer.from(bytes.subarray(0, length)).toString('latin1');
  const escaped = JSON.stringify(text).replace(/[\x7f-\xff]/g, (char) => `\\x${char.charCodeAt(0).toString(16)}`);
  return bytes.length > length ? `${escaped}...` : escaped;
}

/** "write "hello\n" (6 bytes)": one line. */
export function formatEffect(effect: Effect): string {
  switch (effect.kind) {
    case 'enter':
      return effect.resumed === 'resumed' ? `goes on at stage '${effect.stage}'` : `enter stage '${effect.stage}'`;
    case 'read':
      return effect.bytes === undefined ? "read the end of the client's stream" : `read ${sized(effect.bytes)}`;
    case 'write':
      return `write ${sized(effect.bytes)}`;
    case 'snapshot':
      return effect.goesOnAt === effect.stage ? 'snapshot' : `snapshot, to go on at stage '${effect.goesOnAt}'`;
    case 'once':
      return `once '${effect.key}' ${effect.result === 'made' ? 'recorded' : 'answered from the snapshot'}`;
    case 'use':
      return 'use: opened';
    case 'end':
      return 'end of our stream';
    case 'done':
      return 'done';
    case 'outside':
      return `outside: ${effect.text}${effect.token === undefined ? '' : ' (in once)'}`;
  }
}

function sized(bytes: Uint8Array): string {
  return `${excerpt(bytes)} (${bytes.length} ${bytes.length === 1 ? 'byte' : 'bytes'})`;
}
