// `--metrics`: what Prometheus scrapes of a run, in both of its modes, and what becomes of the port.

import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, connect, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import test, { type ExecutionContext } from 'ava';
import { addressOf, filesOf, LOOPBACK, planLocalService } from '@migratory/framework/local-service';
import { memberMetrics, MetricsListenFailed, serveMetrics } from '@migratory/framework/metrics';
import { createNodeStack, servicePublicKey } from '@migratory/stack';
import { parseExposition } from '../support/exposition.js';
import { COUNTER_MODULE, Lines, makeFolder, outcomeOf, run, start } from './command.js';

const ANYWHERE = { host: LOOPBACK, port: 0 };

/** A port that somebody listens on. */
async function takenPort(t: ExecutionContext): Promise<number> {
  const server = createServer().listen(0, LOOPBACK);
  t.teardown(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function scrape(url: string): Promise<(name: string, labels?: string) => number | undefined> {
  const response = await fetch(url);
  if (response.headers.get('content-type') !== 'text/plain; version=0.0.4; charset=utf-8') throw new Error(url);
  const metrics = parseExposition(await response.text());
  return (name, labels = '') => metrics.get(`migratory_${name}`)?.samples.get(labels);
}

test('a development run tells of all its members', async (t) => {
  const folder = await makeFolder(t, { 'counter.mjs': COUNTER_MODULE });
  const child = start(t, folder, ['run', 'counter.mjs', '--move-every', '100', '--metrics', '0']);
  const ended = outcomeOf(child);
  const lines = new Lines(child);
  const url = String((await lines.until(/^metrics {3}(http:\S+)$/))[1]);
  const socket = connect(Number((await lines.until(/nc 127\.0\.0\.1 (\d+)$/))[1]), LOOPBACK);
  t.teardown(() => socket.destroy());
  socket.write('x\n');
  await lines.until(/^#1 arrived at member 2/);
  socket.end();
  await lines.until(/^#1 closed/);
  const value = await scrape(url);
  t.is(value('connections_accepted_total', 'member="1",service="counter"'), 1);
  t.is(value('connections_accepted_total', 'member="2",service="counter"'), 0);
  const arrived = value('connections_arrived_total', 'member="2",service="counter"') ?? 0;
  t.true(arrived >= 1);
  t.is(value('images_installed_total', 'member="2"'), arrived);
  t.true((value('segments_received_total', 'member="1"') ?? 0) > 0);
  child.kill('SIGINT');
  t.like(await ended, { status: 130, errors: '' });
  await t.throwsAsync(fetch(url));
});

test('a real member tells of itself until it has stopped', async (t) => {
  const folder = await makeFolder(t, { 'counter.mjs': COUNTER_MODULE });
  const service = await planLocalService(2);
  for (const [name, text] of Object.entries(filesOf(service))) await writeFile(`${folder}/${name}`, text);
  const members = [1, 2].map((id) => {
    const child = start(t, folder, ['run', 'counter.mjs', '--config', `member-${id}.json`, '--metrics', '127.0.0.1:0']);
    return { child, ended: outcomeOf(child), lines: new Lines(child) };
  });
  const urls: string[] = [];
  for (const { lines } of members) urls.push(String((await lines.until(/"event":"ready".*"metrics":"(.*?)"/))[1]));
  const [first, second] = urls;
  if (first === undefined || second === undefined) return t.fail();

  const stack = await createNodeStack({ ip: LOOPBACK });
  t.teardown(() => stack.close());
  const [address = { ip: LOOPBACK, port: 0 }] = service.members.map(addressOf);
  const publicKey = servicePublicKey(service.key.publicKey);
  const connection = stack.connect({ address, servicePublicKey: publicKey, migration: 'required' });
  const answers = createInterface({ input: connection })[Symbol.asyncIterator]();
  const ask = async (): Promise<unknown> => {
    connection.write('x\n');
    return (await answers.next()).value;
  };
  t.is(await ask(), '1');
  const before = await scrape(first);
  t.is(before('connections', 'service="counter"'), 1);
  t.is((await connection.requestMove(2)).kind, 'moved');
  t.is(await ask(), '2');
  const [at1, at2] = [await scrape(first), await scrape(second)];
  t.deepEqual(
    [at1, at2].map((value) => value('connections', 'service="counter"')),
    [0, 1],
  );
  t.is(at1('connections_departed_total', 'service="counter"'), 1);
  t.is(at2('connections_arrived_total', 'service="counter"'), 1);
  t.is(at1('images_given_total'), 1);

  connection.end();
  for (const { child, ended } of members) {
    child.kill('SIGTERM');
    t.like(await ended, { status: 0, errors: '' });
  }
  await t.throwsAsync(fetch(first));
});

test('a port in use: one line that names it, exit status 1, and nothing was begun', async (t) => {
  const folder = await makeFolder(t, { 'counter.mjs': COUNTER_MODULE });
  const [service, port] = [await planLocalService(1), await takenPort(t)];
  for (const [name, text] of Object.entries(filesOf(service))) await writeFile(`${folder}/${name}`, text);
  for (const mode of [[], ['--config', 'member-1.json']]) {
    const outcome = await run(t, folder, 'run', 'counter.mjs', ...mode, '--metrics', String(port));
    t.is(outcome.status, 1);
    t.is(outcome.output, '');
    t.is(
      outcome.errors,
      `migratory: MetricsListenFailed: can't serve metrics on 127.0.0.1:${port}: the port is in use; ` +
        'stop the other program or choose another port\n',
    );
  }
});

test('serveMetrics rejects with MetricsListenFailed, which has the code', async (t) => {
  const port = await takenPort(t);
  const error = await t.throwsAsync(serveMetrics(memberMetrics([]), { host: LOOPBACK, port }), {
    instanceOf: MetricsListenFailed,
  });
  t.is(error.code, 'EADDRINUSE');
});

test('there is one page, which can only be read', async (t) => {
  const server = await serveMetrics(memberMetrics([]), ANYWHERE);
  t.teardown(() => server.close());
  t.is((await fetch(`${server.url}?collect=all`)).status, 200);
  const head = await fetch(server.url, { method: 'HEAD' });
  t.deepEqual([head.status, await head.text()], [200, '']);
  t.is((await fetch(new URL('/', server.url))).status, 404);
  await t.throwsAsync(fetch(server.url.replace('127.0.0.1', '127.0.0.2')), undefined, 'it is on this address only');
  const post = await fetch(server.url, { method: 'POST', body: 'x' });
  t.deepEqual([post.status, post.headers.get('allow')], [405, 'GET, HEAD']);
});

test('a collection that fails is an answer, and the next one is made', async (t) => {
  let isWell = false;
  const members = {
    *[Symbol.iterator]() {
      if (!isWell) throw new Error('not now');
    },
  };
  const server = await serveMetrics(memberMetrics(members as Iterable<never>), ANYWHERE);
  t.teardown(() => server.close());
  const failed = await fetch(server.url);
  t.deepEqual([failed.status, await failed.text()], [500, 'not now\n']);
  isWell = true;
  t.is((await fetch(server.url)).status, 200);
});

test('closing waits for no collector, not for one that has said half of what it wants', async (t) => {
  const server = await serveMetrics(memberMetrics([]), ANYWHERE);
  const socket = connect(Number(new URL(server.url).port), LOOPBACK);
  t.teardown(() => socket.destroy());
  const closed = new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve));
  socket.write('GET /metrics HTTP/1.1\r\nHost:');
  await once(socket, 'connect');
  t.is((await fetch(server.url)).status, 200);
  await server.close();
  await closed;
  await t.throwsAsync(fetch(server.url));
});
