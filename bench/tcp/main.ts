// `npm run bench:tcp`: the suite `tcp` in namespaces of its own, which are gone with it. Needs root, and says so.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const NAMESPACES = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];
const PREPARATION = 'mkdir -p /run/netns && mount -t tmpfs none /run/netns && ip link set lo up && exec "$@"';

if (process.getuid?.() !== 0) {
  process.stderr.write('SKIPPED: this measures TUN devices and namespaces, which needs root\n');
  process.exit(0);
}
const main = fileURLToPath(new URL('../main.js', import.meta.url));
const command = [process.execPath, ...process.execArgv, main, '--suite', 'tcp', ...process.argv.slice(2)];
const child = spawn('unshare', [...NAMESPACES, 'sh', '-c', PREPARATION, 'sh', ...command], { stdio: 'inherit' });
const [status] = (await once(child, 'close')) as [number | null];
process.exitCode = status ?? 1;
