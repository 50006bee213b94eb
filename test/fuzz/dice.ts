// Numbers for the fuzzer: cheap, and the same for the same seed.

export class Dice {
  #state: number;

  constructor(seed: number) {
    // Neighbouring seeds must not begin alike.
    this.#state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ (seed >>> 13)) | 1;
  }

  /** 32 bits (xorshift). */
  bits(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state >>> 0;
  }

  /** A whole number from 0 up to `end`, exclusive. */
  below(end: number): number {
    return this.bits() % end;
  }

  /** True once in `count` times. */
  once(count: number): boolean {
    return this.bits() % count === 0;
  }

  oneOf<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)] as Value;
  }
}
