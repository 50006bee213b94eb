// PgBouncer, as what the front-end is compared with: the same kind of pooling (a session at the database for each client, reset
// between two of them), clients believed by their name, no file outside of a temporary folder.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { EmbeddedDatabase } from '@migratory/demo/internal/embedded-database.js';
import type { Programs } from '@migratory/demo/internal/programs.js';
import { freePorts, LOOPBACK } from '@migratory/framework/local-service';

const START_MS = 10_000;
const RETRY_MS = 20;
/** PgBouncer refuses to run for root; it can become another user by itself. */
const OTHER_USER = 'nobody';

/** Answers its port. */
export async function startPgBouncer(
  programs: Programs,
  path: string,
  { host, port: databasePort }: EmbeddedDatabase,
): Promise<number> {
  const [free] = await freePorts(1);
  const port = free?.tcp ?? 0;
  const users = join(programs.folder, 'pgbouncer-users.txt');
  const settings = {
    listen_addr: LOOPBACK,
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'trust',
    auth_file: users,
    pool_mode: 'session',
    server_reset_query: 'DISCARD ALL',
    ...(process.getuid?.() === 0 && { user: OTHER_USER }),
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  const configuration = join(programs.folder, 'pgbouncer.ini');
  writeFileSync(users, '"postgres" ""\n');
  writeFileSync(
    configuration,
    ['[databases]', `postgres = host=${host} port=${databasePort}`, '[pgbouncer]', ...lines, ''].join('\n'),
  );
  const { ended } = programs.run(path, ['--quiet', configuration]);
  const failed = ended.then(({ status, complaint }) => {
    throw new Error(`pgbouncer ended early (${status}): ${complaint}`);
  });
  failed.catch(() => undefined);
  await Promise.race([accepting(port), failed]);
  return port;
}

/** It says nothing when it is ready, so it is asked. */
async function accepting(port: number): Promise<void> {
  const giveUpAt = performance.now() + START_MS;
  for (;;) {
    const socket = connect({ host: LOOPBACK, port });
    try {
      await once(socket, 'connect');
      return;
    } catch {
      if (performance.now() > giveUpAt) throw new Error(`pgbouncer was not ready after ${START_MS / 1000} s`);
      await pause(RETRY_MS);
    } finally {
      socket.destroy();
    }
  }
}
