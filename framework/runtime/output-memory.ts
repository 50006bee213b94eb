// Memory for the output of one run of a stage, which is used again once the client has what was written from it.
//
//   O1. What has been lent is the stage's own until it has been written to its end, part behind part.
//   O2. Then it is the connection's, until the client has acknowledged all that had been written by then.
//   O3. It is never lent to another run: what it still holds is what this client has already received, or zeros.
//   O4. What is written in another way, a part twice or once more after the end, is never lent again.
//
// The block that came back last is lent first: it is the one that the processor's caches still hold.

interface Block {
  readonly bytes: Uint8Array;
  /** Of `bytes`, from their beginning, what was lent. */
  length: number;
  /** Of that, from its beginning, what has been written. */
  writtenLength: number;
  /** Where the last byte written from it ends, among all that this run has written. */
  endOffset: number;
  state: 'lent' | 'written' | 'free' | 'given-up';
}

export class OutputMemory {
  /** A block that was lent and forgotten is nobody's. */
  readonly #blocks = new WeakMap<ArrayBufferLike, Block>();
  /** The oldest first. */
  #written: Block[] = [];
  #free: Block[] = [];
  #writtenLength = 0;

  /** `unacknowledgedLength`: bytes of the whole stream that were written and the client may not have. */
  lend(length: number, unacknowledgedLength: number): Uint8Array {
    this.#takeBack(this.#writtenLength - unacknowledgedLength);
    const block = this.#takeFree(length) ?? this.#newBlock(length);
    block.state = 'lent';
    block.length = length;
    block.writtenLength = 0;
    return block.bytes.subarray(0, length);
  }

  #takeBack(acknowledgedOffset: number): void {
    while ((this.#written[0]?.endOffset ?? Infinity) <= acknowledgedOffset) {
      const block = this.#written.shift();
      if (block?.state !== 'written') continue;
      block.state = 'free';
      this.#free.push(block);
    }
  }

  #takeFree(length: number): Block | undefined {
    this.#free = this.#free.filter(({ state }) => state === 'free');
    const index = this.#free.findLastIndex(({ bytes }) => bytes.length >= length);
    return index < 0 ? undefined : this.#free.splice(index, 1)[0];
  }

  #newBlock(length: number): Block {
    const bytes = new Uint8Array(length);
    const block: Block = { bytes, length, writtenLength: 0, endOffset: 0, state: 'lent' };
    this.#blocks.set(bytes.buffer, block);
    return block;
  }

  /** `bytes`, of whatever memory, have been given to the connection. */
  wrote(bytes: Uint8Array): void {
    this.#writtenLength += bytes.length;
    const block = this.#blocks.get(bytes.buffer);
    if (block === undefined) return;
    if (block.state !== 'lent' || bytes.byteOffset !== block.writtenLength) {
      block.state = 'given-up'; // O4
      return;
    }
    block.writtenLength += bytes.length;
    if (block.writtenLength < block.length) return;
    block.state = 'written';
    block.endOffset = this.#writtenLength;
    this.#written.push(block);
  }
}
