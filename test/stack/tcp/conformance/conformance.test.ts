// docs/conformance.md is what the requirements and the tests give, and nothing in it is invented.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { evidenceOfScript, evidenceOfTest } from './evidence.js';
import { currentPage, PAGE, ROOT } from './page.js';
import { parseRequirements, RequirementsUnclear, type Requirement } from './requirements.js';
import { ConformanceUnproved, conformancePage, problems } from './table.js';

test('the page is what `npm run conformance` writes', (t) => {
  t.is(readFileSync(join(ROOT, PAGE), 'utf8'), currentPage());
});

const KEPT: Requirement = {
  id: 'MUST-1',
  section: 'Window',
  asks: 'something',
  status: { kind: 'kept', files: ['package.json'] },
};
const LEFT: Requirement = { ...KEPT, id: 'MUST-2', status: { kind: 'not kept', why: 'no reason' } };
const PROOF = { id: 'MUST-1', file: 'test/one.test.ts' };

test('what is said to be kept and has no test is not written', (t) => {
  t.deepEqual(problems([KEPT], [PROOF], ROOT), []);
  t.deepEqual(problems([KEPT], [], ROOT), ['MUST-1 is said to be kept, and no test is named by it']);
  t.throws(() => conformancePage([KEPT], [], ROOT), { instanceOf: ConformanceUnproved });
});

test('nor what is kept where nothing is, tested though it is not kept, or not known', (t) => {
  const elsewhere: Requirement = { ...KEPT, status: { kind: 'kept', files: ['stack/nowhere.ts'] } };
  t.deepEqual(problems([elsewhere], [PROOF], ROOT), [
    'MUST-1 is said to be kept in stack/nowhere.ts, which is not there',
  ]);
  t.deepEqual(problems([LEFT], [{ ...PROOF, id: 'MUST-2' }], ROOT), [
    'MUST-2 is said to be not kept, and test/one.test.ts tests it',
  ]);
  t.deepEqual(problems([KEPT], [PROOF, { ...PROOF, id: 'MUST-99' }], ROOT), [
    'test/one.test.ts names MUST-99, which is not known',
  ]);
});

test('every requirement is there once, with what its kind needs', (t) => {
  const text = readFileSync(join(ROOT, 'test/stack/tcp/conformance/requirements.txt'), 'utf8');
  t.is(parseRequirements(text).length, 119);
  for (const [change, message] of [
    [(all: string) => all.replace(/^MUST-1 .*$/m, ''), /MUST-1 is missing/],
    [(all: string) => `${all}MUST-70 | kept | a | b\n`, /MUST-70 is none of RFC 9293/],
    [(all: string) => `${all}MUST-69 | kept | a | b\n`, /MUST-69 comes twice/],
    [(all: string) => all.replace(/^(MUST-1 +\| kept \| [^|]*)\|.*$/m, '$1'), /no requirement: MUST-1/],
    [(all: string) => all.replace(/^(MUST-1 +\|) kept/m, '$1 not offered'), /no requirement: MUST-1/],
  ] as const) {
    t.throws(() => parseRequirements(change(text)), { instanceOf: RequirementsUnclear, message });
  }
});

test('a test is named by the ids in front of its title, a script by its first comment', (t) => {
  const titles = "test('MUST-1, SHLD-2: one', (t) =>\ntest(`MAY-3: two`, (t) =>\ntest('three (MUST-4)', (t) =>";
  t.deepEqual(
    evidenceOfTest('f', titles).map(({ id }) => id),
    ['MUST-1', 'SHLD-2', 'MAY-3'],
  );
  const script = '// MUST-1: one. SHLD-2,\n// MUST-1: again.\n\n// MAY-3\n0 close(3) = 0';
  t.deepEqual(
    evidenceOfScript('f', script).map(({ id }) => id),
    ['MUST-1', 'SHLD-2'],
  );
});
