// The files: the only place that touches the disk. Everything below one directory, and nothing outside of it.
//
//   F1. A path is resolved, links followed, before it is opened; what lies outside the root is missing, whatever the reason.
//   F2. Only regular files are read: no directory, device or FIFO, which could block or never end.
//   F3. An open file has one version: size and time of modification. It is compared when the file is opened, and by `check`
//       once all has been read, so that no client takes a mixture of two versions for a file. (A comparison for each read
//       was measured to cost a fifth of the throughput.)

import { constants } from 'node:fs';
import { open, readFile, realpath, stat, type FileHandle } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** What makes two copies of a file the same file, at whatever member. */
export interface FileVersion {
  readonly size: number;
  /** Whole milliseconds since 1970: copying tools and file systems keep no more in common. */
  readonly modifiedMs: number;
}

export type FoundEntry =
  | { readonly kind: 'file'; readonly path: string; readonly version: FileVersion }
  | { readonly kind: 'directory' }
  /** Not there, outside the root, or neither file nor directory. */
  | { readonly kind: 'missing' }
  /** There, but this process may not read it. */
  | { readonly kind: 'forbidden' };

/** The file is no longer, or not at this member, what the client was promised; the response can't be finished. */
export class FileChanged extends Error {
  override readonly name = 'FileChanged';
  readonly code = 'ERR_FILE_CHANGED';

  constructor(
    /** Relative to the root. */
    readonly path: string,
    detail: string,
  ) {
    super(`'${path}' is not the file that the response began with: ${detail}`);
  }
}

/** Codes of the operating system that say: no such file. */
const MISSING = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'EISDIR', 'ENXIO', 'EINVAL']);
const FORBIDDEN = new Set(['EACCES', 'EPERM']);

/** F2: a link that was put there meanwhile is not followed, and a FIFO doesn't wait for its writer. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export class FileStore {
  readonly #root: string;

  /** @internal `root` is resolved already: stores come from `FileStore.at`. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Rejects with the system's error where `directory` can't be resolved, and with ENOTDIR where it is none. */
  static async at(directory: string): Promise<FileStore> {
    const root = await realpath(directory);
    if (!(await stat(root)).isDirectory()) {
      throw Object.assign(new Error('it is not a directory'), { code: 'ENOTDIR' });
    }
    return new FileStore(root);
  }

  /** `path` is relative to the root, with '/' between names. Rejects only for faults of this machine (EMFILE, EIO). */
  async find(path: string): Promise<FoundEntry> {
    try {
      const resolved = await this.#resolve(path);
      if (resolved === undefined) return { kind: 'missing' };
      const found = await stat(resolved);
      if (found.isDirectory()) return { kind: 'directory' };
      return found.isFile() ? { kind: 'file', path, version: versionOf(found) } : { kind: 'missing' };
    } catch (error) {
      return { kind: excuse(error) };
    }
  }

  /** Opens what `find` has found, here or at another member. Rejects with `FileChanged` (F3). */
  async open(path: string, version: FileVersion): Promise<OpenFile> {
    let handle: FileHandle;
    try {
      const resolved = await this.#resolve(path);
      if (resolved === undefined) throw new FileChanged(path, 'it is not there any more');
      handle = await open(resolved, OPEN_FLAGS);
    } catch (error) {
      if (error instanceof FileChanged) throw error;
      throw new FileChanged(path, `it can't be opened (${excuse(error)})`);
    }
    const file = new DiskFile(path, handle, version);
    try {
      await file.check();
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** F1; undefined for a path that leads out. */
  async #resolve(path: string): Promise<string | undefined> {
    const resolved = await realpath(join(this.#root, path));
    const inside = this.#root.endsWith(sep) ? this.#root : this.#root + sep;
    return resolved === this.#root || resolved.startsWith(inside) ? resolved : undefined;
  }
}

/** One version of a file, open for reading. `close` it, whatever happens. */
export interface OpenFile {
  /** Fills `bytes` with what begins at `offset`. Rejects with `FileChanged` where there is less. */
  read(offset: number, bytes: Uint8Array): Promise<void>;
  /** Rejects with `FileChanged` where the file is of another version by now (F3). */
  check(): Promise<void>;
  close(): Promise<void>;
}

class DiskFile implements OpenFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #version: FileVersion;

  constructor(path: string, handle: FileHandle, version: FileVersion) {
    this.#path = path;
    this.#handle = handle;
    this.#version = version;
  }

  async read(offset: number, bytes: Uint8Array): Promise<void> {
    for (let filled = 0; filled < bytes.length;) {
      const { bytesRead } = await this.#handle.read(bytes, filled, bytes.length - filled, offset + filled);
      if (bytesRead === 0) throw new FileChanged(this.#path, `it ends at ${offset + filled} bytes`);
      filled += bytesRead;
    }
  }

  async check(): Promise<void> {
    const found = await this.#handle.stat();
    if (!found.isFile()) throw new FileChanged(this.#path, 'it is no regular file'); // F2
    const { size, modifiedMs } = versionOf(found);
    if (size === this.#version.size && modifiedMs === this.#version.modifiedMs) return;
    throw new FileChanged(this.#path, `${describe({ size, modifiedMs })}, not ${describe(this.#version)}`);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** A small file of the server's own, such as a key. Rejects with the system's error. */
export function readText(name: string): Promise<string> {
  return readFile(name, 'utf8');
}

function versionOf(found: { readonly size: number; readonly mtimeMs: number }): FileVersion {
  return { size: found.size, modifiedMs: Math.floor(found.mtimeMs) };
}

function describe({ size, modifiedMs }: FileVersion): string {
  return `${size} bytes of ${new Date(modifiedMs).toISOString()}`;
}

function excuse(error: unknown): 'missing' | 'forbidden' {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (MISSING.has(code)) return 'missing';
  if (FORBIDDEN.has(code)) return 'forbidden';
  throw error;
}
