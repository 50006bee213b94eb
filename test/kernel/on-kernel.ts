// Tests that have the kernel as partner: one after the other, or visibly skipped where they may make no devices.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { KERNEL_TESTS_MISSING } from '../support/kernel-network.js';
import { httpServer, openTunWorld, type TunWorld, type WorldOptions } from './tun-world.js';

export function onKernel(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  if (KERNEL_TESTS_MISSING === undefined) test.serial(title, body);
  else test.skip(`${title} (${KERNEL_TESTS_MISSING})`, () => undefined);
}

/** With a server that answers every request with `served`. */
export function inWorld(
  title: string,
  body: (t: ExecutionContext, world: TunWorld) => Promise<void>,
  { served, ...options }: WorldOptions & { readonly served: Buffer },
): void {
  onKernel(title, async (t) => {
    const world = await openTunWorld(httpServer(served), options);
    try {
      await body(t, world);
    } finally {
      await world.close();
    }
  });
}

/** The client's `curl` gets `body`. */
export async function download(
  t: ExecutionContext,
  { client }: TunWorld,
  url: string,
  body: Buffer,
  ...flags: string[]
): Promise<void> {
  t.true((await client.run('curl', '-sS', '--max-time', '100', ...flags, url)).equals(body), url);
}

/** The client's `curl` sends `body`, and gets it back. */
export async function upload(
  t: ExecutionContext,
  { client }: TunWorld,
  url: string,
  body: Buffer,
  ...flags: string[]
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'migratory-kernel-'));
  try {
    const file = join(folder, 'upload');
    await writeFile(file, body);
    const sending = ['--max-time', '100', '-H', 'Expect:', '--data-binary', `@${file}`];
    t.true((await client.run('curl', '-sS', ...sending, ...flags, url)).equals(body), url);
  } finally {
    await rm(folder, { recursive: true });
  }
}
