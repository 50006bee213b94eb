// What can travel in a snapshot, and how it is encoded.
//
// The codec is MessagePack with the structured-clone extensions. It would quietly turn functions into undefined, promises
// into {} and class instances into plain objects, so values are looked through first: what can't come back as it was is
// found before it leaves. Plain data, arrays, Map, Set, Date, bytes and cycles travel; -0 comes back as 0.

import { Packr, RESET_BUFFER_MODE, REUSE_BUFFER_MODE } from 'msgpackr';
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

/** Levels of objects inside one another: a value that is read at another depth of the call stack must not overflow it. */
const NESTING_LIMIT = 1_000;

export interface Obstacle {
  /** Leads to the value from the field: `filters[2].test`. */
  readonly path: string;
  readonly found: string;
}

/** The first value in `value` that would not come back as it is; undefined when all of it can travel. */
export function findObstacle(value: unknown, path: string): Obstacle | undefined {
  if (typeof value !== 'object' || value === null) return lookAt(value, path);
  return isLeaf(value) ? undefined : lookInside(value, path, new Set(), 1);
}

/** Whether it has nothing inside that could be an obstacle: most fields of a busy service are bytes. */
function isLeaf(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Buffer.prototype || prototype === Uint8Array.prototype || prototype === Date.prototype;
}

function lookAt(value: unknown, path: string): Obstacle | undefined {
  if (typeof value === 'string' && HALF_A_PAIR.test(value))
    return { path, found: 'a string with half a surrogate pair' };
  if (typeof value === 'function' || typeof value === 'symbol') return { path, found: `a ${typeof value}` };
  return undefined;
}

function lookInside(value: object, path: string, seen: Set<object>, depth: number): Obstacle | undefined {
  if (seen.has(value)) return undefined;
  if (depth > NESTING_LIMIT) return { path, found: `more than ${NESTING_LIMIT} levels deep` };
  seen.add(value);
  if (isLeaf(value)) return undefined;
  const inside = membersOf(value);
  if (inside.kind === 'obstacle') return { path, found: inside.found };
  for (const [step, member] of inside.members) {
    const deeper = typeof member === 'object' && member !== null;
    const obstacle = deeper ? lookInside(member, path + step, seen, depth + 1) : lookAt(member, path + step);
    if (obstacle !== undefined) return obstacle;
  }
  return undefined;
}

const HALF_A_PAIR = /\p{Surrogate}/u;

type Inside =
  | { readonly kind: 'members'; readonly members: readonly (readonly [step: string, value: unknown])[] }
  | { readonly kind: 'obstacle'; readonly found: string };

function membersOf(value: object): Inside {
  switch (Object.getPrototypeOf(value)) {
    case Array.prototype:
      return membersOfArray(value as unknown[]);
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
      return { kind: 'obstacle', found: instanceName(value) };
  }
}

/** "an instance of Socket". */
export function instanceName(value: object): string {
  const type: unknown = Reflect.get(value, 'constructor');
  return typeof type === 'function' && type !== Object ? `an instance of ${type.name}` : 'an object of some class';
}

/** With its elements and nothing else: holes, and names like those of a regular expression's match, don't come back. */
function membersOfArray(value: readonly unknown[]): Inside {
  const keys = Object.keys(value);
  if (keys.length !== value.length || (value.length > 0 && keys.at(-1) !== String(value.length - 1))) {
    return { kind: 'obstacle', found: 'an array with holes, or with properties that have names' };
  }
  return members(value.map((item, index) => [`[${index}]`, item]));
}

function membersOfPlainObject(value: object): Inside {
  if (Object.hasOwn(value, '__proto__')) return { kind: 'obstacle', found: "an object with a key '__proto__'" };
  if (Object.getOwnPropertySymbols(value).length > 0)
    return { kind: 'obstacle', found: 'an object with a symbol as key' };
  const entries = Object.entries(value);
  if (entries.some(([key]) => HALF_A_PAIR.test(key)))
    return { kind: 'obstacle', found: 'an object with half a surrogate pair in a key' };
  return members(entries.map(([key, item]) => [`.${key}`, item]));
}

function members(list: readonly (readonly [string, unknown])[]): Inside {
  return { kind: 'members', members: list };
}

/** Bytes that no later call writes to. */
export function encodeValue(value: unknown): Uint8Array {
  return encodeBetween(NO_BYTES, value, NO_BYTES);
}

export const NO_BYTES = new Uint8Array(0);

/**
 * `head`, the encoded value and `tail`, in memory of their own: a part of a shared slab would keep all of the slab for as
 * long as the connection is idle.
 */
export function encodeBetween(head: Uint8Array, value: unknown, tail: Uint8Array): Uint8Array {
  const packed: Buffer & { start?: number; end?: number } = codec.pack(value, REUSE_BUFFER_MODE | RESET_BUFFER_MODE);
  // The whole working buffer with the two positions; the part itself where ids of shared objects were put in.
  const start = packed.start ?? 0;
  const end = packed.start === undefined ? packed.length : (packed.end ?? 0);
  const bytes = Buffer.allocUnsafeSlow(head.length + end - start + tail.length);
  bytes.set(head, 0);
  packed.copy(bytes, head.length, start, end);
  bytes.set(tail, head.length + end - start);
  return bytes;
}

/** One of the values that follow each other in some bytes, and the offset of the first byte behind it. */
export interface DecodedPart {
  readonly value: unknown;
  readonly end: number;
}

/**
 * The values that follow each other in `bytes`: all of them, or up to the first for which `goesOn` is not what to go on with.
 * Throws for bytes that are not encoded values.
 */
export function decodeParts(
  bytes: Uint8Array,
  verdict: (first: unknown) => 'go-on' | 'enough',
): readonly DecodedPart[] {
  const parts: DecodedPart[] = [];
  // Bytes come back in the class of what they are cut from: a Buffer has to be one again.
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  codec.unpackMultiple(source, (value: unknown, _start?: number, end?: number) => {
    parts.push({ value, end: end ?? 0 });
    return parts.length > 1 || verdict(value) === 'go-on';
  });
  return parts;
}
