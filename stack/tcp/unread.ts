// What has arrived in order and is unread: chunks, as a rule views of the segments that brought them.
//
// The window bounds the bytes. But a chunk costs more than its bytes, and a view keeps the whole datagram that it lies in:
// small ones that have to wait are gathered in a buffer, so that the window bounds the chunks too, and all that it promises
// is taken (RFC 9293 section 3.8.6).
//   C1. Nothing is written but behind what the last chunk shows: a chunk never changes, whoever has been shown it.
//   C2. Of two chunks in a row one at most is small: there are at most two for every `SMALL_LENGTH` bytes.
//   C3. Only the last chunk has room behind it, and once all is read nothing is kept.

import type { ReceiveState } from './state.js';

/** What is shorter is small. */
const SMALL_LENGTH = 512;
const GATHERED_LENGTH = 4096;
const COMPACT_COUNT = 256;
const RELEASED = new Uint8Array(0);

/** Takes a view; whoever has it must leave its bytes alone from now on. */
export function appendUnread(receive: ReceiveState, bytes: Uint8Array): void {
  const { chunks } = receive;
  const last = chunks.length > receive.chunkHead ? chunks.at(-1) : undefined;
  if (last !== undefined && joins(receive, last, bytes)) {
    gather(receive, last, bytes);
    return;
  }
  if (last !== undefined && receive.gathering !== undefined) {
    chunks[chunks.length - 1] = last.slice(); // C3
    receive.gathering = undefined;
  }
  chunks.push(bytes);
}

function joins({ gathering }: ReceiveState, last: Uint8Array, bytes: Uint8Array): boolean {
  if (bytes.length >= SMALL_LENGTH || last.length + bytes.length > GATHERED_LENGTH) return false;
  return gathering !== undefined || last.length < SMALL_LENGTH;
}

/** Makes one of the last chunk and `bytes`. */
function gather(receive: ReceiveState, last: Uint8Array, bytes: Uint8Array): void {
  const length = last.length + bytes.length;
  let buffer = receive.gathering;
  if (buffer === undefined || buffer.length < length) {
    buffer = new Uint8Array(Math.min(2 * length, GATHERED_LENGTH));
    buffer.set(last);
    receive.gathering = buffer;
  }
  buffer.set(bytes, last.length); // C1
  receive.chunks[receive.chunks.length - 1] = buffer.subarray(0, length);
}

/** The next chunk, which is unread no longer; undefined where there is none. */
export function takeUnread(receive: ReceiveState): Uint8Array | undefined {
  const chunk = receive.chunks[receive.chunkHead];
  if (chunk === undefined) return undefined;
  receive.chunks[receive.chunkHead++] = RELEASED;
  if (receive.chunkHead === receive.chunks.length) {
    receive.chunks = []; // cheaper than to shorten it
    receive.chunkHead = 0;
    receive.gathering = undefined; // C3
  } else if (receive.chunkHead >= COMPACT_COUNT && receive.chunkHead * 2 >= receive.chunks.length) {
    receive.chunks.splice(0, receive.chunkHead);
    receive.chunkHead = 0;
  }
  return chunk;
}

export function hasUnread({ chunks, chunkHead }: ReceiveState): boolean {
  return chunkHead < chunks.length;
}

/** All that is unread, which it stays. */
export function showUnread({ chunks, chunkHead }: ReceiveState): readonly Uint8Array[] {
  return chunks.slice(chunkHead);
}
