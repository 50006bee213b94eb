// `npm run bench:tcp`: the suite `tcp` in namespaces of its own, which are gone with it, however it ends. Needs root, and says so.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';

const NAMESPACES = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];
const PREPARATION = [
  'mkdir -p /run/netns',
  'mount -t tmpfs none /run/netns',
  // Files of the measurements: nothing of them touches a disk, or stays.
  'mount -t tmpfs none /mnt',
  'ip link set lo up',
  'exec "$@"',
].join(' && ');
/** npm puts programs of packages before the system's. */
const PATH = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(delimiter);

if (process.getuid?.() !== 0) {
  process.stderr.write('SKIPPED: this measures TUN devices and namespaces, which needs root\n');
  process.exit(0);
}
if (spawnSync('unshare', [...NAMESPACES, 'true'], { env: { ...process.env, PATH } }).status !== 0) {
  process.stderr.write('SKIPPED: this needs `unshare` (util-linux) and a system that allows namespaces to root\n');
  process.exit(0);
}
const main = fileURLToPath(new URL('../main.js', import.meta.url));
const command = [process.execPath, ...process.execArgv, main, '--suite', 'tcp', ...process.argv.slice(2)];
const child = spawn('unshare', [...NAMESPACES, 'sh', '-c', PREPARATION, 'sh', ...command], {
  stdio: 'inherit',
  env: { ...process.env, PATH },
});
// The first process of a namespace takes all others with it, and the namespaces.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill('SIGKILL'));
const [status] = (await once(child, 'close')) as [number | null];
process.exitCode = status ?? 1;
