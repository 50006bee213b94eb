// A database, some front-ends in processes of their own, and a gateway in this one: what a client of PostgreSQL meets.
//
// Everything is on the loopback interface and on ports of its own, so worlds can stand side by side.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  startEmbeddedDatabase,
  type EmbeddedDatabase,
  type EmbeddedDatabaseOptions,
} from '@migratory/demo/internal/embedded-database.js';
import { addressOf, filesOf, LOOPBACK, planLocalService } from '@migratory/framework/local-service';
import { Gateway, type GatewayEvent } from '@migratory/gateway/gateway';
import { servicePublicKey } from '@migratory/stack';

const FRONTEND_PROGRAM = fileURLToPath(import.meta.resolve('@migratory/pg-frontend/main'));
const START_MS = 20_000;
/** Node's way of waiting for datagrams is kinder to its memory with a small young generation. */
const NODE_OPTIONS = ['--max-semi-space-size=4'];

/** Durable enough for a server that nobody pulls the plug of. */
export const QUICK_SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_prepared_transactions: '64',
  max_connections: '200',
} as const;

export interface PostgresWorldOptions {
  readonly memberCount?: number;
  /** A server of the world's own (stopped with it), or one that runs already (left running). */
  readonly database?: EmbeddedDatabaseOptions | EmbeddedDatabase;
  /** Further options of each front-end's command line. */
  readonly options?: readonly string[];
  readonly report?: (event: GatewayEvent) => void;
  /** Each line that a front-end logs. */
  readonly log?: (member: number, line: Readonly<Record<string, unknown>>) => void;
}

/** One front-end: its process comes and goes, its place stays. */
export class Frontend {
  readonly id: number;
  readonly #args: readonly string[];
  readonly #log: (line: Readonly<Record<string, unknown>>) => void;
  #child: ChildProcess | undefined;

  constructor(id: number, args: readonly string[], log: (line: Readonly<Record<string, unknown>>) => void) {
    this.id = id;
    this.#args = args;
    this.#log = log;
  }

  /** Resolves when it accepts connections. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [...NODE_OPTIONS, FRONTEND_PROGRAM, ...this.#args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const complaints: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => complaints.push(line));
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => {
        clearTimeout(late);
        reject(new Error(`front-end ${this.id} ${why}: ${complaints.join(' | ')}`));
      };
      const late = setTimeout(() => fail('was not ready in time'), START_MS);
      createInterface({ input: child.stdout }).on('line', (text) => {
        const line = JSON.parse(text) as Readonly<Record<string, unknown>>;
        this.#log(line);
        if (line.event !== 'ready') return;
        clearTimeout(late);
        resolve();
      });
      child.once('exit', (status, signal) => fail(`ended early (${status ?? signal ?? ''})`));
    });
  }

  get processId(): number | undefined {
    return this.#child?.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends the signal and resolves when the process has ended. SIGTERM lets the connections go to the others first. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}

export interface PostgresWorld {
  readonly database: EmbeddedDatabase;
  readonly gateway: Gateway;
  readonly frontends: readonly Frontend[];
  /** Where clients connect, through the gateway. */
  readonly host: string;
  readonly port: number;
  /** The same as an address for drivers; user `postgres`, database `postgres` unless told otherwise. */
  url(database?: string, user?: string): string;
  close(): Promise<void>;
}

export async function startPostgresWorld(options: PostgresWorldOptions = {}): Promise<PostgresWorld> {
  const { memberCount = 2, options: further = [], report = () => undefined, log = () => undefined } = options;
  const given = options.database ?? { settings: QUICK_SETTINGS };
  const isOwn = !('stop' in given);
  const database = isOwn ? await startEmbeddedDatabase(given) : given;
  const folder = mkdtempSync(join(tmpdir(), 'migratory-front-ends-'));
  const plan = await planLocalService(memberCount);
  for (const [name, text] of Object.entries(filesOf(plan))) writeFileSync(join(folder, name), text, { mode: 0o600 });
  const frontends = plan.members.map(({ id }) => {
    const args = ['--config', join(folder, `member-${id}.json`), '--database', database.url, ...further];
    return new Frontend(id, args, (line) => log(id, line));
  });
  const gateway = new Gateway({
    listen: { ip: LOOPBACK, port: 0 },
    services: plan.members.map((member) => addressOf(member)),
    servicePublicKey: servicePublicKey(plan.key.publicKey),
    migration: 'required',
    report,
  });
  const close = async (): Promise<void> => {
    await gateway.stop();
    await Promise.all(frontends.map((frontend) => frontend.stop('SIGKILL')));
    if (isOwn) await database.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all(frontends.map((frontend) => frontend.start()));
    await gateway.start();
  } catch (error) {
    await close();
    throw error;
  }
  const { ip: host, port } = gateway.address;
  const url = (name = 'postgres', user = 'postgres'): string => `postgres://${user}@${host}:${port}/${name}`;
  return { database, gateway, frontends, host, port, url, close };
}
