// What the servers of the benchmarks send: as many bytes as were asked for, in chunks that tell their position.
//
// The request is the length in 8 bytes. Every chunk begins with its index, so that the receiver notices at no cost when a
// byte is lost or doubled: a benchmark of a stack that delivers the wrong bytes says nothing.

import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

const CHUNK_LENGTH = 64 * 1024;
export const REQUEST_LENGTH = 8;

export function encodeRequest(length: number): Buffer {
  const request = Buffer.alloc(REQUEST_LENGTH);
  request.writeDoubleBE(length);
  return request;
}

export function decodeRequest(request: Buffer): number {
  return request.readDoubleBE(0);
}

/** What is sent at an offset of a download of so many bytes. */
export function chunkAt(offset: number, length: number): Buffer {
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK_LENGTH, length - offset));
  chunk.writeUInt32BE(offset / CHUNK_LENGTH);
  return chunk;
}

/** Writes [offset, length) with back-pressure and ends the stream; `written` is called after each chunk with the new offset. */
export function sendDownload(
  stream: Writable,
  offset: number,
  length: number,
  written?: (offset: number) => void,
): void {
  const proceed = (): void => {
    while (!stream.destroyed && offset < length) {
      const chunk = chunkAt(offset, length);
      const isReady = stream.write(chunk);
      offset += chunk.length;
      written?.(offset);
      if (!isReady) {
        stream.once('drain', proceed);
        return;
      }
    }
    if (!stream.destroyed) stream.end();
  };
  proceed();
}

/** Follows what arrives; throws at the first chunk that is not where it belongs. */
export class DownloadCheck {
  #length = 0;

  get length(): number {
    return this.#length;
  }

  take(bytes: Buffer): void {
    let next = Math.ceil(this.#length / CHUNK_LENGTH) * CHUNK_LENGTH;
    for (; next + 4 <= this.#length + bytes.length; next += CHUNK_LENGTH) {
      const index = bytes.readUInt32BE(next - this.#length);
      if (index !== next / CHUNK_LENGTH) throw new Error(`chunk ${index} came at offset ${next}`);
    }
    this.#length += bytes.length;
  }
}

/** Gbit/s from the request to the last byte, connecting included. Rejects where other bytes came than were asked for. */
export async function timedDownload(length: number, open: () => Promise<Readable>): Promise<number> {
  const startedAt = performance.now();
  const stream = await open();
  const check = new DownloadCheck();
  stream.on('data', (bytes: Buffer) => check.take(bytes));
  await once(stream, 'end');
  const elapsedMs = performance.now() - startedAt;
  if (check.length !== length) throw new Error(`${check.length} bytes came instead of ${length}`);
  return (check.length * 8) / elapsedMs / 1e6;
}
