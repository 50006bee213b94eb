// The plan of a service: what `compile` makes of a class, as plain data.
//
// It says which calls of the stack the service turns into: accepting is `getState` (new: the entry stage; migrated: the
// recorded stage), entering a stage and `io.snapshot()` are `setState` of [service, version, fingerprint, stage, fields].

import { createHash } from 'node:crypto';
import type { OutputMode } from '@migratory/stack';

/** What a snapshot field holds. `data` is any value that can travel; it is checked only when a snapshot is taken. */
export type FieldType =
  'string' | 'number' | 'boolean' | 'bigint' | 'date' | 'array' | 'map' | 'set' | 'bytes' | 'data';

/** Where a stage may go, as far as its code says. */
export type Successors =
  /** `ends`: it may also return done(). */
  | { readonly kind: 'known'; readonly stages: readonly string[]; readonly ends: boolean }
  /** The code decides it in a way that can't be read from it. */
  | { readonly kind: 'unknown' };

/** A restart point by name, and what holds while it runs. */
export interface PlannedStage {
  /** With a delegate's name and a dot before it where it is one of a delegate: `login.password`. */
  readonly name: string;
  readonly lock: 'open' | 'locked' | 'pinned';
  readonly output: OutputMode;
  /** Since the last restart point; absent: the service's `stageTimeMs`. */
  readonly timeoutMs?: number;
  readonly successors: Successors;
  /** Stages that `io.snapshot({ stage })` records in it. */
  readonly recorded: readonly string[];
}

/** A sub-protocol: `next(name)` enters `entry`; where it has finished the connection goes on at `then`. */
export interface PlannedDelegate {
  /** With its path: `login`, `login.code`. */
  readonly name: string;
  /** A stage, with its path. */
  readonly entry: string;
  /** A stage or delegate of its owner, as the owner calls it. */
  readonly then: string;
}

/** A field of every snapshot. */
export interface PlannedField {
  readonly name: string;
  readonly type: FieldType;
  readonly guard: 'validated' | 'unguarded';
}

/** What a service compiles into: plain data, the same at every member of one version. */
export interface StagePlan {
  readonly service: string;
  readonly version: number;
  /** The stage of a new connection. */
  readonly entry: string;
  readonly stages: readonly PlannedStage[];
  /** In the order of a snapshot: by name. */
  readonly fields: readonly PlannedField[];
  /** The method that is told when the connection has left; absent when there is none. */
  readonly moved?: string;
  /** The method that tells the client of a failure; absent when there is none. */
  readonly failed?: string;
  readonly delegates: readonly PlannedDelegate[];
  /** Versions whose snapshots can be gone on from, besides this one; ascending. */
  readonly upgradesFrom: readonly number[];
  /** 16 hexadecimal digits over what two members must agree on. */
  readonly fingerprint: string;
}

/**
 * A digest of what two members must agree on to hand over a connection: name, version, stages, fields and their types.
 * The order of declaration doesn't matter.
 */
export function fingerprintOf(plan: Pick<StagePlan, 'service' | 'version' | 'stages' | 'fields'>): string {
  const stages = plan.stages.map((stage) => stage.name).sort();
  const fields = plan.fields.map((field) => [field.name, field.type].join(':')).sort();
  const text = JSON.stringify([plan.service, plan.version, stages, fields]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
