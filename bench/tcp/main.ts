// `npm run bench:tcp`: the suite `tcp` in namespaces of its own, which are gone with it, however it ends. Needs root, and says so.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { NAMESPACES, SYSTEM_ENVIRONMENT, whyNoNamespaces } from '@migratory/test/internal/support/namespaces.js';

const PREPARATION = [
  'mkdir -p /run/netns',
  'mount -t tmpfs none /run/netns',
  // Files of the measurements: nothing of them touches a disk, or stays.
  'mount -t tmpfs none /mnt',
  'ip link set lo up',
  'exec "$@"',
].join(' && ');
const reason = whyNoNamespaces(['ip']);
if (reason !== undefined) {
  process.stderr.write(`SKIPPED: TUN devices beside the kernel's TCP were not measured: ${reason}\n`);
  process.exit(0);
}
const main = fileURLToPath(new URL('../main.js', import.meta.url));
const command = [process.execPath, ...process.execArgv, main, '--suite', 'tcp', ...process.argv.slice(2)];
const child = spawn('unshare', [...NAMESPACES, 'sh', '-c', PREPARATION, 'sh', ...command], {
  stdio: 'inherit',
  env: SYSTEM_ENVIRONMENT,
});
// The first process of a namespace takes all others with it, and the namespaces.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill('SIGKILL'));
const [status] = (await once(child, 'close')) as [number | null];
process.exitCode = status ?? 1;
