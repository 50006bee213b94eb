// What can travel in a snapshot, and how it is encoded.
//
// The codec is MessagePack with the structured-clone extensions. It would quietly turn functions into undefined, promises
// into {} and class instances into plain objects, so values are looked through first: what can't come back as it was is
// found before it leaves. Plain data, arrays, Map, Set, Date, bytes and cycles travel; -0 comes back as 0.

import { Packr } from 'msgpackr';
import type { FieldConstructor } from './definition.js';
import type { FieldType } from './plan.js';

// Shared record structures would have to be known to the other process: never set `structures` here.
const codec = new Packr({
  structuredClone: true,
  mapsAsObjects: false,
  useRecords: true,
  moreTypes: true,
  int64AsType: 'bigint',
  copyBuffers: true,
});

const FIELD_TYPES = new Map<unknown, FieldType>([
  [String, 'string'],
  [Number, 'number'],
  [Boolean, 'boolean'],
  [BigInt, 'bigint'],
  [Date, 'date'],
  [Array, 'array'],
  [Map, 'map'],
  [Set, 'set'],
  [Uint8Array, 'bytes'],
  [Buffer, 'bytes'],
  [Object, 'data'],
]);

/** What a written type means for the codec, or why values of it can't travel. */
export function fieldTypeOf(
  written: FieldConstructor,
): { readonly kind: 'travels'; readonly type: FieldType } | { readonly kind: 'stays'; readonly because: string } {
  const type = FIELD_TYPES.get(written);
  if (type !== undefined) return { kind: 'travels', type };
  if ((written as unknown) === Function) return { kind: 'stays', because: 'a function has no data to send' };
  if ((written as unknown) === Promise) return { kind: 'stays', because: 'a promise is tied to this process' };
  if ((written as unknown) === Symbol) return { kind: 'stays', because: 'a symbol has no equal in another process' };
  if (isResource(written)) return { kind: 'stays', because: `a ${written.name} is a resource of this process` };
  return {
    kind: 'stays',
    because: `an instance of ${written.name} would arrive as a plain object without its methods`,
  };
}

/** Sockets, streams, servers, readers: whatever emits events or can be awaited, closed or aborted. */
function isResource(written: FieldConstructor): boolean {
  const prototype: unknown = written.prototype;
  if (typeof prototype !== 'object' || prototype === null) return false;
  return ['on', 'addEventListener', 'then', 'getReader', 'getWriter', 'pipe'].some((name) => name in prototype);
}

export interface Obstacle {
  /** Leads to the value from the field: `filters[2].test`. */
  readonly path: string;
  readonly found: string;
}

/** The first value in `value` that would not come back as it is; undefined when all of it can travel. */
export function findObstacle(value: unknown, path: string): Obstacle | undefined {
  return typeof value === 'object' && value !== null ? lookInside(value, path, new Set()) : lookAt(value, path);
}

function lookAt(value: unknown, path: string): Obstacle | undefined {
  if (typeof value === 'string' && HALF_A_PAIR.test(value))
    return { path, found: 'a string with half a surrogate pair' };
  if (typeof value === 'function' || typeof value === 'symbol') return { path, found: `a ${typeof value}` };
  return undefined;
}

function lookInside(value: object, path: string, seen: Set<object>): Obstacle | undefined {
  if (seen.has(value)) return undefined;
  seen.add(value);
  const inside = membersOf(value);
  if (inside.kind === 'obstacle') return { path, found: inside.found };
  for (const [step, member] of inside.members) {
    const deeper = typeof member === 'object' && member !== null;
    const obstacle = deeper ? lookInside(member, path + step, seen) : lookAt(member, path + step);
    if (obstacle !== undefined) return obstacle;
  }
  return undefined;
}

const HALF_A_PAIR = /\p{Surrogate}/u;

type Inside =
  | { readonly kind: 'members'; readonly members: readonly (readonly [step: string, value: unknown])[] }
  | { readonly kind: 'obstacle'; readonly found: string };

const NOTHING_INSIDE: Inside = { kind: 'members', members: [] };

function membersOf(value: object): Inside {
  switch (Object.getPrototypeOf(value)) {
    case Date.prototype:
    case Uint8Array.prototype:
    case Buffer.prototype:
      return NOTHING_INSIDE;
    case Array.prototype:
      return members((value as unknown[]).map((item, index) => [`[${index}]`, item]));
    case Set.prototype:
      return members([...(value as Set<unknown>)].map((item, index) => [`{${index}}`, item]));
    case Map.prototype:
      return members(
        [...(value as Map<unknown, unknown>)].flatMap(([key, item], index) => [
          [`{key ${index}}`, key],
          [`{${index}}`, item],
        ]),
      );
    case Object.prototype:
    case null:
      return membersOfPlainObject(value);
    default:
      return { kind: 'obstacle', found: `an instance of ${value.constructor.name}` };
  }
}

function membersOfPlainObject(value: object): Inside {
  if (Object.hasOwn(value, '__proto__')) return { kind: 'obstacle', found: "an object with a key '__proto__'" };
  if (Object.getOwnPropertySymbols(value).length > 0)
    return { kind: 'obstacle', found: 'an object with a symbol as key' };
  return members(Object.entries(value).map(([key, item]) => [`.${key}`, item]));
}

function members(list: readonly (readonly [string, unknown])[]): Inside {
  return { kind: 'members', members: list };
}

/** Bytes that no later call writes to. */
export function encodeValue(value: unknown): Uint8Array {
  return codec.pack(value);
}

/** Throws for bytes that are not an encoded value. */
export function decodeValue(bytes: Uint8Array): unknown {
  // Bytes come back in the class of what they are cut from: a Buffer has to be one again.
  return codec.unpack(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)) as unknown;
}
