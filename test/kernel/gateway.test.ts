// The gateway's command under the kernel's curl, with everything behind it on devices: its own stack and two file servers.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { formatAddress } from '@migratory/stack';
import { pattern } from '../support/bytes.js';
import { ClientMachine } from '../support/kernel-network.js';
import { startFileMembers, type FileMembers } from './file-members.js';
import { MOVER_ADDRESSES, MOVER_IPS } from './mover.js';
import { onKernel } from './on-kernel.js';

const program = fileURLToPath(import.meta.resolve('@migratory/gateway'));
const CONTENT = pattern(24 * 1024 * 1024, 9);
const CLIENT_NUMBER = 202;
const GATEWAY_PORT = 8080;
const CONNECTION_COUNT = 3;
/** Slow enough that there is time to move, for each connection. */
const RATE = '6M';
const POLL_MS = 20;

interface Answer {
  readonly kind: string;
  readonly toClientLength?: number;
}

/** What the control socket answers to one command. */
async function command(path: string, line: string): Promise<Answer[]> {
  const user = connect(path);
  user.end(`${line}\n`);
  const lines = (await text(user)).trim().split('\n');
  return lines.map((answer) => JSON.parse(answer) as Answer);
}

/** Answers the path of its control socket. */
async function startGateway(t: ExecutionContext, service: FileMembers, ip: string): Promise<string> {
  const control = join(service.folder, 'control');
  const members = service.addresses.flatMap((address) => ['--service', formatAddress(address)]);
  const listen = ['--listen', formatAddress({ ip, port: GATEWAY_PORT }), '--control', control];
  const key = ['--service-key', service.publicKeyFile, '--migration', 'required'];
  const tun = ['--driver', 'tun', '--tun-name', 'gate0', '--tun-address', ...MOVER_ADDRESSES];
  const stack = ['--local-ip', MOVER_IPS[4], '--tun-ip', MOVER_IPS[6], ...tun];
  const child = spawn(process.execPath, [program, ...listen, ...members, ...key, ...stack], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  t.regex(line, /"event":"ready"/);
  return control;
}

for (const family of [4, 6] as const) {
  onKernel(
    `IPv${family}: downloads through the gateway move again and again in the middle of their bodies`,
    async (t) => {
      const service = await startFileMembers(t, { count: 2, family, content: CONTENT });
      const client = new ClientMachine(CLIENT_NUMBER);
      t.teardown(() => client.remove());
      const ip = client.routerIp(family);
      const control = await startGateway(t, service, ip);
      const url = `http://${formatAddress({ ip, port: GATEWAY_PORT })}/large`;
      let isOver = false;
      const curls = Array.from({ length: CONNECTION_COUNT }, () =>
        client.run('curl', '-sS', '--max-time', '60', '--limit-rate', RATE, url),
      );
      const downloads = Promise.all(curls).finally(() => (isOver = true));
      const kinds: string[] = [];
      while (!isOver) {
        const lengths = (await command(control, 'list')).map(({ toClientLength = 0 }) => toClientLength);
        const inTheMiddle = lengths.filter((length) => length > 0 && length < CONTENT.length / 2);
        if (inTheMiddle.length === CONNECTION_COUNT) {
          kinds.push(...(await command(control, 'move all')).map(({ kind }) => kind));
        }
        await setTimeout(POLL_MS);
      }
      for (const body of await downloads) t.true(body.equals(CONTENT));
      const moved = kinds.filter((kind) => kind !== 'done');
      t.true(moved.length >= 2 * CONNECTION_COUNT, `${moved.length} moves`);
      t.deepEqual([...new Set(moved)], ['moved']);
    },
  );
}
