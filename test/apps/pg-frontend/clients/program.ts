// Runs a client program to its end, bounded in time, and keeps what it said.

import { spawn, spawnSync } from 'node:child_process';
import type { NeededProgram, Target } from './suite.js';

/** A program that takes longer hangs. */
const PROGRAM_MS = 180_000;

export interface RunningOptions {
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
}

export interface Ended {
  /** The exit status, or the name of the signal. */
  readonly status: number | string;
  readonly output: string;
  readonly complaints: string;
}

/** Where libpq and what is built like it finds the target. */
export function environmentOf({ host, port, user, database }: Target): Readonly<Record<string, string>> {
  return { PGHOST: host, PGPORT: String(port), PGUSER: user, PGDATABASE: database, PGCONNECT_TIMEOUT: '20' };
}

/** Rejects where there is no such program. */
export function runProgram(
  command: string,
  args: readonly string[],
  { folder, environment = {}, input = '' }: RunningOptions = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: folder,
      env: { PATH: process.env.PATH, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: PROGRAM_MS,
      killSignal: 'SIGKILL',
    });
    const [output, complaints]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (data: Buffer) => output.push(data));
    child.stderr.on('data', (data: Buffer) => complaints.push(data));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.once('error', reject);
    child.once('close', (status, signal) =>
      resolve({
        status: status ?? signal ?? 'unknown',
        output: Buffer.concat(output).toString(),
        complaints: Buffer.concat(complaints).toString(),
      }),
    );
  });
}

/** A program's whole appearance, for a transcript. */
export function transcriptOf({ status, output, complaints }: Ended): string {
  return `${output}--- standard error\n${complaints}--- status ${status}\n`;
}

/** The first program that is missing. */
export function missingProgram(needs: readonly NeededProgram[]): NeededProgram | undefined {
  return needs.find(({ command, probe }) => spawnSync(command, probe, { stdio: 'ignore' }).status !== 0);
}
