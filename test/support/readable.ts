// Any value of a snapshot as JSON that a person can read, and that tells apart all that a snapshot keeps apart.
//
// What JSON lacks is written as an object with one key that begins with `$`. An object that was met before, inside itself
// or elsewhere, is `{ "$same": path of the first }`, so that cycles and sharing are part of what is compared.

/** Of one value, or of an object of fields; paths begin at it, with `$`. */
export function readable(value: unknown): unknown {
  return write(value, '$', new Map());
}

function write(value: unknown, path: string, seen: Map<object, string>): unknown {
  switch (typeof value) {
    case 'undefined':
      return { $undefined: true };
    case 'bigint':
      return { $bigint: String(value) };
    case 'number':
      return Number.isFinite(value) ? value : { $number: String(value) };
    case 'object':
      return value === null ? null : writeObject(value, path, seen);
    case 'string':
    case 'boolean':
      return value;
    default:
      throw new TypeError(`${path} is a ${typeof value}, which no snapshot holds.`);
  }
}

function writeObject(value: object, path: string, seen: Map<object, string>): unknown {
  const first = seen.get(value);
  if (first !== undefined) return { $same: first };
  seen.set(value, path);
  if (value instanceof Date) return { $date: Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString() };
  if (Buffer.isBuffer(value)) return { $buffer: value.toString('hex') };
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map((item, index) => write(item, `${path}[${index}]`, seen));
  if (value instanceof Set) return { $set: [...value].map((item, index) => write(item, `${path}{${index}}`, seen)) };
  if (value instanceof Map) {
    return {
      $map: [...value].map(([key, item], index) => [
        write(key, `${path}{key ${index}}`, seen),
        write(item, `${path}{${index}}`, seen),
      ]),
    };
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) throw new TypeError(`${path} is not plain data.`);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, write(item, `${path}.${key}`, seen)]));
}
