// The file server's own command on a TUN device, under the kernel's curl, with a capture that tshark reads.

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pattern } from '../support/bytes.js';
import { ClientMachine, router } from '../support/kernel-network.js';
import { startFileMembers } from './file-members.js';
import { onKernel } from './on-kernel.js';

const CONTENT = pattern(3_000_000, 7);
const CLIENT_NUMBER = 200;
const ONE_MEMBER = { count: 1, family: 4, content: CONTENT } as const;

onKernel('curl downloads from the command over both versions of IP; told to end it leaves no device', async (t) => {
  const { processes, folder } = await startFileMembers(t, { ...ONE_MEMBER, flags: ['--capture', 'all.pcapng'] });
  const client = new ClientMachine(CLIENT_NUMBER);
  t.teardown(() => client.remove());
  for (const host of ['10.79.0.2', '[fd79::2]']) {
    t.true((await client.run('curl', '-sS', '--max-time', '60', `http://${host}/large`)).equals(CONTENT));
  }
  for (const server of processes) {
    server.kill('SIGTERM');
    const [status] = (await once(server, 'close')) as [number | null];
    t.is(status, 0);
  }
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
  await startFileMembers(t, { ...ONE_MEMBER, device: 'given', prefix: asNobody });
  const body = spawnSync('curl', ['-sS', '--max-time', '60', 'http://10.79.0.2/large'], { maxBuffer: 2 ** 24 });
  t.true(body.stdout.equals(CONTENT));
});
