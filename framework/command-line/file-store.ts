// Files that the command line names: read, or written whole or not at all.
//
//   F1. Nothing is overwritten unless the caller was told to.
//   F2. What could not be written to its end is removed again.

import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandFailed, describeSystemError } from './failure.js';

/** Readable by the owner only, or by everyone. */
export type Secrecy = 'secret' | 'public';

export interface NamedText {
  readonly path: string;
  readonly text: string;
  readonly secrecy: Secrecy;
}

const MODES: Readonly<Record<Secrecy, number>> = { secret: 0o600, public: 0o644 };

/** Throws `CommandFailed`. */
export function readNamed(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CommandFailed(`${path}: can't be read: ${describeSystemError(error)}`);
  }
}

/** Writes all or none; `existing` says what happens where one of them exists. Throws `CommandFailed`. F1, F2 */
export function writeFiles(files: readonly NamedText[], existing: 'refuse' | 'replace'): void {
  const taken = existing === 'refuse' ? files.find(({ path }) => existsSync(path)) : undefined;
  if (taken !== undefined) throw new CommandFailed(`${taken.path}: it exists already: say --force to replace it`);
  const written: string[] = [];
  try {
    for (const { path, text, secrecy } of files) {
      const target = existing === 'refuse' ? path : temporaryName(path);
      written.push(target);
      writeFileSync(target, text, { mode: MODES[secrecy], flag: 'wx' });
    }
    if (existing === 'replace') files.forEach(({ path }, index) => renameSync(written[index] ?? '', path));
  } catch (error) {
    const path = files[Math.max(written.length - 1, 0)]?.path ?? '';
    // What was there before is somebody else's.
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') written.pop();
    for (const name of written) rmSync(name, { force: true });
    throw new CommandFailed(`${path}: can't be written: ${describeSystemError(error)}`);
  }
}

/** With the folders that lead to it. Throws `CommandFailed`. */
export function makeFolder(folder: string): void {
  try {
    makeFolders(folder);
  } catch (error) {
    throw new CommandFailed(`${folder}: can't be made: ${describeSystemError(error)}`);
  }
}

/** Node's own way tries for ever where a folder exists in which none can be made, as in /proc. */
function makeFolders(folder: string): void {
  if (existsSync(folder)) return;
  const above = dirname(folder);
  if (above !== folder) makeFolders(above);
  mkdirSync(folder);
}

/** Output that the caller named: a file is replaced whole; a device or a pipe is written to. Throws `CommandFailed`. */
export function writeOutput(path: string, text: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) throw new CommandFailed(`${path}: can't be written: it is a folder`);
  if (found === undefined || found.isFile()) return writeFiles([{ path, text, secrecy: 'public' }], 'replace');
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new CommandFailed(`${path}: can't be written: ${describeSystemError(error)}`);
  }
}

function temporaryName(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}.tmp`;
}

/** Makes a folder with these files; it may exist, but not have anything in it. Throws `CommandFailed`. F1, F2 */
export function writeFolder(folder: string, files: Readonly<Record<string, string>>): void {
  let found: string[];
  try {
    found = existsSync(folder) ? readdirSync(folder) : [];
  } catch (error) {
    throw new CommandFailed(`${folder}: can't be used: ${describeSystemError(error)}`);
  }
  if (found.length > 0) throw new CommandFailed(`${folder}: it is not empty: choose another --directory`);
  const wasThere = existsSync(folder);
  const named = Object.entries(files).map(([name, text]) => ({
    path: join(folder, name),
    text,
    secrecy: 'public' as const,
  }));
  try {
    for (const { path } of named) makeFolder(dirname(path));
    writeFiles(named, 'refuse');
  } catch (error) {
    if (!wasThere) rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Of this package: where it is, links followed, and its version. */
export function ownPackage(): { readonly folder: string; readonly version: string } {
  const folder = realpathSync(fileURLToPath(new URL('../..', import.meta.url)));
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { readonly version: string };
  return { folder, version };
}
