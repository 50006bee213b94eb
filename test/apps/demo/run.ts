// A demo as its user starts it, in a process of its own: its output, its exit status, and what it leaves behind.
//
// Every run gets a folder for temporary files of its own, which has to be empty afterwards; the processes that the demo
// introduces have to be gone.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';

const POLL_MS = 5;

export interface Run {
  readonly child: ChildProcess;
  readonly temporary: string;
  readonly output: () => string;
  readonly complaint: () => string;
  readonly ended: Promise<number | null>;
}

export function start(
  t: ExecutionContext,
  program: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Run {
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

export function makeFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'demo-test-'));
  // Where root runs the tests, another user runs the database.
  chmodSync(folder, 0o755);
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Resolves when the output has the text. */
export function shows(run: Run, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (run.output().includes(text)) resolve();
    };
    run.child.stdout?.on('data', look);
    void run.ended.then(() => reject(new Error(`it ended without '${text}': ${run.output()}${run.complaint()}`)));
    look();
  });
}

/** Resolves when one of the folders in the folder has the path. */
export async function appears(folder: string, path: string): Promise<void> {
  while (!readdirSync(folder).some((name) => existsSync(join(folder, name, path)))) await setTimeout(POLL_MS);
}

export function processOf(run: Run, name: string): number {
  return Number(new RegExp(`${name} +process (\\d+)`).exec(run.output())?.[1]);
}

export function assertNothingLeft(t: ExecutionContext, run: Run): void {
  t.deepEqual(readdirSync(run.temporary), []);
  const left = [...run.output().matchAll(/process (\d+)/g)].filter(([, id]) => isRunning(Number(id)));
  t.deepEqual(left, []);
}

/** One line of complaint, and the status for what the caller can put right. */
export async function assertUsageError(t: ExecutionContext, run: Run, line: RegExp): Promise<void> {
  t.is(await run.ended, 2);
  t.regex(run.complaint(), line);
  t.is(run.complaint().trim().split('\n').length, 1, run.complaint());
  t.is(run.output(), '');
  assertNothingLeft(t, run);
}

function isRunning(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}
