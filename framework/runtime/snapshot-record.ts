// Snapshots as bytes: the formats in which members send them to each other.
//
// Format 2, today's, says by name what is in it, so that a later version can tell what it got:
//
//   [2, service, version, fingerprint, field names]   the same in all snapshots of a service
//   [stage, visit, value, value, ...]                 or [null]: the service has finished
//   [[key, result], ...]                              the journal: what `io.once` recorded since the stage was entered
//
// Three MessagePack values, one after the other. To the journal a result is appended, and those before it stay as they are:
// it is kept as it was when it was recorded. Format 1 was a single value, [1, service, version, fingerprint, stage or null, values], whose
// field names only a member of the very same plan knows.

import { SnapshotMismatch, type SnapshotMismatchReason } from '../errors.js';
import type { StagePlan } from '../plan.js';
import { decodeParts, encodeBetween, encodeValue, NO_BYTES, type DecodedPart } from '../snapshotable.js';

const SNAPSHOT_FORMAT = 2;

export interface SnapshotRecord {
  readonly format: 1 | 2;
  readonly version: number;
  readonly fingerprint: string;
  /** undefined: finished. */
  readonly stage: string | undefined;
  /** How many stages the connection had entered; 0 in format 1, and where the service has finished. */
  readonly visit: number;
  /** Those of the header; in format 1, and where the service has finished, the plan's. */
  readonly names: readonly string[];
  /** In the order of the names; none where the service has finished. */
  readonly values: readonly unknown[];
  readonly results: ReadonlyMap<string, unknown>;
  /** Bytes up to the journal. */
  readonly pointLength: number;
}

const NO_RESULTS: ReadonlyMap<string, unknown> = new Map();

/** The first value of every snapshot of a plan. */
export function encodeHeader(plan: StagePlan): Uint8Array {
  const names = plan.fields.map(({ name }) => name);
  return encodeValue([SNAPSHOT_FORMAT, plan.service, plan.version, plan.fingerprint, names]);
}

/** An empty array. */
export const EMPTY_JOURNAL = Uint8Array.of(0x90);
/** A journal with results begins with it and the number of them in 32 bits, so that one can be added in place. */
const ARRAY_32 = 0xdd;
const ARRAY_32_LENGTH = 5;

/** `point` is [stage, visit, ...values] or [null]; `journal` is the end of an earlier snapshot, or the empty one. */
export function encodeSnapshot(header: Uint8Array, point: readonly unknown[], journal: Uint8Array): Uint8Array {
  return encodeBetween(header, point, journal);
}

/** A snapshot with one more result in its journal, which begins at `pointLength`. */
export function appendResult(state: Uint8Array, pointLength: number, key: string, result: unknown): Uint8Array {
  const bytes = Buffer.from(state.buffer, state.byteOffset, state.length);
  const isEmpty = bytes[pointLength] === EMPTY_JOURNAL[0];
  const entries = bytes.subarray(pointLength + (isEmpty ? 1 : ARRAY_32_LENGTH));
  const start = Buffer.of(ARRAY_32, 0, 0, 0, 0);
  start.writeUInt32BE(isEmpty ? 1 : bytes.readUInt32BE(pointLength + 1) + 1, 1);
  return encodeBetween(Buffer.concat([bytes.subarray(0, pointLength), start, entries]), [key, result], NO_BYTES);
}

