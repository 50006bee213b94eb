// Programs that are not ours: where they are, or what to install for them.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Debian's packages. */
const PACKAGES = {
  curl: 'curl',
  nginx: 'nginx-light',
  pgbench: 'postgresql-15 or a later one',
  pgbouncer: 'pgbouncer',
} as const;
/** Not everybody has these in the path. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin'];

export type OutsideProgram = keyof typeof PACKAGES;

/** Its path. Where it is missing, says so on standard error, and `without`: what is measured all the same. */
export function findProgram(name: OutsideProgram, without: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''), ...SYSTEM_FOLDERS];
  const found = folders.map((folder) => join(folder, name)).find(isProgram);
  if (found !== undefined) return found;
  process.stderr.write(`${name} is missing: install ${PACKAGES[name]} (a package of Debian). ${without}\n`);
  return undefined;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
