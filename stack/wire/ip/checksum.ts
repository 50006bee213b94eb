// The Internet checksum (RFC 1071): the ones' complement sum of 16-bit words, over pieces that may begin anywhere.
//
// The sum does not care in which byte order it is taken, as long as the result is swapped once at the end: so the bulk is
// read as 32-bit words of the machine, several times as fast as byte by byte. It is only needed where no offload does it.

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
/** Below this a view costs more than it saves. */
const MIN_WORDS_LENGTH = 64;

/**
 * Adds `bytes` to a sum that stands before them; `position` is where they begin in all that is summed up, and only whether it
 * is odd matters. The answer is at most 16 bits long.
 */
export function addToSum(sum: number, bytes: Uint8Array, position: number): number {
  const own = bytes.length < MIN_WORDS_LENGTH ? sumOfBytes(bytes, 0, bytes.length) : sumOfWords(bytes);
  return fold(sum + (position % 2 === 0 ? own : swap(own)));
}

/** The checksum field for a sum; also zero for a sum over data whose checksum field is right. */
export function checksumOf(sum: number): number {
  return ~fold(sum) & 0xffff;
}

/** What the pseudo-header of TCP and ICMPv6 adds (RFC 9293 section 3.1, RFC 8200 section 8.1). */
export function pseudoHeaderSum(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  upperLayerLength: number,
): number {
  return fold(
    sumOfBytes(source, 0, source.length) +
      sumOfBytes(destination, 0, destination.length) +
      protocol +
      (upperLayerLength >>> 16) +
      (upperLayerLength & 0xffff),
  );
}

/** The sum of the even and odd bytes in [from, until), as big-endian words; an odd last byte is the high half of its word. */
export function sumOfBytes(bytes: Uint8Array, from: number, until: number): number {
  let sum = 0;
  let at = from;
  for (; at + 1 < until; at += 2) sum += ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  if (at < until) sum += (bytes[at] as number) << 8;
  return fold(sum);
}

function sumOfWords(bytes: Uint8Array): number {
  const lead = (4 - (bytes.byteOffset % 4)) % 4;
  const count = (bytes.length - lead) >> 2;
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + lead, count);
  let sum = 0;
  // 2^21 words before a double could lose a bit; a packet has 2^14.
  for (let index = 0; index < count; index++) sum += words[index] as number;
  const native = fold(sum);
  const middle = IS_LITTLE_ENDIAN ? swap(native) : native;
  const tail = sumOfBytes(bytes, lead + count * 4, bytes.length);
  const rest = middle + tail;
  return fold(sumOfBytes(bytes, 0, lead) + (lead % 2 === 0 ? rest : swap(fold(rest))));
}

function fold(sum: number): number {
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum;
}

function swap(sum: number): number {
  return ((sum & 0xff) << 8) | (sum >>> 8);
}
