// `npm run conformance`: writes docs/conformance.md anew. The exit status is 1 where a requirement is not borne out.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConformanceUnproved } from './table.js';
import { currentPage, PAGE, ROOT } from './page.js';
import { RequirementsUnclear } from './requirements.js';

try {
  writeFileSync(join(ROOT, PAGE), currentPage());
  console.log(`${PAGE} is written`);
} catch (error) {
  if (!(error instanceof ConformanceUnproved) && !(error instanceof RequirementsUnclear)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
