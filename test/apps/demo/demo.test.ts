// The demo as its user starts it: what it shows on a pipe, its exit status, and that it leaves nothing behind.
//
// Every run gets a folder for temporary files of its own, which has to be empty afterwards; the processes that the demo
// introduces have to be gone.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHash, randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';

const program = fileURLToPath(new URL('../../../../apps/demo/dist/main.js', import.meta.url));

interface Run {
  readonly child: ChildProcess;
  readonly temporary: string;
  readonly output: () => string;
  readonly complaint: () => string;
  readonly ended: Promise<number | null>;
}

function start(t: ExecutionContext, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Run {
  const temporary = makeFolder(t);
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, TMPDIR: temporary, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGTERM'));
  let [output, complaint] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const ended = once(child, 'close').then(([status]) => status as number | null);
  return { child, temporary, output: () => output, complaint: () => complaint, ended };
}

function makeFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'demo-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Resolves when the output has the text. */
function shows(run: Run, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (run.output().includes(text)) resolve();
    };
    run.child.stdout?.on('data', look);
    void run.ended.then(() => reject(new Error(`it ended without '${text}': ${run.output()}${run.complaint()}`)));
    look();
  });
}

function assertNothingLeft(t: ExecutionContext, run: Run): void {
  t.deepEqual(readdirSync(run.temporary), []);
  const left = [...run.output().matchAll(/process (\d+)/g)].filter(([, id]) => isRunning(Number(id)));
  t.deepEqual(left, []);
}

function isRunning(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}

test.serial('the default: at least four moves, the same hash at both ends, nothing left behind', async (t) => {
  const run = start(t, []);
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
    const run = start(t, [file]);
    t.is(await run.ended, 0, run.output() + run.complaint());
    const hash = createHash('sha256').update(bytes).digest('hex');
    t.is(run.output().split(hash).length - 1, 2);
    t.regex(run.output(), /There was time for no (further )?move/);
    assertNothingLeft(t, run);
  },
);

for (const [moment, text] of [
  ['before anything is ready', 'One download'],
  ['when the programs run', 'process'],
  ['in the middle of the download', 'moved from member 1'],
] as const) {
  test.serial(`Ctrl-C ${moment} leaves no process and no file`, async (t) => {
    const run = start(t, []);
    await shows(run, text);
    run.child.kill('SIGINT');
    t.is(await run.ended, 130);
    t.is(run.complaint(), '');
    t.notRegex(run.output(), /Identical/);
    assertNothingLeft(t, run);
  });
}

test.serial('a program that dies in the middle fails the demo, in one line', async (t) => {
  const run = start(t, []);
  await shows(run, 'moved from member 1');
  const gateway = /gateway +process (\d+)/.exec(run.output())?.[1];
  process.kill(Number(gateway), 'SIGKILL');
  t.is(await run.ended, 1);
  t.is(run.complaint().trim().split('\n').length, 1, run.complaint());
  assertNothingLeft(t, run);
});

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
    const run = start(t, args, environment);
    t.is(await run.ended, 2);
    t.regex(run.complaint(), line);
    t.is(run.complaint().trim().split('\n').length, 1, run.complaint());
    t.is(run.output(), '');
    assertNothingLeft(t, run);
  }
});
