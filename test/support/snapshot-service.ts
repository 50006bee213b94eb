// Services that only have snapshots: their fields, stages and versions as a test wants them, and frames for them.

import {
  compile,
  defineService,
  done,
  type ServiceDefinition,
  type ServiceForm,
  type StagePlan,
} from '@migratory/framework';
import { Frame, SnapshotFormat, type RestartPoint } from '@migratory/framework/internal/runtime/frame.js';

export type Fields = Record<string, unknown>;
type Form = ServiceForm<Fields, string>;
/** A validator, as Standard Schema describes it. */
export type Schema = NonNullable<NonNullable<Form['validate']>[string]>;

const END = done();

/** A stage for services that are never run. Its code doesn't say where it goes, so that any stage may be reached. */
export const finish = async (): Promise<ReturnType<typeof done>> => Promise.resolve(END);

export interface SnapshotServiceOptions {
  readonly name?: string;
  readonly version?: number;
  /** Initial values, whose types become those of the fields. Default: a field `value` for any data. */
  readonly fields?: () => Fields;
  /** The first is the entry. Default: begin, body. */
  readonly stages?: readonly string[];
  readonly upgrades?: Form['upgrades'];
  readonly validate?: Form['validate'];
  /** Bytes. */
  readonly snapshotLength?: number;
}

export interface SnapshotService {
  readonly plan: StagePlan;
  readonly format: SnapshotFormat;
  /** A frame for these fields; each is that of a connection of its own. */
  frame(session: Fields): Frame;
}

export function snapshotService(options: SnapshotServiceOptions = {}): SnapshotService {
  const { stages = ['begin', 'body'], snapshotLength = 1_000_000 } = options;
  return ofDefinition(
    defineService({
      name: options.name ?? 'box',
      version: options.version ?? 1,
      entry: stages[0] ?? '',
      fields: options.fields ?? (() => ({ value: null })),
      stages: Object.fromEntries(stages.map((stage) => [stage, finish])),
      ...(options.upgrades === undefined ? {} : { upgrades: options.upgrades }),
      ...(options.validate === undefined ? {} : { validate: options.validate }),
    }),
    snapshotLength,
  );
}

export function ofDefinition(
  definition: ServiceDefinition,
  snapshotLength: number,
  plan: StagePlan = compile(definition),
): SnapshotService {
  const format = new SnapshotFormat(plan, definition, { snapshotLength });
  return { plan, format, frame: (session) => new Frame(format, session) };
}

export function at(stage: string): RestartPoint {
  return { kind: 'stage', stage };
}

/** A snapshot of `session` at the beginning of `stage`, and what has been recorded since. */
export function snapshotOf(
  service: SnapshotService,
  session: Fields,
  stage: string,
  results: Iterable<readonly [string, unknown]> = [],
): Uint8Array {
  const frame = service.frame(session);
  let state = frame.encode(at(stage), 'cleared');
  for (const [key, result] of results) state = frame.record(key, result);
  return Uint8Array.from(state);
}
