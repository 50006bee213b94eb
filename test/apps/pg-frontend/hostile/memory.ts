// How much memory a process has, where the system tells it: a bound on it is what a hostile client must not break.

import { existsSync, readFileSync } from 'node:fs';
import type { PostgresWorld } from '../../../support/postgres/world.js';

const BYTES_PER_KIB = 1024;

/** Whether this system tells; tests of memory are skipped elsewhere. */
export const MEMORY_IS_KNOWN = existsSync('/proc/self/status');

function residentBytes(processId: number): number {
  const status = readFileSync(`/proc/${processId}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * BYTES_PER_KIB;
}

/** The resident memory of all front-ends together. */
export function frontendBytes({ frontends }: PostgresWorld): number {
  return frontends.reduce((sum, { processId }) => sum + (processId === undefined ? 0 : residentBytes(processId)), 0);
}
