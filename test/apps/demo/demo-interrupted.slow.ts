// The demo interrupted: by Ctrl-C at any moment, and by a program that dies. Nothing is left behind.

import { fileURLToPath } from 'node:url';
import test from 'ava';
import { assertNothingLeft, processOf, shows, start } from './run.js';

const program = fileURLToPath(new URL('../../../../apps/demo/dist/main.js', import.meta.url));

for (const [moment, text] of [
  ['before anything is ready', 'One download'],
  ['when the programs run', 'process'],
  ['in the middle of the download', 'moved from member 1'],
] as const) {
  test.serial(`Ctrl-C ${moment} leaves no process and no file`, async (t) => {
    const run = start(t, program, []);
    await shows(run, text);
    run.child.kill('SIGINT');
    t.is(await run.ended, 130);
    t.is(run.complaint(), '');
    t.notRegex(run.output(), /Identical/);
    assertNothingLeft(t, run);
  });
}

test.serial('a program that dies in the middle fails the demo, in one line', async (t) => {
  const run = start(t, program, []);
  await shows(run, 'moved from member 1');
  process.kill(processOf(run, 'gateway'), 'SIGKILL');
  t.is(await run.ended, 1);
  t.is(run.complaint().trim().split('\n').length, 1, run.complaint());
  assertNothingLeft(t, run);
});
