// Reading and writing big-endian fields in a byte array.
//
// A reader never throws out of range: it remembers that it ran short, answers zeros, and the caller asks `ok` once at the
// end. So a parser reads as a list of fields, and truncation at any byte is one typed outcome.

const EMPTY = new Uint8Array(0);

/** Reads fields from `bytes`; after any read past the end `ok` is false and every later read answers zero. */
export class Reader {
  #offset = 0;
  #short = false;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get ok(): boolean {
    return !this.#short;
  }

  get remaining(): number {
    return this.#short ? 0 : this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#advance(1) ? this.#view.getUint8(this.#offset - 1) : 0;
  }

  u16(): number {
    return this.#advance(2) ? this.#view.getUint16(this.#offset - 2) : 0;
  }

  u32(): number {
    return this.#advance(4) ? this.#view.getUint32(this.#offset - 4) : 0;
  }

  /** A stream offset: 48 bits, so that it always fits a JavaScript integer. */
  u48(): number {
    return this.#advance(6)
      ? this.#view.getUint16(this.#offset - 6) * 2 ** 32 + this.#view.getUint32(this.#offset - 4)
      : 0;
  }

  /** `length` bytes as a view of the input, not a copy. */
  bytes(length: number): Uint8Array {
    return this.#advance(length) ? this.#bytes.subarray(this.#offset - length, this.#offset) : EMPTY;
  }

  /** A byte string that is preceded by its length as a 32-bit number; refuses more than `maxLength` bytes. */
  sized(maxLength: number): Uint8Array {
    const length = this.u32();
    if (length > maxLength) this.#short = true;
    return this.bytes(length);
  }

  #advance(length: number): boolean {
    if (this.#short || this.#offset + length > this.#bytes.length) {
      this.#short = true;
      return false;
    }
    this.#offset += length;
    return true;
  }
}

/** Writes fields into a buffer that grows. */
export class Writer {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(expectedLength = 64) {
    this.#bytes = new Uint8Array(expectedLength);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value);
    return this;
  }

  u48(value: number): this {
    const at = this.#grow(6);
    this.#view.setUint16(at, Math.floor(value / 2 ** 32));
    this.#view.setUint32(at + 2, value % 2 ** 32);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  sized(value: Uint8Array): this {
    return this.u32(value.length).bytes(value);
  }

  /** What has been written, as a view of the writer's buffer. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(by: number): number {
    const at = this.#length;
    this.#length += by;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}
