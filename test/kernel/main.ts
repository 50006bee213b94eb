// `npm run test:kernel`: the tests that have the kernel as partner, in namespaces of their own.
//
// Network, mounts and processes are this command's alone, so devices, routes, rules and processes are gone with it, however
// it ends. `--long` adds what takes a minute and more; files may be named instead. Needs root, namespaces, `unshare`, `ip`,
// `nft` and `curl`; says so, and skips, where one is missing.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { KERNEL_TESTS_VARIABLE } from '../support/kernel-network.js';
import { NAMESPACES, SYSTEM_ENVIRONMENT, whyNoNamespaces } from '../support/namespaces.js';

const TESTS = ['test/dist/kernel/*.test.js', 'test/dist/stack/drivers/driver-contract.test.js'];
const LONG_TESTS = 'test/dist/kernel/*.slow.js';
const PROGRAMS = ['ip', 'nft', 'curl', 'ping', 'python3'];
/** What the namespace needs before anything runs in it: its own names of namespaces, and to be a router. */
const PREPARATION = [
  'mkdir -p /run/netns',
  'mount -t tmpfs none /run/netns',
  'mount -t sysfs none /sys',
  // A node of its own, whose permissions the tests may change.
  'mkdir -p /dev/net',
  'mount -t tmpfs none /dev/net',
  'mknod -m 600 /dev/net/tun c 10 200',
  'ip link set lo up',
  'sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.send_redirects=0',
  'exec "$@"',
].join(' && ');

const ENVIRONMENT = { ...SYSTEM_ENVIRONMENT, [KERNEL_TESTS_VARIABLE]: 'prepared' };

const reason = whyNoNamespaces(PROGRAMS);
if (reason !== undefined) {
  console.log(`SKIPPED: the tests with the kernel as partner did not run: ${reason}`);
  process.exit(0);
}
const runner = fileURLToPath(new URL('../run.js', import.meta.url));
const said = process.argv.slice(2);
const args = said.includes('--long') ? [...TESTS, LONG_TESTS] : said.length > 0 ? said : TESTS;
const child = spawn(
  'unshare',
  [...NAMESPACES, 'sh', '-c', PREPARATION, 'sh', process.execPath, runner, '--serial', '--concurrency', '1', ...args],
  { stdio: 'inherit', env: ENVIRONMENT },
);
const [status] = (await once(child, 'close')) as [number | null];
process.exitCode = status ?? 1;
