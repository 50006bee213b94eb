// 32-bit TCP sequence numbers (RFC 9293 section 3.4): arithmetic modulo 2^32, comparison within half the space.

export type Sequence = number;

/** `sequence + length`, modulo 2^32. */
export function addSequence(sequence: Sequence, length: number): Sequence {
  // A remainder instead of `>>> 0` on the sum alone: stream offsets may exceed 2^32.
  return (((sequence + (length % 2 ** 32)) % 2 ** 32) + 2 ** 32) % 2 ** 32;
}
