// 32-bit TCP sequence numbers (RFC 9293 section 3.4): arithmetic modulo 2^32, comparison within half the space.

export type Sequence = number;

/** `sequence + length`, modulo 2^32. */
export function addSequence(sequence: Sequence, length: number): Sequence {
  return (sequence + length) >>> 0; // exact for whole stream offsets: the sum stays below 2^53
}
