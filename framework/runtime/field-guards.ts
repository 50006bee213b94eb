// What a snapshot field may hold: values that can travel, of the declared type, that the field's validator admits.
//
// The same is asked when a snapshot is taken and when one arrives: nothing is sent that no member would accept.
//   F1. Nothing leaves that would not come back as it is (`findObstacle`).
// A validator guards and doesn't transform: what it makes of a value is not looked at.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ServiceDefinition } from '../definition.js';
import type { FieldType, StagePlan } from '../plan.js';
import { findObstacle, instanceName, type Obstacle } from '../snapshotable.js';
import { messageOfThrown } from '../thrown.js';

export type FieldObjection =
  | ({ readonly kind: 'obstacle' } & Obstacle)
  | { readonly kind: 'other-type'; readonly because: string }
  | { readonly kind: 'invalid'; readonly because: string };

export class FieldGuards {
  readonly #types: readonly FieldType[];
  readonly #names: readonly string[];
  readonly #schemas: readonly (StandardSchemaV1 | undefined)[];

  constructor(plan: StagePlan, definition: ServiceDefinition) {
    this.#types = plan.fields.map(({ type }) => type);
    this.#names = plan.fields.map(({ name }) => name);
    const schemas = plan.fields.some(({ guard }) => guard === 'validated') ? schemasOf(definition, '') : NO_SCHEMAS;
    this.#schemas = plan.fields.map(({ name }) => schemas.get(name));
  }

  /** What is wrong with a value for the plan's field `index`; undefined where nothing is. */
  objection(index: number, value: unknown): FieldObjection | undefined {
    const type = this.#types[index] as FieldType;
    if (!isOf(type, value)) {
      return { kind: 'other-type', because: `it is ${nameOf(value)}, and the field is declared as ${type}` };
    }
    if (typeof value !== 'number' && typeof value !== 'boolean') {
      const obstacle = findObstacle(value, this.#names[index] as string); // F1
      if (obstacle !== undefined) return { kind: 'obstacle', ...obstacle };
    }
    const schema = this.#schemas[index];
    return schema === undefined ? undefined : refusalOf(schema, value);
  }
}

const NO_SCHEMAS: ReadonlyMap<string, StandardSchemaV1> = new Map();

/** By field, delegates' fields with the path before their names. */
function schemasOf(definition: ServiceDefinition, prefix: string): Map<string, StandardSchemaV1> {
  const schemas = new Map<string, StandardSchemaV1>();
  for (const { name, validate } of definition.fields()) {
    if (validate !== undefined) schemas.set(prefix + name, validate);
  }
  for (const delegate of definition.delegates) {
    for (const entry of schemasOf(delegate.definition(), `${prefix}${delegate.name}.`)) schemas.set(...entry);
  }
  return schemas;
}

function refusalOf(schema: StandardSchemaV1, value: unknown): FieldObjection | undefined {
  try {
    const result = schema['~standard'].validate(value);
    if (result instanceof Promise) {
      result.catch(() => undefined);
      return { kind: 'invalid', because: 'its validator validates asynchronously, and a snapshot is of one instant' };
    }
    if (result.issues === undefined) return undefined;
    const because = result.issues.map(({ message }) => message).join('; ');
    return { kind: 'invalid', because: because || 'its validator refuses it' };
  } catch (error) {
    // It threw, or what it answered is no verdict.
    return { kind: 'invalid', because: `its validator failed: ${messageOfThrown(error)}` };
  }
}

/** Whether a value may be in a field of a type. "Nothing" may be in any: an optional field is written with its type alone. */
function isOf(type: FieldType, value: unknown): boolean {
  if (value === undefined || value === null) return true;
  switch (type) {
    case 'data':
      return true;
    case 'date':
      return value instanceof Date;
    case 'array':
      return Array.isArray(value);
    case 'map':
      return value instanceof Map;
    case 'set':
      return value instanceof Set;
    case 'bytes':
      return value instanceof Uint8Array;
    default:
      return typeof value === type;
  }
}

function nameOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`;
  return Object.getPrototypeOf(value) === Object.prototype ? 'a plain object' : instanceName(value);
}
