// Files of this folder that are no TypeScript: they stay where they are written, beside the compiled ones' sources.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = new URL('../../postgres-clients/', import.meta.url);

/** The path of a file such as 'psql-scripts/copy.sql'. */
export function scriptPath(name: string): string {
  return fileURLToPath(new URL(name, FOLDER));
}

export function readScript(name: string): string {
  return readFileSync(scriptPath(name), 'utf8');
}
