// The page as it should be now, from the files of the project.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { evidenceIn } from './evidence.js';
import { parseRequirements } from './requirements.js';
import { conformancePage } from './table.js';

export const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url));
export const PAGE = 'docs/conformance.md';
const REQUIREMENTS = 'test/stack/tcp/conformance/requirements.txt';

/** Throws `RequirementsUnclear`, `ConformanceUnproved`. */
export function currentPage(): string {
  return conformancePage(parseRequirements(readFileSync(join(ROOT, REQUIREMENTS), 'utf8')), evidenceIn(ROOT), ROOT);
}
