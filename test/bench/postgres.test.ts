// The benchmark of the PostgreSQL front-end as a command: where it can measure nothing it says so by its status, and whoever
// interrupts it finds nothing left of it.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const PROGRAM = fileURLToPath(new URL('../../../bench/dist/main.js', import.meta.url));
const START_MS = 60_000;

interface Run {
  readonly child: ChildProcess;
  readonly status: Promise<unknown>;
  /** What it has said on its standard error. */
  readonly complaints: string[];
}

function run(name: string, env: NodeJS.ProcessEnv): Run {
  const child = spawn(process.execPath, [PROGRAM, '--only', name], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  const complaints: string[] = [];
  child.stderr?.on('data', (data: Buffer) => complaints.push(data.toString()));
  return { child, status: once(child, 'close').then(([status]) => status as unknown), complaints };
}

test('without pgbench it says what to install, and that nothing is measured', async (t) => {
  const { status, complaints } = run('pgbench', { PATH: '/nowhere' });
  t.is(await status, 1);
  t.regex(complaints.join(''), /pgbench is missing: install postgresql/);
  t.regex(complaints.join(''), /not measured: pgbench/);
});

/** Resolves when there is a folder in `folder` whose name begins so, and a file of that name in it. */
async function untilThere(folder: string, beginning: string, name: string): Promise<void> {
  const signal = AbortSignal.timeout(START_MS);
  const find = (): string | undefined => readdirSync(folder).find((each) => each.startsWith(beginning));
  await watched(folder, signal, () => find() !== undefined);
  const found = join(folder, find() ?? '');
  await watched(found, signal, () => existsSync(join(found, name)));
}

function watched(folder: string, signal: AbortSignal, isThere: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const watcher = watch(folder);
    const look = (): void => {
      if (!isThere()) return;
      watcher.close();
      resolve();
    };
    watcher.on('change', look);
    signal.addEventListener('abort', () => {
      watcher.close();
      reject(new Error(`what is awaited is not in ${folder}`));
    });
    look();
  });
}

/** Processes whose command line names the folder. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => commandLineOf(name))
    .filter((line) => line.includes(folder));
}

function commandLineOf(processId: string): string {
  try {
    return readFileSync(`/proc/${processId}/cmdline`, 'latin1').replaceAll('\0', ' ');
  } catch {
    return ''; // it has just ended
  }
}

const linuxTest = process.platform === 'linux' ? test : test.skip;

// The database is being made; all is there but the clients.
for (const [signal, place, reached] of [
  ['SIGINT', 'migratory-database-', 'password'],
  ['SIGTERM', 'migratory-demo-', 'control'],
] as const) {
  linuxTest(`${signal} leaves nothing behind, where ${reached} is there already`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'migratory-bench-test-'));
    chmodSync(folder, 0o755); // the database may run as somebody else
    try {
      const { child, status, complaints } = run('session-moves', { TMPDIR: folder });
      await untilThere(folder, place, reached);
      child.kill(signal);
      t.is(await status, 128 + constants.signals[signal], complaints.join(''));
      t.deepEqual([readdirSync(folder), processesOf(folder)], [[], []]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
