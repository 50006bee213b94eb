// The command: what can't begin is said in one line with exit status 2; what begins says so, serves, and stops when told.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createSocket } from 'node:dgram';
import test, { type ExecutionContext } from 'ava';
import { addressOf, filesOf, LOOPBACK, planLocalService } from '@migratory/framework/local-service';
import { createNodeStack } from '@migratory/stack';
import { parseExposition } from '../../support/exposition.js';

const program = fileURLToPath(import.meta.resolve('@migratory/http-file-server/internal/main.js'));

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly options: readonly string[];
  readonly configFile: string;
  readonly config: object;
}

/** A folder with all that one member needs. */
async function makePlace(t: ExecutionContext): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'migratory-command-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const service = await planLocalService(1);
  await mkdir(join(folder, 'www'));
  await writeFile(join(folder, 'www/hello.txt'), 'hello');
  const files = filesOf(service);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const config = JSON.parse(files['member-1.json'] ?? '') as object;
  const [{ port } = { port: 0 }] = service.members.map(addressOf);
  const configFile = join(folder, 'member-1.json');
  return { folder, port, config, configFile, options: ['--root', join(folder, 'www'), '--config', configFile] };
}

function start(t: ExecutionContext, options: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [program, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

async function outcomeOf(child: ChildProcess): Promise<{ status: number | null; errors: string }> {
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, errors };
}

type Spoil = (place: Place) => Promise<readonly string[]> | readonly string[];

const withConfig =
  (change: object): Spoil =>
  async ({ configFile, config, options }) => {
    await writeFile(configFile, JSON.stringify({ ...config, ...change }));
    return options;
  };

const unusable: [what: string, spoil: Spoil, line: RegExp][] = [
  ['an unknown option', ({ options }) => [...options, '--speed', '9'], /unknown option '--speed'/],
  ['no root', ({ configFile }) => ['--config', configFile], /required option '--root/],
  ['a surplus argument', ({ options }) => [...options, 'x'], /too many arguments/],
  ['an unknown log level', ({ options }) => [...options, '--log-level', 'loud'], /'loud' is invalid/],
  ['an address for metrics that is none', ({ options }) => [...options, '--metrics', 'x'], /--metrics.*like 9100/],
  ['a TUN option without TUN', ({ options }) => [...options, '--tun-name', 'm0'], /--tun-name needs --driver tun/],
  ['a root that is missing', ({ configFile }) => ['--root', '/nowhere', '--config', configFile], /nowhere.*ENOENT/],
  ['a root that is a file', ({ configFile }) => ['--root', configFile, '--config', configFile], /--root.*ENOTDIR/],
  ['a config that is missing', ({ folder }) => ['--root', folder, '--config', '/nowhere'], /nowhere.*ENOENT/],
  [
    'a config that is no JSON',
    ({ folder }) => ['--root', folder, '--config', join(folder, 'authority.pem')],
    /no JSON/,
  ],
  ['a config with a bad address', withConfig({ ip: 'here' }), /member-1\.json: ip: must be an IP address/],
  ['a key that is missing', withConfig({ serviceKeyFile: 'lost.pem' }), /lost\.pem.*ENOENT/],
  ['a key that is none', withConfig({ serviceKeyFile: 'authority.pem' }), /key/i],
];

for (const [what, spoil, line] of unusable) {
  test(`${what}: one line, exit status 2`, async (t) => {
    const { status, errors } = await outcomeOf(start(t, await spoil(await makePlace(t))));
    t.is(status, 2);
    t.regex(errors, /^[^\n]+\n$/);
    t.regex(errors, line);
  });
}

test('a port in use: one line, exit status 2', async (t) => {
  const place = await makePlace(t);
  const other = createSocket('udp4');
  t.teardown(() => other.close());
  await new Promise<void>((resolve) => other.bind(place.port, LOOPBACK, resolve));
  const { status, errors } = await outcomeOf(start(t, place.options));
  t.is(status, 2);
  t.regex(errors, /^[^\n]*port is in use[^\n]*\n$/);
});

test('metrics are served until it has stopped; their port in use is one line, exit status 2', async (t) => {
  const { options } = await makePlace(t);
  const child = start(t, [...options, '--metrics', '0']);
  const ended = outcomeOf(child);
  if (child.stdout === null) throw new Error('No output.');
  const [ready] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { metrics: url } = JSON.parse(ready) as { metrics: string };
  const metrics = parseExposition(await (await fetch(url)).text());
  t.is(metrics.get('migratory_connections')?.samples.get('service="http-files"'), 0);

  const other = await makePlace(t);
  const refused = await outcomeOf(start(t, [...other.options, '--metrics', new URL(url).port]));
  t.is(refused.status, 2);
  t.regex(refused.errors, /^[^\n]*can't serve metrics on \S+: the port is in use[^\n]*\n$/);

  child.kill('SIGTERM');
  t.deepEqual(await ended, { status: 0, errors: '' });
  await t.throwsAsync(fetch(url));
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`it says that it is ready, serves, and stops on ${signal}`, async (t) => {
    const { options, port } = await makePlace(t);
    const child = start(t, [...options, '--log-level', 'debug']);
    const ended = outcomeOf(child);
    const events: Record<string, unknown>[] = [];
    if (child.stdout === null) throw new Error('No output.');
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => events.push(JSON.parse(line) as Record<string, unknown>));
    await once(lines, 'line');
    t.like(events[0], { event: 'ready', ip: LOOPBACK, port, member: 1 });

    const stack = await createNodeStack({ ip: LOOPBACK });
    t.teardown(() => stack.close());
    const connection = stack.connect({ address: { ip: LOOPBACK, port } });
    connection.write('GET /hello.txt HTTP/1.1\r\nHost: files\r\nConnection: close\r\n\r\n');
    let received = '';
    for await (const chunk of connection as AsyncIterable<Buffer>) received += chunk.toString();
    t.regex(received, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nhello$/);
    connection.end();

    child.kill(signal);
    t.deepEqual(await ended, { status: 0, errors: '' });
    t.deepEqual(
      events.map(({ event }) => event),
      ['ready', 'accepted', 'request', 'draining', 'stopped'],
    );
    t.like(events[2], { method: 'GET', target: '/hello.txt', status: 200, epoch: 0 });
    t.is(events[2]?.cid, events[1]?.cid);
    t.regex(String(events[1]?.cid), /^[0-9a-f]{16}$/);
  });
}
