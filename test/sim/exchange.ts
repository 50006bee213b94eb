// What one connection carries: a plan, and the bytes that both sides must see, whatever happens to the connection.
//
// Every byte is a pure function of the plan, so that each side can check what it reads against its offset alone. The
// client's stream begins with a header that tells the server its part; both ends know the rest from the plan.

export type ExchangeKind = 'file' | 'duplex' | 'calculator';

export interface Exchange {
  /**
   * file        the server sends `outputLength` bytes and ends, whatever the client sends
   * duplex      the server sends `outputLength` bytes, then a digest of all input once that has ended, and ends
   * calculator  the server answers each request with a function of it and of all before, and ends after the client
   */
  readonly kind: ExchangeKind;
  readonly seed: number;
  readonly outputLength: number;
  /** What the client sends behind the header; requests count whole. */
  readonly inputLength: number;
}

export const HEADER_LENGTH = 12;
const KINDS: readonly ExchangeKind[] = ['file', 'duplex', 'calculator'];
const DIGEST_LENGTH = 4;

/** The streams' whole content. */
export interface Content {
  readonly input: Uint8Array;
  readonly output: Uint8Array;
}

export function encodeHeader({ kind, seed, outputLength }: Exchange): Uint8Array {
  const bytes = new Uint8Array(HEADER_LENGTH);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, KINDS.indexOf(kind));
  view.setUint32(4, seed);
  view.setUint32(8, outputLength);
  return bytes;
}

export function decodeHeader(bytes: Uint8Array): Omit<Exchange, 'inputLength'> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_LENGTH);
  const kind = KINDS[view.getUint32(0)];
  if (kind === undefined) throw new Error('the header that the server reads is not the one that was sent');
  return { kind, seed: view.getUint32(4), outputLength: view.getUint32(8) };
}

/** Bytes [offset, offset + length) of the stream that `seed` stands for. */
export function streamBytes(seed: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const salt = Math.imul(seed, 0x85ebca6b);
  for (let index = 0; index < length; index++) {
    let mixed = Math.imul(offset + index + 1, 0x9e3779b1) ^ salt;
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
    bytes[index] = mixed >>> 24;
  }
  return bytes;
}

/** A running digest (FNV-1a). */
export function digestOf(digest: number, bytes: Uint8Array): number {
  for (const byte of bytes) digest = Math.imul(digest ^ byte, 0x01000193);
  return digest >>> 0;
}

export const EMPTY_DIGEST = 0x811c9dc5;

export function encodeDigest(digest: number): Uint8Array {
  const bytes = new Uint8Array(DIGEST_LENGTH);
  new DataView(bytes.buffer).setUint32(0, digest);
  return bytes;
}

/** The calculator's answer to a request, given the digest of all requests up to and with it. */
export function answerTo(request: Uint8Array, digest: number): Uint8Array {
  return streamBytes(digest, 0, 1 + (((digest ^ request.length) >>> 0) % 97));
}

/** The client's bytes behind the header. A calculator's are requests: a length byte and so many bytes. */
function bodyOf({ kind, seed, inputLength }: Exchange): Uint8Array {
  const bytes = streamBytes(seed ^ 0x5eed, 0, inputLength);
  if (kind !== 'calculator') return bytes;
  let offset = 0;
  while (offset < inputLength) {
    const length = Math.min((bytes[offset] ?? 0) % 120, inputLength - offset - 1);
    bytes[offset] = length;
    offset += 1 + length;
  }
  return bytes;
}

/** How much a calculator has answered once it has taken `inputOffset` bytes. */
export function answeredLength(exchange: Exchange, inputOffset: number): number {
  let length = 0;
  for (const { endOffset, answer } of answersTo(exchange)) {
    if (endOffset > inputOffset) break;
    length += answer.length;
  }
  return length;
}

interface Answer {
  /** Of the request in the client's stream. */
  readonly endOffset: number;
  readonly answer: Uint8Array;
}

function* answersTo(exchange: Exchange): Generator<Answer> {
  const body = bodyOf(exchange);
  let digest = EMPTY_DIGEST;
  for (let offset = 0; offset < body.length;) {
    const request = body.subarray(offset, offset + 1 + (body[offset] ?? 0));
    digest = digestOf(digest, request);
    offset += request.length;
    yield { endOffset: HEADER_LENGTH + offset, answer: answerTo(request, digest) };
  }
}

export function contentOf(exchange: Exchange): Content {
  const { kind, seed, outputLength } = exchange;
  const body = bodyOf(exchange);
  const input = Buffer.concat([encodeHeader(exchange), body]);
  if (kind === 'calculator')
    return { input, output: Buffer.concat(Array.from(answersTo(exchange), ({ answer }) => answer)) };
  const file = streamBytes(seed, 0, outputLength);
  if (kind === 'file') return { input, output: file };
  return { input, output: Buffer.concat([file, encodeDigest(digestOf(EMPTY_DIGEST, body))]) };
}
