// The command `migratory-gateway` as a process: one clear line and status 2 for what the caller can put right, signals.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { startService } from './world.js';

const command = fileURLToPath(import.meta.resolve('@migratory/gateway'));
const valid = ['--listen', '127.0.0.1:0', '--service', '127.0.0.1:9'];

function run(args: readonly string[]): Promise<{ status: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [command, ...args], (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : error.code, stdout, stderr });
    });
  });
}

function makeFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-test-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('what the caller can put right: one line that names it, and status 2', async (t) => {
  const folder = makeFolder(t);
  const file = join(folder, 'a-file');
  writeFileSync(file, 'kept');
  const busy = createServer().listen(0, '127.0.0.1');
  await once(busy, 'listening');
  t.teardown(() => busy.close());
  const busyPort = String((busy.address() as AddressInfo).port);
  const cases: [string[], RegExp][] = [
    [[], /--listen/],
    [[...valid, '--bogus'], /--bogus/],
    [[...valid, 'extra'], /too many arguments/],
    [['--listen', 'nonsense', '--service', '127.0.0.1:9'], /--listen.*127\.0\.0\.1:8080/],
    [['--listen', '127.0.0.1:0', '--service', '127.0.0.1:99999'], /--service/],
    [[...valid, '--migration', 'sometimes'], /required, preferred, off/],
    [[...valid, '--service-key', join(folder, 'none')], /can't read the service key .*: no such file/],
    [[...valid, '--service-key', file], /public key can't be read/],
    [['--listen', `127.0.0.1:${busyPort}`, '--service', '127.0.0.1:9'], /in use/],
    [[...valid, '--control', file], /in use/],
    [[...valid, '--driver', 'tun', '--tun-name', 'm0'], /--driver tun needs --local-ip/],
    [[...valid, '--capture', join(folder, 'none', 'x')], /can't write the capture .*ENOENT/],
  ];
  for (const [args, line] of cases) {
    const { status, stdout, stderr } = await run(args);
    t.is(status, 2, stderr);
    t.regex(stderr, line);
    t.is(stderr.trim().split('\n').length, 1, stderr);
    t.is(stdout, '');
  }
  t.is(readFileSync(file, 'utf8'), 'kept', 'a file that is no socket is not ours to remove');
});

test('help is no error', async (t) => {
  const { status, stdout } = await run(['--help']);
  t.is(status, 0);
  t.regex(stdout, /--control/);
});

test('SIGUSR2 moves, SIGTERM stops and removes the control socket, a left-over control socket is replaced', async (t) => {
  const service = await startService(t);
  const control = join(makeFolder(t), 'control');
  const services = service.addresses.flatMap(({ ip, port }) => ['--service', `${ip}:${port}`]);
  const start = async () => {
    const child = spawn(process.execPath, [command, '--listen', '127.0.0.1:0', ...services, '--control', control], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const event = async (name: string): Promise<Record<string, unknown>> => {
      for (;;) {
        const next = await lines.next();
        if (next.done === true) throw new Error(`the log ended before '${name}'`);
        const line = JSON.parse(next.value) as Record<string, unknown>;
        if (line.event === name) return line;
      }
    };
    return { child, event, ready: await event('ready') };
  };

  const killed = await start();
  killed.child.kill('SIGKILL');
  await once(killed.child, 'exit');
  t.true(existsSync(control));

  const { child, event, ready } = await start();
  const port = Number(String(ready.listen).split(':')[1]);
  const client = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  client.write('Efirst ');
  await once(client, 'readable');
  child.kill('SIGUSR2');
  t.like(await event('moved'), { from: 1, to: 2 });
  client.end('second');
  t.is(String(await buffer(client)), 'first second');
  child.kill('SIGTERM');
  const [status] = (await once(child, 'exit')) as [number | null];
  t.is(status, 0);
  t.false(existsSync(control));
});
