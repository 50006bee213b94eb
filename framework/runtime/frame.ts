// The frame: the fields of one handler, and their way into a snapshot and back.
//
// Taking a snapshot happens per message, perhaps per chunk, so what can be found out once for a service is in its
// `SnapshotFormat`; a connection has the bytes of its last restart point, and no copy of anything else.
//   F3. A result is added to the restart point as it was taken, not to the fields as they are now.
//   F4. Where the last restart point stays (an error below), so do its bytes and its results.
//   F5. A restart point that a stage takes for another one has no results of the stage's; they are kept for the case that the
//       stage takes one for itself again: it would begin anew from there, and make its effects again.

import type { Outside } from './field-places.js';
import type { Session } from './handler.js';
import type { EncodedSnapshot, SnapshotFormat } from './snapshot-format.js';
import { EMPTY_JOURNAL } from './snapshot-record.js';

export { SnapshotFormat } from './snapshot-format.js';

/** Where a handler goes on: at a stage, or nowhere, since the service has finished. */
export type RestartPoint = { readonly kind: 'stage'; readonly stage: string } | { readonly kind: 'finished' };

export const FINISHED: RestartPoint = { kind: 'finished' };

/** What has been recorded for a key. */
export type Recorded = { readonly kind: 'recorded'; readonly result: unknown } | { readonly kind: 'new' };

const NEW: Recorded = { kind: 'new' };

/** What becomes of the results: a stage begins, takes a restart point for itself, or takes one for another stage (F5). */
export type JournalUse = 'cleared' | 'kept' | 'set-aside';

/** What a stage had recorded when it took a restart point for another one (F5). */
interface Recordings {
  readonly visit: number;
  readonly journal: Uint8Array;
  readonly results: Map<string, unknown> | undefined;
}

const NO_POINT: EncodedSnapshot = { state: EMPTY_JOURNAL, pointLength: 0 };

export class Frame {
  readonly #format: SnapshotFormat;
  readonly #session: Session;
  readonly #outside: Outside;
  /** The last restart point, with its results, as it travels. */
  #last: EncodedSnapshot | undefined;
  #stage = '';
  #visit = 0;
  #results: Map<string, unknown> | undefined;
  #aside: Recordings | undefined;

  /** For a handler that has just been built, with its delegates. `restore` or `encode` comes next. */
  constructor(format: SnapshotFormat, session: Session) {
    this.#format = format;
    this.#session = session;
    this.#outside = format.places.outsideOf(session);
  }

  /** How many stages the connection has entered, at all members together. */
  get visit(): number {
    return this.#visit;
  }

  /**
   * The bytes for `setState`. The results that were recorded stay with a point of their own stage ('kept'), wait while
   * there is one of another stage ('set-aside'), and go when a stage is entered ('cleared').
   *
   * Throws `SnapshotNotSerialisable`, `SnapshotInvalid`, `SnapshotTooLarge`, and `FieldNotSnapshotted` for a delegate that
   * is gone; then nothing has changed (F4).
   */
  encode(point: RestartPoint, journal: JournalUse): Uint8Array {
    const stage = point.kind === 'stage' ? point.stage : undefined;
    const own = journal === 'cleared' || stage === undefined ? undefined : (this.#aside ?? this.#recordings());
    const kept = journal === 'kept' ? own : undefined;
    const visit = kept?.visit ?? this.#visit + 1;
    this.#last = this.#format.encode(this.#session, stage, visit, kept?.journal ?? EMPTY_JOURNAL);
    this.#visit = visit;
    this.#stage = stage ?? 'done';
    this.#results = kept?.results;
    this.#aside = journal === 'set-aside' ? own : undefined;
    return this.#last.state;
  }

  #recordings(): Recordings {
    const { state, pointLength } = this.#last ?? NO_POINT;
    const journal = this.#results === undefined ? EMPTY_JOURNAL : state.subarray(pointLength);
    return { visit: this.#visit, journal, results: this.#results };
  }

  /**
   * The bytes for `amendState`: the last restart point, and one more result (F3). Throws `SnapshotNotSerialisable` and
   * `SnapshotTooLarge`, both naming the key; then nothing has changed (F4).
   */
  record(key: string, result: unknown): Uint8Array {
    if (this.#last === undefined) throw new TypeError('A result was recorded before there was a restart point.');
    this.#last = this.#format.append(this.#last, this.#stage, key, result);
    (this.#results ??= new Map<string, unknown>()).set(key, result);
    return this.#last.state;
  }

  /** Whether the effect `key` was made since the stage was entered, here or at another member. */
  recorded(key: string): Recorded {
    if (this.#results?.has(key) !== true) return NEW;
    return { kind: 'recorded', result: this.#results.get(key) };
  }

  /** Sets the fields to those of a snapshot and answers where to go on. Throws `SnapshotMismatch`. */
  restore(state: Uint8Array): RestartPoint {
    const examined = this.#format.examine(state);
    if (examined.kind === 'refused') throw examined.error;
    const { content, results, encoded, visit } = examined;
    this.#visit = visit;
    this.#format.fill(this.#session, content);
    this.#last = encoded;
    this.#stage = content.stage ?? 'done';
    this.#results = results.size === 0 ? undefined : new Map(results);
    return content.stage === undefined ? FINISHED : { kind: 'stage', stage: content.stage };
  }

  /** Throws `FieldNotSnapshotted` for the first field that would be lost in a move (F2). Cheap: looks at known fields. */
  checkKnownFields(stage: string): void {
    this.#format.places.checkKnown(this.#session, this.#outside, stage);
  }

  /** Like `checkKnownFields`, and also finds fields that were added since. */
  checkAllFields(stage: string): void {
    this.#format.places.checkAll(this.#session, this.#outside, stage);
  }
}
