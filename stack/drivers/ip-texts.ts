// IP addresses as the stack has them, texts, and as packets have them, bytes: remembered, since each packet has two.

import { bytesToIp, ipToBytes } from '../wire/address.js';

/** Texts, and bytes, at most; beyond it all are forgotten, and found out again. */
const MAX_REMEMBERED_COUNT = 16_384;

export class IpTexts {
  readonly #bytes = new Map<string, Uint8Array>();
  readonly #v4Texts = new Map<number, string>();
  readonly #v6Texts = new Map<string, string>();

  /** The text must be an address. */
  bytesOf(text: string): Uint8Array {
    const known = this.#bytes.get(text);
    if (known !== undefined) return known;
    const bytes = ipToBytes(text);
    if (bytes === undefined) throw new RangeError(`'${text}' is not an IP address`);
    return remember(this.#bytes, text, bytes);
  }

  /** Of 4 or 16 bytes. */
  textOf(bytes: Uint8Array): string {
    const [a = 0, b = 0, c = 0, d = 0] = bytes;
    if (bytes.length === 4) {
      const key = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
      return this.#v4Texts.get(key) ?? remember(this.#v4Texts, key, bytesToIp(bytes));
    }
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    return this.#v6Texts.get(key) ?? remember(this.#v6Texts, key, bytesToIp(bytes));
  }
}

function remember<Key, Value>(map: Map<Key, Value>, key: Key, value: Value): Value {
  if (map.size >= MAX_REMEMBERED_COUNT) map.clear();
  map.set(key, value);
  return value;
}
