// The command `migratory` as a user calls it: a process of its own, in a folder of its own that finds this checkout's packages.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const PROGRAM = join(ROOT, 'framework/bin/migratory.js');

export interface Outcome {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

/** A new folder with these files, and the packages of this checkout. */
export async function makeFolder(t: ExecutionContext, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'migratory-command-line-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

export function start(t: ExecutionContext, folder: string, args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  let [output, errors] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, output, errors };
}

export function run(t: ExecutionContext, folder: string, ...args: readonly string[]): Promise<Outcome> {
  return outcomeOf(start(t, folder, args));
}

/** What a long run says, line by line. */
export class Lines {
  readonly #lines: string[] = [];
  #wake: (() => void) | undefined;

  constructor({ stdout }: ChildProcess) {
    if (stdout === null) throw new Error('The program has no output.');
    createInterface({ input: stdout }).on('line', (line) => {
      this.#lines.push(line);
      this.#wake?.();
    });
  }

  get all(): readonly string[] {
    return this.#lines;
  }

  /** Resolves with the first line that matches, once it has come. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      for (const line of this.#lines) {
        const match = pattern.exec(line);
        if (match !== null) return match;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** A service that answers each line with its number. */
export const COUNTER_MODULE = `
import { defineService, done, next } from '@migratory/framework';
export const counter = defineService({
  name: 'counter',
  version: 1,
  entry: 'line',
  fields: () => ({ count: 0 }),
  stages: {
    line: async (session, io) => {
      const line = await io.readUntil('\\n', { maxLength: 100 });
      if (line === undefined) return done();
      if (String.fromCharCode(...line) === 'fail') throw new RangeError('asked to fail');
      session.count += 1;
      await io.write(session.count + '\\n');
      return next('line');
    },
  },
});
`;
