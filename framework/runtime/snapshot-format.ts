// The snapshots of one service: taken, and judged when they arrive. Shared by all of its connections.
//
// Whether a snapshot can be gone on from is asked before its connection is taken over; what is refused then costs nothing,
// since the connection stays where it is. So everything that could go wrong later is looked at here:
//   A1. A snapshot arrives with exactly the fields of this version, each with a value that could be snapshotted here.
//   A2. Where the service has finished nothing is gone on with, so that any version can take over.

import type { ServiceDefinition, SnapshotContent, UpgradeDeclaration } from '../definition.js';
import {
  SnapshotInvalid,
  SnapshotMismatch,
  SnapshotNotSerialisable,
  SnapshotTooLarge,
  type SnapshotMismatchReason,
} from '../errors.js';
import type { ServiceLimits } from '../limits.js';
import type { StagePlan } from '../plan.js';
import { encodeValue, findObstacle } from '../snapshotable.js';
import { messageOfThrown } from '../thrown.js';
import { FieldGuards } from './field-guards.js';
import { FieldPlaces } from './field-places.js';
import type { Session } from './handler.js';
import {
  appendResult,
  EMPTY_JOURNAL,
  encodeHeader,
  encodeSnapshot,
  readSnapshot,
  type SnapshotRecord,
} from './snapshot-record.js';
import { upgrade } from './upgrades.js';

/** A snapshot as this release encodes it, and where its journal begins. */
export interface EncodedSnapshot {
  readonly state: Uint8Array;
  /** Bytes. */
  readonly pointLength: number;
}

export interface UsableSnapshot {
  readonly kind: 'usable';
  /** As this version would have taken it. */
  readonly content: SnapshotContent;
  /** What `io.once` has recorded, by key. */
  readonly results: ReadonlyMap<string, unknown>;
  readonly fromVersion: number;
  /** How many stages the connection had entered. */
  readonly visit: number;
  readonly encoded: EncodedSnapshot;
}

export type Examination = UsableSnapshot | { readonly kind: 'refused'; readonly error: SnapshotMismatch };

export class SnapshotFormat {
  readonly places: FieldPlaces;
  readonly #plan: StagePlan;
  readonly #guards: FieldGuards;
  readonly #upgrades: readonly UpgradeDeclaration[];
  readonly #stages: ReadonlySet<string>;
  readonly #limits: Pick<ServiceLimits, 'snapshotLength'>;
  readonly #header: Uint8Array;

  constructor(plan: StagePlan, definition: ServiceDefinition, limits: Pick<ServiceLimits, 'snapshotLength'>) {
    this.places = new FieldPlaces(plan);
    this.#plan = plan;
    this.#guards = new FieldGuards(plan, definition);
    this.#upgrades = definition.upgrades;
    this.#stages = new Set(plan.stages.map(({ name }) => name));
    this.#limits = limits;
    this.#header = encodeHeader(plan);
  }

  /** Bytes for `setState`; `journal` is what follows the point in an earlier snapshot, or the empty one. See `Frame.encode`. */
  encode(session: Session, stage: string | undefined, visit: number, journal: Uint8Array): EncodedSnapshot {
    if (stage === undefined) return this.#encodePoint([null], 'done', journal);
    const { fields } = this.#plan;
    const point: unknown[] = [stage, visit];
    for (let index = 0; index < fields.length; index++) {
      const value = this.places.read(session, index, stage);
      this.#check(index, value, stage);
      point.push(value);
    }
    return this.#encodePoint(point, stage, journal);
  }

