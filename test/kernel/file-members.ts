// Members of a service of file servers: the command itself, each as a process with a TUN device of its own.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { filesOf, planLocalService } from '@migratory/framework/local-service';
import type { Address } from '@migratory/stack';
import { router } from '../support/kernel-network.js';

const program = fileURLToPath(import.meta.resolve('@migratory/http-file-server/internal/main.js'));
const FILE_PORT = 80;

export interface FileMembers {
  readonly folder: string;
  /** The service's key, PEM, and a file that holds it. */
  readonly publicKey: string;
  readonly publicKeyFile: string;
  /** Member 1 first. */
  readonly addresses: readonly Address[];
  readonly processes: readonly ChildProcess[];
}

export interface FileMembersOptions {
  readonly count: number;
  /** The version of IP of the addresses that are in the description; they have one of the other, too. */
  readonly family: 4 | 6;
  /** Served as /large. */
  readonly content: Buffer;
  /** What the kernel has of each device; an administrator may have set it up. */
  readonly device?: 'made' | 'given';
  readonly flags?: readonly string[];
  /** A command that starts each. */
  readonly prefix?: readonly string[];
}

/** Member n has the device `files<n - 1>`. */
function memberIp(family: 4 | 6, member: number): string {
  const network = member - 1;
  if (family === 4) return `10.79.${network}.2`;
  return network === 0 ? 'fd79::2' : `fd79:${network}::2`;
}

/** Stopped and removed with the test. */
export async function startFileMembers(t: ExecutionContext, options: FileMembersOptions): Promise<FileMembers> {
  const { count, family, content } = options;
  const folder = await mkdtemp(join(tmpdir(), 'migratory-tun-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'www'));
  await writeFile(join(folder, 'www/large'), content);
  const plan = await planLocalService(count);
  const files = filesOf(plan);
  const addresses = plan.members.map(({ id }) => ({ ip: memberIp(family, id), port: FILE_PORT }));
  for (const [name, text] of Object.entries(files)) {
    const written = /^member-\d+\.json$/.test(name) ? onDevices(text, addresses) : text;
    await writeFile(join(folder, name), written, { mode: 0o644 });
  }
  router('chmod', '-R', 'a+rX', folder);
  const processes: ChildProcess[] = [];
  for (const { id } of plan.members) processes.push(await startMember(t, folder, id, options));
  return {
    folder,
    publicKey: plan.key.publicKey,
    publicKeyFile: join(folder, 'service-public.pem'),
    addresses,
    processes,
  };
}

interface Description {
  readonly id: number;
  readonly members: readonly { readonly id: number }[];
}

/** A member's description, with the members where the devices are. */
function onDevices(text: string, addresses: readonly Address[]): string {
  const description = JSON.parse(text) as Description;
  const members = description.members.map((member) => ({ ...member, address: addresses[member.id - 1] }));
  return JSON.stringify({ ...description, ...addresses[description.id - 1], members });
}

async function startMember(
  t: ExecutionContext,
  folder: string,
  id: number,
  { family, device = 'made', flags = [], prefix = [] }: FileMembersOptions,
): Promise<ChildProcess> {
  const other = memberIp(family === 4 ? 6 : 4, id);
  const tun = ['--driver', 'tun', '--tun-name', `files${id - 1}`, '--tun-ip', other];
  const here = [`${memberIp(4, id).replace(/2$/, '1')}/24`, `${memberIp(6, id).replace(/2$/, '1')}/64`];
  const served = ['--root', join(folder, 'www'), '--config', join(folder, `member-${id}.json`)];
  const args = [program, ...served, ...tun, ...(device === 'made' ? ['--tun-address', ...here] : []), ...flags];
  const [command = '', ...rest] = [...prefix, process.execPath, ...args];
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'], cwd: folder });
  t.teardown(() => child.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  t.regex(line, /"event":"ready"/);
  return child;
}
