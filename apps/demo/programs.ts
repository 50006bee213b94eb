// The processes of a demo: started, listened to, and never left behind.
//
// A program logs one JSON object a line; the one with the event "ready" says that it can be used. Whatever ends the demo,
// `close` ends every program, cleans up what it was asked to and removes the temporary folder, and should even that be cut
// short, the exit hook ends the programs and removes the folder. Each program leads a process group of its own: a terminal's
// Ctrl-C reaches the demo alone, which ends the others in order.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { NODE_OPTIONS, PROGRAM_START_MS, PROGRAM_STOP_MS } from './config.js';
import { DemoFailed } from './failure.js';

export type LogLine = Readonly<Record<string, unknown>>;

/** A process with an open standard output. */
export interface RunningProgram {
  readonly processId: number;
  readonly stdout: Readable;
  /** Resolves with the exit status, or the signal's name, and the last line of its standard error. */
  readonly ended: Promise<{ readonly status: number | string; readonly complaint: string }>;
}

/** One that is talked to. */
export interface Conversation extends RunningProgram {
  readonly stdin: Writable;
}

export class Programs {
  /** Private to this user; gone when the demo is over. */
  readonly folder = mkdtempSync(join(tmpdir(), 'migratory-demo-'));
  readonly #children = new Set<ChildProcess>();
  readonly #cleanups: (() => Promise<void>)[] = [];
  #closed = false;
  readonly #onExit = (): void => {
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  };

  constructor() {
    process.once('exit', this.#onExit);
  }

  /** Starts one of our programs and waits until it is ready; `log` is told of every line. Rejects with `DemoFailed`. */
  async start(
    name: string,
    file: string,
    args: readonly string[],
    log: (line: LogLine) => void,
  ): Promise<{ readonly processId: number; readonly ready: LogLine }> {
    const { processId, stdout, ended } = this.run(process.execPath, [...NODE_OPTIONS, file, ...args]);
    const ready = new Promise<LogLine>((resolve) => {
      createInterface({ input: stdout }).on('line', (text) => {
        const line = parseLine(text);
        if (line.event === 'ready') resolve(line);
        log(line);
      });
    });
    const failed = ended.then(({ status, complaint }) => {
      throw new DemoFailed(`${name} ended early (${status})${complaint === '' ? '' : `: ${complaint}`}`);
    });
    // After the start it is the client that tells whether something is wrong.
    failed.catch(() => undefined);
    return { processId, ready: await Promise.race([ready, failed, tooLate(name)]) };
  }

  /** Starts any program. Throws `DemoFailed` once the demo is over; a missing program shows as the status 'ENOENT'. */
  run(file: string, args: readonly string[]): RunningProgram {
    const conversation = this.converse(file, args);
    conversation.stdin.end();
    return conversation;
  }

  /** As `run`, for a program that reads what it is told. */
  converse(file: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Conversation {
    if (this.#closed) throw new DemoFailed('the demo is over');
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env });
    // Why nobody reads it any more shows in the status.
    child.stdin.on('error', () => undefined);
    this.#children.add(child);
    let complaint = '';
    createInterface({ input: child.stderr }).on('line', (line) => (complaint = line.trim() === '' ? complaint : line));
    const ended = new Promise<{ status: number | string; complaint: string }>((resolve) => {
      child.once('error', (error: NodeJS.ErrnoException) =>
        resolve({ status: error.code ?? error.message, complaint }),
      );
      child.once('close', (status, signal) => resolve({ status: status ?? signal ?? 'unknown', complaint }));
    });
    void ended.then(() => this.#children.delete(child));
    return { processId: child.pid ?? 0, stdin: child.stdin, stdout: child.stdout, ended };
  }

  /** To be done at the end, when no program runs any more, the last one first. Throws `DemoFailed` once the demo is over. */
  onClose(cleanup: () => Promise<void>): void {
    if (this.#closed) throw new DemoFailed('the demo is over');
    this.#cleanups.unshift(cleanup);
  }

  /** Ends what still runs, the ones started last first, cleans up, and removes the folder. */
  async close(): Promise<void> {
    this.#closed = true;
    const running = [...this.#children].reverse();
    for (const child of running) child.kill('SIGTERM');
    const insist = setTimeout(() => {
      for (const child of running) child.kill('SIGKILL');
    }, PROGRAM_STOP_MS);
    await Promise.all(running.filter((child) => !isOver(child)).map((child) => once(child, 'exit')));
    clearTimeout(insist);
    try {
      for (const cleanup of this.#cleanups) await cleanup();
    } finally {
      rmSync(this.folder, { recursive: true, force: true });
      process.off('exit', this.#onExit);
    }
  }
}

function isOver(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

/** What is no JSON object is a line without members. */
function parseLine(text: string): LogLine {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as LogLine) : {};
  } catch {
    return {};
  }
}

function tooLate(name: string): Promise<never> {
  return new Promise((_resolve, reject) => {
    const late = (): void => reject(new DemoFailed(`${name} was not ready after ${PROGRAM_START_MS / 1000} s`));
    setTimeout(late, PROGRAM_START_MS).unref();
  });
}
