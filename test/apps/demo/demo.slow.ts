// The demo as its user starts it: what it shows on a pipe, its exit status, and that it leaves nothing behind.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHash, randomBytes } from 'node:crypto';
import test from 'ava';
import { assertNothingLeft, assertUsageError, makeFolder, start } from './run.js';

const program = fileURLToPath(new URL('../../../../apps/demo/dist/main.js', import.meta.url));

test.serial('the default: at least four moves, the same hash at both ends, nothing left behind', async (t) => {
  const run = start(t, program, []);
  t.is(await run.ended, 0, run.output() + run.complaint());
  t.true([...run.output().matchAll(/moved from member (1 to member 2|2 to member 1)/g)].length >= 4, run.output());
  t.regex(run.output(), /Identical\. The connection moved \d times/);
  const hashes = [...run.output().matchAll(/[0-9a-f]{64}/g)].map(([hash]) => hash);
  t.is(hashes.length, 2);
  t.is(hashes[0], hashes[1]);
  t.notRegex(run.output(), /\x1b/, 'no colours on a pipe');
  assertNothingLeft(t, run);
});

test.serial(
  "a small file of the caller's: its own hash, and an honest word about moves that did not fit",
  async (t) => {
    const file = join(makeFolder(t), 'notes & figures.txt');
    const bytes = randomBytes(10_000);
    writeFileSync(file, bytes);
    const run = start(t, program, [file]);
    t.is(await run.ended, 0, run.output() + run.complaint());
    const hash = createHash('sha256').update(bytes).digest('hex');
    t.is(run.output().split(hash).length - 1, 2);
    t.regex(run.output(), /There was time for no (further )?move/);
    assertNothingLeft(t, run);
  },
);

test.serial('what the caller can put right: one line and status 2', async (t) => {
  const folder = makeFolder(t);
  const empty = join(folder, 'empty');
  writeFileSync(empty, '');
  const cases: [string[], NodeJS.ProcessEnv, RegExp][] = [
    [[join(folder, 'none')], {}, /none: no such file/],
    [[folder], {}, /not a file/],
    [[empty], {}, /empty/],
    [['one', 'two'], {}, /one path at most/],
    [['--bogus'], {}, /--bogus/],
    [[], { PATH: folder }, /curl is not installed/],
  ];
  for (const [args, environment, line] of cases) {
    await assertUsageError(t, start(t, program, args, environment), line);
  }
});
