// The file server's own command on a TUN device, under the kernel's curl, with a capture that tshark reads.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { filesOf, planLocalService } from '@migratory/framework/local-service';
import { pattern } from '../support/bytes.js';
import { ClientMachine, KERNEL_TESTS_MISSING, router } from '../support/kernel-network.js';

const program = fileURLToPath(import.meta.resolve('@migratory/http-file-server/internal/main.js'));
const CONTENT = pattern(3_000_000, 7);
const CLIENT_NUMBER = 200;
const TUN_FLAGS = ['--driver', 'tun', '--tun-name', 'files0', '--tun-ip', 'fd79::2'];
const ADDRESS_FLAGS = ['--tun-address', '10.79.0.1/24', 'fd79::1/64'];

function onKernel(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  if (KERNEL_TESTS_MISSING === undefined) test.serial(title, body);
  else test.skip(`${title} (${KERNEL_TESTS_MISSING})`, () => undefined);
}

interface Served {
  readonly folder: string;
  readonly server: ChildProcess;
}

/** A member at 10.79.0.2, port 80, with one file; stopped and removed with the test. */
async function serve(t: ExecutionContext, flags: readonly string[], prefix: readonly string[] = []): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'migratory-tun-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'www'));
  await writeFile(join(folder, 'www/large'), CONTENT);
  const files = filesOf(await planLocalService(1));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o644 });
  const config = JSON.parse(files['member-1.json'] ?? '') as { members: { id: number; peer: object }[] };
  const address = { ip: '10.79.0.2', port: 80 };
  const members = config.members.map((member) => ({ ...member, address }));
  await writeFile(join(folder, 'tun.json'), JSON.stringify({ ...config, ...address, members }));
  router('chmod', '-R', 'a+rX', folder);
  const args = [program, '--root', join(folder, 'www'), '--config', join(folder, 'tun.json'), ...flags];
  const [command = '', ...rest] = [...prefix, process.execPath, ...args];
  const server = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'], cwd: folder });
  t.teardown(() => server.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
  t.regex(line, /"event":"ready"/);
  return { folder, server };
}

onKernel('curl downloads from the command over both versions of IP; told to end it leaves no device', async (t) => {
  const { server, folder } = await serve(t, [...TUN_FLAGS, ...ADDRESS_FLAGS, '--capture', 'all.pcapng']);
  const client = new ClientMachine(CLIENT_NUMBER);
  t.teardown(() => client.remove());
  for (const host of ['10.79.0.2', '[fd79::2]']) {
    t.true((await client.run('curl', '-sS', '--max-time', '60', `http://${host}/large`)).equals(CONTENT));
  }
  server.kill('SIGTERM');
  const [status] = (await once(server, 'close')) as [number | null];
  t.is(status, 0);
  t.false(router('ip', '-brief', 'link').includes('files0'));
  if (spawnSync('tshark', ['-v']).status !== 0) {
    t.log('SKIPPED: what tshark says of the capture; it is not installed');
    return;
  }
  const fields = ['-T', 'fields', '-e', 'ip.version', '-e', 'tcp.flags.syn', '-e', 'tcp.checksum.status'];
  const read = router('tshark', '-o', 'tcp.check_checksum:TRUE', '-r', join(folder, 'all.pcapng'), ...fields);
  const packets = read
    .trim()
    .split('\n')
    .map((line) => line.split('\t'));
  t.true(packets.length > 100);
  t.deepEqual(new Set(packets.map(([version]) => version)), new Set(['4', '6']));
  t.is(packets.filter(([, syn]) => syn === '1' || syn === 'True').length, 4);
  t.true(
    packets.every(([, , checksum]) => checksum === '1'),
    'every checksum is good',
  );
  const damage = router('tshark', '-r', join(folder, 'all.pcapng'), '-Y', '_ws.malformed || tcp.analysis.lost_segment');
  t.is(damage, '');
});

onKernel('a device that an administrator has made serves a user without privilege', async (t) => {
  router('ip', 'tuntap', 'add', 'dev', 'files0', 'mode', 'tun', 'user', '65534');
  t.teardown(() => router('ip', 'link', 'delete', 'files0'));
  router('ip', 'address', 'add', '10.79.0.1/24', 'dev', 'files0');
  router('ip', 'link', 'set', 'files0', 'mtu', '1400', 'up');
  router('chmod', 'a+rw', '/dev/net/tun');
  const asNobody = ['setpriv', '--reuid', '65534', '--clear-groups', '--bounding-set=-all', '--inh-caps=-all'];
  await serve(t, TUN_FLAGS, asNobody);
  const body = spawnSync('curl', ['-sS', '--max-time', '60', 'http://10.79.0.2/large'], { maxBuffer: 2 ** 24 });
  t.true(body.stdout.equals(CONTENT));
});
