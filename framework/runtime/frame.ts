// The frame: the fields of one handler, and their way into a snapshot and back.
//
// A snapshot is [format, service, version, fingerprint, stage, fields by name]. Taking one happens per message, perhaps per
// chunk, so it encodes flat arrays that are kept, and looks at each value once.
//   F1. Nothing leaves that would not come back as it is (`findObstacle`).
//   F2. At every restart point all fields outside the snapshot are what they were when the handler was built: after a
//       move they would be that again. Compared by identity; a container that is changed inside is not noticed.

import { FieldNotSnapshotted, SnapshotMismatch, SnapshotNotSerialisable } from '../errors.js';
import type { StagePlan } from '../plan.js';
import { decodeValue, encodeValue, findObstacle } from '../snapshotable.js';
import type { Session } from './handler.js';

const SNAPSHOT_FORMAT = 1;

/** Where a handler goes on: at a stage, or nowhere, since the service has finished. */
export type RestartPoint = { readonly kind: 'stage'; readonly stage: string } | { readonly kind: 'finished' };

export const FINISHED: RestartPoint = { kind: 'finished' };

type SnapshotRecord = [
  format: number,
  service: string,
  version: number,
  fingerprint: string,
  /** null: finished. */
  stage: string | null,
  values: readonly unknown[],
];

export class Frame {
  readonly #plan: StagePlan;
  readonly #session: Session;
  readonly #values: unknown[];
  readonly #record: SnapshotRecord;
  readonly #outside: readonly (readonly [name: string, value: unknown])[];
  readonly #known: ReadonlySet<string>;

  /** For a handler that has just been built. `restore` or `enter` comes next. */
  constructor(plan: StagePlan, session: Session) {
    this.#plan = plan;
    this.#session = session;
    this.#values = plan.fields.map(() => undefined);
    this.#record = [SNAPSHOT_FORMAT, plan.service, plan.version, plan.fingerprint, null, this.#values];
    const inside = new Set(plan.fields.map((field) => field.name));
    this.#outside = Object.entries(session).filter(([name]) => !inside.has(name));
    this.#known = new Set([...inside, ...this.#outside.map(([name]) => name)]);
  }

  /** The bytes for `setState`. Throws `SnapshotNotSerialisable` (F1). */
  encode(point: RestartPoint): Uint8Array {
    const label = point.kind === 'stage' ? point.stage : 'done';
    for (const [index, field] of this.#plan.fields.entries()) {
      const value = this.#session[field.name];
      if (typeof value !== 'number' && typeof value !== 'boolean') this.#check(label, field.name, value);
      this.#values[index] = value;
    }
    this.#record[4] = point.kind === 'stage' ? point.stage : null;
    return encodeValue(this.#record);
  }

  #check(stage: string, field: string, value: unknown): void {
    const obstacle = findObstacle(value, field); // F1
    if (obstacle === undefined) return;
    throw new SnapshotNotSerialisable(this.#plan.service, stage, field, obstacle.path, obstacle.found);
  }

  /** Sets the fields to those of a snapshot and answers where to go on. Throws `SnapshotMismatch`. */
  restore(state: Uint8Array): RestartPoint {
    const { point, values } = readSnapshot(this.#plan, state);
    for (const [index, field] of this.#plan.fields.entries()) this.#session[field.name] = values[index];
    return point;
  }

  /** Throws `FieldNotSnapshotted` for the first field that would be lost in a move (F2). Cheap: looks at known fields. */
  checkKnownFields(stage: string): void {
    for (const [name, value] of this.#outside) {
      if (!Object.is(this.#session[name], value)) throw new FieldNotSnapshotted(this.#plan.service, stage, name);
    }
  }

  /** Like `checkKnownFields`, and also finds fields that were added since. */
  checkAllFields(stage: string): void {
    this.checkKnownFields(stage);
    for (const name of Object.keys(this.#session)) {
      if (!this.#known.has(name)) throw new FieldNotSnapshotted(this.#plan.service, stage, name);
    }
  }
}

/** Whether a snapshot is of this very plan: a connection with another one stays where it is. */
export function canRestore(plan: StagePlan, state: Uint8Array): boolean {
  try {
    readSnapshot(plan, state);
    return true;
  } catch (error) {
    if (error instanceof SnapshotMismatch) return false;
    throw error;
  }
}

function readSnapshot(plan: StagePlan, state: Uint8Array): { point: RestartPoint; values: readonly unknown[] } {
  const refuse = (reason: SnapshotMismatch['reason'], detail: string): SnapshotMismatch =>
    new SnapshotMismatch(plan.service, reason, detail);
  let record: unknown;
  try {
    record = decodeValue(state);
  } catch {
    throw refuse('unreadable', `${state.length} bytes that are no snapshot`);
  }
  if (!Array.isArray(record)) throw refuse('unreadable', 'it is not a record');
  const [format, service, version, fingerprint, stage, values] = record as readonly unknown[];
  if (format !== SNAPSHOT_FORMAT) throw refuse('other-format', `format ${show(format)}, not ${SNAPSHOT_FORMAT}`);
  if (service !== plan.service) throw refuse('other-service', `it belongs to ${show(service)}`);
  if (version !== plan.version) throw refuse('other-version', `version ${show(version)}, not ${plan.version}`);
  if (fingerprint !== plan.fingerprint)
    throw refuse('other-plan', 'its stages or fields differ under the same version');
  if (!Array.isArray(values) || values.length !== plan.fields.length) throw refuse('unreadable', 'fields are missing');
  if (stage === null) return { point: FINISHED, values: values as readonly unknown[] };
  if (typeof stage !== 'string' || !plan.stages.some(({ name }) => name === stage)) {
    throw refuse('unknown-stage', `it goes on at ${show(stage)}`);
  }
  return { point: { kind: 'stage', stage }, values: values as readonly unknown[] };
}

/** What was decoded may be anything, also something that can't be turned into text. */
function show(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : `a ${typeof value}`;
}
