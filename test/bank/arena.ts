// What a campaign runs against: a database, and before it front-ends and a gateway, or nothing at all for comparison.

import { createWriteStream, type WriteStream } from 'node:fs';
import { Client } from 'pg';
import { startEmbeddedDatabase, type EmbeddedDatabase } from '@migratory/demo/internal/embedded-database.js';
import type { GatewayEvent } from '@migratory/gateway/gateway';
import { QUICK_SETTINGS, startPostgresWorld, type PostgresWorld } from '../support/postgres/world.js';

/** Deadlocks are made on purpose: nobody wants to wait a second for each. */
const SETTINGS = { ...QUICK_SETTINGS, deadlock_timeout: '100ms' };

/** Whoever interrupts a campaign leaves no processes behind. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const INTERRUPTED_STATUS = 130;

export interface ArenaOptions {
  readonly path: 'through the front-end' | 'direct';
  readonly memberCount: number;
  readonly commit: 'locked' | 'two-phase' | undefined;
  /** Where the front-ends' logs go. */
  readonly logPath?: string | undefined;
  readonly report?: (event: GatewayEvent) => void;
}

export interface Arena {
  readonly database: EmbeddedDatabase;
  readonly memberCount: number;
  /** Where clients connect. */
  readonly url: string;
  /** Undefined where clients go straight to the database. */
  readonly world: PostgresWorld | undefined;
  close(): Promise<void>;
}

export async function startArena(options: ArenaOptions): Promise<Arena> {
  const starting = startParts(options);
  const interrupted = (): void => {
    void starting.then((arena) => arena.close()).finally(() => process.exit(INTERRUPTED_STATUS));
  };
  for (const signal of SIGNALS) process.once(signal, interrupted);
  const arena = await starting;
  const close = async (): Promise<void> => {
    for (const signal of SIGNALS) process.off(signal, interrupted);
    await arena.close();
  };
  return { ...arena, close };
}

async function startParts(options: ArenaOptions): Promise<Arena> {
  const database = await startEmbeddedDatabase({ settings: SETTINGS });
  if (options.path === 'direct') {
    return { database, memberCount: 0, url: database.url, world: undefined, close: () => database.stop() };
  }
  const log = options.logPath === undefined ? undefined : createWriteStream(options.logPath);
  try {
    const world = await startWorld(database, options, log);
    const close = async (): Promise<void> => {
      await world.close();
      await database.stop();
      log?.end();
    };
    return { database, memberCount: world.frontends.length, url: world.url(), world, close };
  } catch (error) {
    await database.stop();
    log?.end();
    throw error;
  }
}

function startWorld(
  database: EmbeddedDatabase,
  options: ArenaOptions,
  log: WriteStream | undefined,
): Promise<PostgresWorld> {
  const { memberCount, commit, report = () => undefined } = options;
  return startPostgresWorld({
    memberCount,
    database,
    options: [
      ...(commit === undefined ? [] : ['--commit', commit]),
      ...(log === undefined ? [] : ['--log-level', 'debug']),
    ],
    report: (event) => {
      log?.write(`${JSON.stringify({ gateway: true, ...event })}\n`);
      report(event);
    },
    log: (member, line) => void log?.write(`${JSON.stringify({ member, ...line })}\n`),
  });
}

/** The same database, without what stands before it. */
export function directly(arena: Arena): Arena {
  return { ...arena, memberCount: 0, url: arena.database.url, world: undefined };
}

/** A session of the campaign's own, past all front-ends. It ends with the database at the latest. */
export async function connectDirectly(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
