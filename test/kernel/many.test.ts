// Many connections at once: none is answered before all of them have asked.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MigratoryConnection } from '@migratory/stack';
import { pattern } from '../support/bytes.js';
import { onKernel } from './on-kernel.js';
import { httpServer, openTunWorld, URLS } from './tun-world.js';

const CONNECTION_COUNT = 500;
/** One curl opens no more than 300 connections at once. */
const CURL_COUNT = 2;
const SMALL = pattern(50_000, 1);

/** Serves connections from when so many are there. */
function together(
  count: number,
  serve: (connection: MigratoryConnection) => void,
): (connection: MigratoryConnection) => void {
  const waiting: MigratoryConnection[] = [];
  return (connection) => {
    waiting.push(connection);
    if (waiting.length === count) waiting.forEach(serve);
  };
}

for (const [version, url] of Object.entries(URLS)) {
  onKernel(`${version}: ${CONNECTION_COUNT} connections at once`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'migratory-many-'));
    const world = await openTunWorld(together(CONNECTION_COUNT, httpServer(SMALL)));
    try {
      const count = String(CONNECTION_COUNT / CURL_COUNT);
      const flags = ['-sS', '--max-time', '100', '--parallel', '--parallel-immediate', '--parallel-max', count];
      const curls = Array.from({ length: CURL_COUNT }, (_, index) =>
        world.client.run('curl', ...flags, '-o', join(folder, `${index}-#1`), `${url}[1-${count}]`),
      );
      await Promise.all(curls);
      const bodies = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))));
      t.is(bodies.length, CONNECTION_COUNT);
      t.true(bodies.every((body) => body.equals(SMALL)));
      t.is(world.stack.counters.resetsSent, 0);
      t.is(world.stack.counters.cookiesSent, 0);
    } finally {
      await world.close();
      await rm(folder, { recursive: true });
    }
  });
}
