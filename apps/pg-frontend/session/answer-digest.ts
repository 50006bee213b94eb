// A digest of what a client has been given of an answer, so that a repetition of it can be compared.
//
// Most answers are one piece of some hundred bytes: that one is only kept, and hashed once when somebody asks.

import { createHash, hash, type Hash } from 'node:crypto';

/** Of a SHA-256: two answers that differ have the same one in so many bits once in 2^64 by chance. */
export const DIGEST_LENGTH = 16;

const NOTHING = Buffer.alloc(DIGEST_LENGTH);

export class AnswerDigest {
  #length = 0;
  #first: Buffer | undefined;
  #hash: Hash | undefined;

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  add(piece: Buffer): void {
    this.#length += piece.length;
    if (this.#hash !== undefined) this.#hash.update(piece);
    else if (this.#first === undefined) this.#first = piece;
    else {
      this.#hash = createHash('sha256').update(this.#first).update(piece);
      this.#first = undefined;
    }
  }

  /** Of all so far; more may be added afterwards. */
  value(): Buffer {
    if (this.#hash !== undefined) return this.#hash.copy().digest().subarray(0, DIGEST_LENGTH);
    if (this.#first === undefined) return NOTHING;
    return hash('sha256', this.#first, 'buffer').subarray(0, DIGEST_LENGTH);
  }
}
