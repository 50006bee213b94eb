// The embedded database leaves nothing behind, however it ends.

import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { startEmbeddedDatabase } from '@migratory/demo/internal/embedded-database.js';
import { appears } from './run.js';

/** A folder in which the next server puts its own. */
function redirectTemporaryFiles(t: ExecutionContext): string {
  const [folder, before] = [mkdtempSync(join(tmpdir(), 'database-test-')), process.env.TMPDIR];
  // Where root runs the tests, another user runs the server.
  chmodSync(folder, 0o755);
  process.env.TMPDIR = folder;
  t.teardown(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

test.serial('stopped: its process and its folder are gone', async (t) => {
  const folder = redirectTemporaryFiles(t);
  const database = await startEmbeddedDatabase();
  t.is(readdirSync(folder).length, 1);
  t.true(process.kill(database.processId, 0));
  await database.stop();
  t.throws(() => process.kill(database.processId, 0), { code: 'ESRCH' });
  t.deepEqual(readdirSync(folder), []);
});

for (const [moment, path] of [
  ['while its programs are copied', 'native'],
  ['while it is initialised', 'data/base'],
  ['while the server starts', 'data/postmaster.opts'],
] as const) {
  test.serial(`called off ${moment}: nothing is left`, async (t) => {
    const folder = redirectTemporaryFiles(t);
    const calledOff = new AbortController();
    const started = startEmbeddedDatabase({ signal: calledOff.signal });
    await Promise.race([appears(folder, path), started]);
    calledOff.abort();
    await t.throwsAsync(started, { name: 'DatabaseStartFailed', message: /called off/ });
    t.deepEqual(readdirSync(folder), []);
  });
}

test.serial('called off after its start: it stays', async (t) => {
  redirectTemporaryFiles(t);
  const calledOff = new AbortController();
  const database = await startEmbeddedDatabase({ signal: calledOff.signal });
  calledOff.abort();
  t.true(process.kill(database.processId, 0));
  await database.stop();
});

test.serial('a setting that the server refuses: its complaint, and nothing is left', async (t) => {
  const folder = redirectTemporaryFiles(t);
  const error = await t.throwsAsync(startEmbeddedDatabase({ settings: { no_such_setting: 'on' } }));
  t.is(error.name, 'DatabaseStartFailed');
  t.regex(error.message, /no_such_setting/);
  t.deepEqual(readdirSync(folder), []);
});
