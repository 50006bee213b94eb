// Memory for the output of one run of a stage, which is used again once the client has what was written from it.
//
//   O1. What has been lent is the stage's own until as many bytes have been written from it as it has.
//   O2. Then it is the connection's, until the client has acknowledged all that had been written by then.
//   O3. It is never lent to another run: what it still holds is what this client has already received, or zeros.
//
// The block that came back last is lent first: it is the one that the processor's caches still hold.

interface LentBlock {
  readonly bytes: Uint8Array;
  unwrittenLength: number;
}

interface WrittenBlock {
  readonly bytes: Uint8Array;
  /** Where the last byte written from it ends, among all that this run has written. */
  readonly endOffset: number;
}

export class OutputMemory {
  readonly #lent = new Map<ArrayBufferLike, LentBlock>();
  /** The oldest first. */
  #written: WrittenBlock[] = [];
  readonly #free: Uint8Array[] = [];
  #writtenLength = 0;

  /** `unacknowledgedLength`: bytes of the whole stream that were written and the client may not have. */
  lend(length: number, unacknowledgedLength: number): Uint8Array {
    this.#takeBack(this.#writtenLength - unacknowledgedLength);
    const index = this.#free.findLastIndex((block) => block.length >= length);
    const [whole = new Uint8Array(length)] = index < 0 ? [] : this.#free.splice(index, 1);
    this.#lent.set(whole.buffer, { bytes: whole, unwrittenLength: length });
    return whole.subarray(0, length);
  }

  #takeBack(acknowledgedOffset: number): void {
    while ((this.#written[0]?.endOffset ?? Infinity) <= acknowledgedOffset) {
      const block = this.#written.shift();
      if (block !== undefined) this.#free.push(block.bytes);
    }
  }

  /** `bytes`, of whatever memory, have been given to the connection. */
  wrote(bytes: Uint8Array): void {
    this.#writtenLength += bytes.length;
    const lent = this.#lent.get(bytes.buffer);
    if (lent === undefined) return;
    lent.unwrittenLength -= bytes.length;
    if (lent.unwrittenLength > 0) return;
    this.#lent.delete(bytes.buffer);
    this.#written.push({ bytes: lent.bytes, endOffset: this.#writtenLength });
  }
}
