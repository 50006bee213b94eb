// Runs the test suite and ends its output with one line that a log reader can rely on: `N passed, N failed`.
//
// The runner writes one line a test, and at the end the details of those that failed and the names of those that hung; they
// all count as failed. Whatever else breaks a run (a crash, a file without tests, nothing found) does so too, so that the line
// never says less than the exit status, which is the runner’s own. Arguments say which files; without any, all but the slow
// ones.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const runner = fileURLToPath(new URL('cli.mjs', import.meta.resolve('ava')));
const named = process.argv.slice(2);
const files = named.length > 0 ? named : ['test/dist/**/*.test.js'];
const child = spawn(process.execPath, [runner, ...files], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, FORCE_COLOR: '0' },
});

let passed = 0;
let failed = 0;
createInterface({ input: child.stdout }).on('line', (line) => {
  if (/^ +✔ /.test(line)) passed += 1;
  else if (/^ +(✘ \[fail\]: |◌ )/.test(line)) failed += 1;
  console.log(line);
});

child.on('close', (status) => {
  const exitStatus = status ?? 1;
  if (exitStatus !== 0 && failed === 0) failed = 1;
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = exitStatus;
});