  #check(index: number, value: unknown, stage: string): void {
    const objection = this.#guards.objection(index, value);
    if (objection === undefined) return;
    const { service, fields } = this.#plan;
    const name = fields[index]?.name ?? '';
    if (objection.kind !== 'obstacle') throw new SnapshotInvalid(service, stage, name, objection.because);
    throw new SnapshotNotSerialisable(service, stage, name, objection.path, objection.found);
  }

  #encodePoint(point: readonly unknown[], stage: string, journal: Uint8Array): EncodedSnapshot {
    const state = encodeSnapshot(this.#header, point, journal);
    if (state.length > this.#limits.snapshotLength) {
      const names = ['the stage', 'its visit', ...this.#plan.fields.map(({ name }) => name), 'the results of io.once'];
      const lengths = [...point.map((value) => encodeValue(value).length), journal.length];
      throw this.#tooLarge(stage, state.length, names, lengths);
    }
    return { state, pointLength: state.length - journal.length };
  }

  #tooLarge(stage: string, length: number, names: readonly string[], lengths: readonly number[]): SnapshotTooLarge {
    const most = Math.max(...lengths);
    const largest = names[lengths.indexOf(most)] ?? '';
    return new SnapshotTooLarge(this.#plan.service, stage, length, this.#limits.snapshotLength, largest, most);
  }

  /** See `Frame.record`. */
  append({ state, pointLength }: EncodedSnapshot, stage: string, key: string, result: unknown): EncodedSnapshot {
    const label = `io.once(${key})`;
    const obstacle = findObstacle(key, label) ?? findObstacle(result, label);
    if (obstacle !== undefined) {
      throw new SnapshotNotSerialisable(this.#plan.service, stage, label, obstacle.path, obstacle.found);
    }
    const longer = appendResult(state, pointLength, key, result);
    if (longer.length > this.#limits.snapshotLength) {
      const lengths = [longer.length - state.length, state.length];
      throw this.#tooLarge(stage, longer.length, [label, 'what was there before'], lengths);
    }
    return { state: longer, pointLength };
  }

  /** Sets the fields of a handler to those of a usable snapshot. */
  fill(session: Session, { stage, fields }: SnapshotContent): void {
    if (stage === undefined) return;
    for (const [index, { name }] of this.#plan.fields.entries()) this.places.write(session, index, fields[name]);
  }

  /** Whether a connection with this snapshot can come here. Never throws; may run the service's upgrades and validators. */
  examine(state: Uint8Array): Examination {
    try {
      return this.#examine(state);
    } catch (error) {
      // Whatever else went wrong was the service's own code: the connection stays where that has not happened.
      const refusal =
        error instanceof SnapshotMismatch ? error : this.#refusal('upgrade-failed', messageOfThrown(error));
      return { kind: 'refused', error: refusal };
    }
  }

  #examine(state: Uint8Array): UsableSnapshot {
    const { snapshotLength } = this.#limits;
    if (state.length > snapshotLength) {
      throw this.#refusal(
        'too-large',
        `${state.length} bytes, more than the ${snapshotLength} of limits.snapshotLength`,
      );
    }
    const record = readSnapshot(this.#plan, state);
    const { results, version, stage, visit, pointLength } = record;
    if (stage === undefined) return this.#finished(record); // A2
    for (const [key, result] of results) {
      const obstacle = findObstacle(result, `io.once(${key})`);
      if (obstacle !== undefined) throw this.#refusal('unreadable', `${obstacle.path} is ${obstacle.found}`);
    }
    if (version > this.#plan.version) {
      throw this.#refusal('newer-version', `version ${version}, and this is ${this.#plan.version}`);
    }
    if (version === this.#plan.version) {
      const content = this.#contentOf(record);
      if (record.format === 2) {
        return { kind: 'usable', content, results, fromVersion: version, visit, encoded: { state, pointLength } };
      }
      return {
        kind: 'usable',
        content,
        results,
        fromVersion: version,
        visit,
        encoded: this.#encodeAgain(content, visit, EMPTY_JOURNAL),
      };
    }
    const content = upgrade(this.#plan, this.#upgrades, record);
    this.#checkUpgraded(content, version);
    const encoded = this.#encodeAgain(content, visit, state.subarray(pointLength));
    return { kind: 'usable', content, results, fromVersion: version, visit, encoded };
  }

  #finished({ version, visit }: SnapshotRecord): UsableSnapshot {
    const content: SnapshotContent = { stage: undefined, fields: {} };
    const encoded = this.#encodePoint([null], 'done', EMPTY_JOURNAL);
    return { kind: 'usable', content, results: new Map(), fromVersion: version, visit, encoded };
  }

  /** Of a snapshot of this version. */
  #contentOf({ fingerprint, names, values, stage }: SnapshotRecord): SnapshotContent {
    const { fields } = this.#plan;
    if (fingerprint !== this.#plan.fingerprint) throw this.#refusal('other-plan', this.#differenceTo(names));
    if (values.length !== fields.length || fields.some(({ name }, index) => names[index] !== name)) {
      throw this.#refusal('unreadable', 'its fields are not those of its fingerprint');
    }
    for (const [index, value] of values.entries()) {
      const objection = this.#objectionTo(index, value);
      if (objection !== undefined) throw this.#refusal(objection.invalid ? 'invalid' : 'unreadable', objection.detail);
    }
    this.#checkStage(stage);
    return { stage, fields: Object.fromEntries(names.map((name, index) => [name, values[index]])) };
  }

  #differenceTo(names: readonly string[]): string {
    const ours = this.#plan.fields.map(({ name }) => name);
    const [missing, unknown] = [
      ours.filter((name) => !names.includes(name)),
      names.filter((name) => !ours.includes(name)),
    ];
    const parts = [
      ...(missing.length === 0 ? [] : [`the field ${listOf(missing)} is not in it`]),
      ...(unknown.length === 0 ? [] : [`its field ${listOf(unknown)} is not known here`]),
    ];
    if (parts.length === 0) parts.push('its fields have the same names, so their types or the stages differ');
    return `${parts.join('; ')}, under the same version ${this.#plan.version}. What changes them has a version of its own`;
  }

  /** A1. */
  #checkUpgraded({ stage, fields }: SnapshotContent, version: number): void {
    if (stage === undefined) return;
    this.#checkStage(stage);
    const wrong = (detail: string): SnapshotMismatch =>
      this.#refusal('upgrade-failed', `from version ${version}: ${detail}`);
    for (const [index, { name }] of this.#plan.fields.entries()) {
      if (!Object.hasOwn(fields, name)) throw wrong(`the field '${name}' is missing`);
      const objection = this.#objectionTo(index, fields[name]);
      if (objection !== undefined) throw wrong(objection.detail);
    }
    const extra = Object.keys(fields).find((name) => !this.#plan.fields.some((field) => field.name === name));
    if (extra !== undefined) throw wrong(`the field '${extra}' is none of version ${this.#plan.version}`);
  }

  #objectionTo(index: number, value: unknown): { readonly invalid: boolean; readonly detail: string } | undefined {
    const objection = this.#guards.objection(index, value);
    if (objection === undefined) return undefined;
    const because = objection.kind === 'obstacle' ? `${objection.path} is ${objection.found}` : objection.because;
    return {
      invalid: objection.kind === 'invalid',
      detail: `the field '${this.#plan.fields[index]?.name ?? ''}': ${because}`,
    };
  }

  #checkStage(stage: string | undefined): void {
    if (stage !== undefined && this.#stages.has(stage)) return;
    throw this.#refusal('unknown-stage', `it goes on at '${stage ?? ''}'`);
  }

  /** What came in another form, in this version's: results are added to that. */
  #encodeAgain({ stage, fields }: SnapshotContent, visit: number, journal: Uint8Array): EncodedSnapshot {
    try {
      const point = stage === undefined ? [null] : [stage, visit, ...this.#plan.fields.map(({ name }) => fields[name])];
      return this.#encodePoint(point, stage ?? 'done', journal);
    } catch (error) {
      if (error instanceof SnapshotTooLarge) throw this.#refusal('too-large', error.message);
      throw error;
    }
  }

  #refusal(reason: SnapshotMismatchReason, detail: string): SnapshotMismatch {
    return new SnapshotMismatch(this.#plan.service, reason, detail);
  }
}

function listOf(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ');
}