/** Throws `SnapshotMismatch`: 'unreadable', 'other-format', 'other-service'. Versions are for the caller to judge. */
export function readSnapshot(plan: StagePlan, state: Uint8Array): SnapshotRecord {
  const refuse: Refuse = (reason, detail) => new SnapshotMismatch(plan.service, reason, detail);
  const parts = readParts(state, refuse);
  const head = parts[0]?.value;
  if (!Array.isArray(head)) throw refuse('unreadable', 'it is not a record');
  const [format, service, version, fingerprint, ...more] = head as readonly unknown[];
  if (format !== 1 && format !== SNAPSHOT_FORMAT) {
    throw refuse('other-format', `format ${show(format)}; this release reads 1 and ${SNAPSHOT_FORMAT}`);
  }
  if (service !== plan.service) throw refuse('other-service', `it belongs to ${show(service)}`);
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1 || typeof fingerprint !== 'string') {
    throw refuse('unreadable', 'its version or its fingerprint is none');
  }
  if (format === 1 && parts[0]?.end !== state.length) throw refuse('unreadable', 'there is something behind its end');
  const content = format === 1 ? contentOfFormat1(plan, more, parts, refuse) : contentOfFormat2(more, parts, refuse);
  return { format, version, fingerprint, ...content };
}

type Refuse = (reason: SnapshotMismatchReason, detail: string) => SnapshotMismatch;
type Content = Omit<SnapshotRecord, 'format' | 'version' | 'fingerprint'>;

function readParts(state: Uint8Array, refuse: Refuse): readonly DecodedPart[] {
  try {
    return decodeParts(state, (head) => (Array.isArray(head) && head[0] === SNAPSHOT_FORMAT ? 'go-on' : 'enough'));
  } catch {
    throw refuse('unreadable', `${state.length} bytes that are no snapshot`);
  }
}

function contentOfFormat1(
  plan: StagePlan,
  [stage, values]: readonly unknown[],
  parts: readonly DecodedPart[],
  refuse: Refuse,
): Content {
  const pointLength = parts[0]?.end ?? 0;
  if (!Array.isArray(values)) throw refuse('unreadable', 'fields are missing');
  const names = plan.fields.map(({ name }) => name);
  const common = { visit: 0, names, results: NO_RESULTS, pointLength };
  if (stage === null) return { ...common, stage: undefined, values: [] };
  if (typeof stage !== 'string') throw refuse('unreadable', 'it says no stage');
  return { ...common, stage, values: values as readonly unknown[] };
}

function contentOfFormat2(
  [names]: readonly unknown[],
  [, point, journal, ...rest]: readonly DecodedPart[],
  refuse: Refuse,
): Content {
  if (!isListOfNames(names)) throw refuse('unreadable', "its fields' names are none");
  if (point === undefined || !Array.isArray(point.value)) throw refuse('unreadable', 'it says no stage');
  if (rest.length > 0) throw refuse('unreadable', 'there is something behind its end');
  const [stage, visit = 0, ...values] = point.value as readonly unknown[];
  const [pointLength, results] = [point.end, resultsOf(journal?.value, refuse)];
  if (typeof visit !== 'number' || !Number.isSafeInteger(visit) || visit < 0)
    throw refuse('unreadable', 'it has no visit');
  if (stage === null && values.length === 0) return { stage: undefined, visit, names, values, results, pointLength };
  if (typeof stage !== 'string') throw refuse('unreadable', 'it says no stage');
  if (values.length !== names.length) {
    throw refuse('unreadable', `it has ${values.length} values for ${names.length} fields`);
  }
  return { stage, visit, names, values, results, pointLength };
}

function isListOfNames(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) && value.every((name) => typeof name === 'string') && new Set(value).size === value.length
  );
}

function resultsOf(entries: unknown, refuse: Refuse): ReadonlyMap<string, unknown> {
  if (!Array.isArray(entries)) throw refuse('unreadable', 'it has no journal');
  if (entries.length === 0) return NO_RESULTS;
  const results = new Map<string, unknown>();
  for (const entry of entries as readonly unknown[]) {
    if (!Array.isArray(entry) || entry.length !== 2) throw refuse('unreadable', 'a recorded result is none');
    const [key, result] = entry as readonly unknown[];
    if (typeof key !== 'string') throw refuse('unreadable', 'a recorded result has no key');
    results.set(key, result);
  }
  return results;
}

/** What was decoded may be anything, also something that can't be turned into text. */
function show(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : `a ${typeof value}`;
}
