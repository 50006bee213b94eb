// The file that is downloaded: random bytes made for the occasion, or one of the caller's own.

import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream, linkSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { RANDOM_FILE_LENGTH } from './config.js';
import { UsageError } from './failure.js';

export interface OfferedFile {
  readonly kind: 'random' | 'given';
  /** The folder that the members serve, and the file's name in it. */
  readonly root: string;
  readonly name: string;
  readonly length: number;
}

const CHUNK_LENGTH = 4 * 1024 * 1024;

/** Throws `UsageError` for what is no readable file with something in it. */
export function checkGivenFile(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new UsageError(`${path}: no such file`);
  if (!stats.isFile()) throw new UsageError(`${path}: not a file`);
  if (stats.size === 0) throw new UsageError(`${path}: an empty file gives nothing to move`);
}

/** A file in a folder of its own: the members need not serve what lies beside it. */
export function offerGivenFile(folder: string, path: string): OfferedFile {
  const source = realpathSync(path);
  const { size: length } = statSync(source);
  const root = makeRoot(folder);
  try {
    linkSync(source, join(root, 'file'));
    return { kind: 'given', root, name: 'file', length };
  } catch {
    // On another disk, or somebody else's: then where it is.
    return { kind: 'given', root: dirname(source), name: basename(source), length };
  }
}

export async function makeRandomFile(folder: string): Promise<OfferedFile> {
  const root = makeRoot(folder);
  const name = 'random-bytes';
  const file = await open(join(root, name), 'wx', 0o600);
  try {
    const chunk = Buffer.alloc(CHUNK_LENGTH);
    for (let length = 0; length < RANDOM_FILE_LENGTH; length += CHUNK_LENGTH) {
      await file.write(randomFillSync(chunk));
      // Ctrl-C gets its turn.
      await setImmediate();
    }
  } finally {
    await file.close();
  }
  return { kind: 'random', root, name, length: RANDOM_FILE_LENGTH };
}

/** SHA-256 of the file as it is on the disk, in hexadecimal. */
export async function hashFile({ root, name }: OfferedFile): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(join(root, name), { highWaterMark: CHUNK_LENGTH }))
    hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function makeRoot(folder: string): string {
  const root = join(folder, 'served');
  mkdirSync(root, { mode: 0o700 });
  return root;
}
