// Bytes for streams: recognisable at every position, so that a lost, doubled or swapped byte shows.

import type { Readable } from 'node:stream';

/** `length` bytes without a short period; those of another `salt` differ. */
export function pattern(length: number, salt = 0): Buffer {
  const bytes = Buffer.alloc(length);
  let state = (salt * 2_654_435_761 + 12_345) >>> 0;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

/** All that is still to come from a stream, which can still be written to afterwards. */
export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Exactly `length` bytes; what came behind them goes back into the stream. Fewer where it ends before. */
export async function readExactly(stream: Readable, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let missing = length;
  while (missing > 0) {
    const chunk = (stream.read(Math.min(missing, stream.readableLength)) ?? stream.read()) as Buffer | null;
    if (chunk === null) {
      if (stream.readableEnded || stream.destroyed) break;
      await new Promise<void>((resolve) => {
        const proceed = (): void => {
          for (const event of ['readable', 'end', 'close']) stream.off(event, proceed);
          resolve();
        };
        for (const event of ['readable', 'end', 'close']) stream.on(event, proceed);
      });
      continue;
    }
    const taken = chunk.subarray(0, missing);
    if (chunk.length > missing) stream.unshift(chunk.subarray(missing));
    chunks.push(taken);
    missing -= taken.length;
  }
  return Buffer.concat(chunks);
}
