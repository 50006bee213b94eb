// Metrics: what Prometheus reads is what was counted, of every counter, at the time of the collection; and docs/metrics.md
// says what each is.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import fc from 'fast-check';
import { defineService, done, next, type Application, type ServiceCounters } from '@migratory/framework';
import { memberMetrics, parseMetricsAddress } from '@migratory/framework/metrics';
import { formatMetricsAddress } from '@migratory/framework/internal/metrics/metrics-address.js';
import type { Metric } from '@migratory/framework/internal/metrics/metric.js';
import { SERVICE_METRICS } from '@migratory/framework/internal/metrics/service-metrics.js';
import { STACK_METRICS } from '@migratory/framework/internal/metrics/stack-metrics.js';
import { newServiceCounters } from '@migratory/framework/internal/runtime/counters.js';
import { newCounters } from '@migratory/stack/internal/host/counters.js';
import { parseExposition, type ExposedMetric } from '../support/exposition.js';
import { inServiceWorld } from '../support/service-world.js';

const Lines = defineService({
  name: 'lines',
  version: 1,
  entry: 'line',
  fields: () => ({ count: 0 }),
  stages: {
    line: async (session, io) => {
      const line = await io.readUntil('\n', { maxLength: 100 });
      if (line === undefined) return done();
      session.count += 1;
      await io.once('effect', () => 1);
      await io.write(`${session.count}\n`);
      return next('line');
    },
  },
});

const valueOf = (metrics: ReadonlyMap<string, ExposedMetric>, name: string, labels: string): number | undefined =>
  metrics.get(name)?.samples.get(labels);

test('after some traffic and a move, each member says what it has counted', async (t) => {
  await inServiceWorld({ service: Lines }, async (world) => {
    const members = [1, 2].map((id) => ({
      application: world.application(id),
      stack: world.stacks.member(id),
      name: String(id),
    }));
    const registry = memberMetrics(members);
    world.client.send('a\nb\n');
    await world.pass();
    const before = parseExposition(await registry.metrics());
    t.is(await world.move(2), 'moved');
    world.client.send('c\n');
    await world.pass();
    t.is(world.client.text, '1\n2\n3\n');
    const after = parseExposition(await registry.metrics());
    const both = (name: string, from = after): unknown[] =>
      ['1', '2'].map((id) => valueOf(from, `migratory_${name}`, `member="${id}",service="lines"`));
    t.deepEqual(both('connections', before), [1, 0]);
    t.deepEqual(both('connections'), [0, 1]);
    t.deepEqual(both('connections_accepted_total'), [1, 0]);
    t.deepEqual(both('connections_departed_total'), [1, 0]);
    t.deepEqual(both('connections_arrived_total', before), [0, 0]);
    t.deepEqual(both('connections_arrived_total'), [0, 1]);
    t.deepEqual(both('effects_made_total'), [2, 1]);
    for (const [index, id] of ['1', '2'].entries()) {
      t.is(valueOf(after, 'migratory_images_given_total', `member="${id}"`), [1, 0][index]);
      t.is(valueOf(after, 'migratory_images_installed_total', `member="${id}"`), [0, 1][index]);
      for (const [key, value] of Object.entries(world.counters(index + 1))) {
        const { name } = SERVICE_METRICS[key as keyof ServiceCounters];
        t.is(valueOf(after, name, `member="${id}",service="lines"`), value, name);
      }
    }
  });
});

test('every counter has a metric of its own, with its own value', async (t) => {
  const [service, stack] = [newServiceCounters(), newCounters()];
  let value = 0;
  for (const counters of [service, stack]) {
    for (const key of Object.keys(counters)) Object.assign(counters, { [key]: ++value });
  }
  const application: Pick<Application, 'counters'> = { counters: { one: service } };
  const members = [{ application, stack: { counters: stack, unconfirmedCount: ++value } }];
  const registry = memberMetrics(members);
  const named = (metrics: Readonly<Record<string, Metric>>, counters: object): (readonly [string, unknown])[] =>
    Object.entries(counters).map(([key, count]: [string, unknown]) => [metrics[key]?.name ?? key, count]);
  const expected = [...named(SERVICE_METRICS, service), ...named(STACK_METRICS, stack)];
  const exposed = [...parseExposition(await registry.metrics())];
  const found = exposed.map(([name, { samples }]) => [name, samples.get('service="one"') ?? samples.get('')] as const);
  t.deepEqual(Object.fromEntries<unknown>(found), {
    ...Object.fromEntries(expected),
    migratory_unconfirmed_connections: value,
  });
  t.is(found.length, value);
});

test('names are as Prometheus wants them', async (t) => {
  for (const [name, { type, help }] of parseExposition(await memberMetrics([]).metrics())) {
    t.regex(name, /^migratory_[a-z_]+$/);
    t.is(name.endsWith('_total'), type === 'counter', name);
    t.regex(help, /^[A-Z].*\.$/);
    t.notRegex(name, /bytes_(?!total$)|(?:length|ms|size|count)(?:_|$)/);
  }
});

test('members may be given before they have started, and go again; values may fall', async (t) => {
  const counters = { ...newServiceCounters(), accepted: 5 };
  const members: Parameters<typeof memberMetrics>[0] & unknown[] = [];
  const registry = memberMetrics(members);
  const samplesOf = async (name: string): Promise<unknown> => [
    ...(parseExposition(await registry.metrics()).get(name)?.samples ?? []),
  ];
  const accepted = (): Promise<unknown> => samplesOf('migratory_connections_accepted_total');
  t.deepEqual(await accepted(), []);
  members.push({
    application: { counters: { one: counters } },
    stack: { counters: newCounters(), unconfirmedCount: 0 },
  });
  t.deepEqual(await accepted(), [['service="one"', 5]]);
  t.deepEqual(await accepted(), [['service="one"', 5]]);
  counters.accepted = 3;
  t.deepEqual(await accepted(), [['service="one"', 3]]);
  t.deepEqual(await samplesOf('migratory_connections'), [['service="one"', 0]]);
  members.pop();
  t.deepEqual(await accepted(), []);
  t.deepEqual(await samplesOf('migratory_connections'), []);
});

test('the page has every metric, with its type and its help', async (t) => {
  const page = readFileSync(fileURLToPath(new URL('../../../docs/metrics.md', import.meta.url)), 'utf8');
  const rows = [...page.matchAll(/^\| `(migratory_\w+)` +\| (\w+) +\| (.+?) +\|$/gm)].map(([, ...cells]) => cells);
  const metrics = [...parseExposition(await memberMetrics([]).metrics())];
  t.deepEqual(
    rows.map((cells) => cells.map((cell) => cell.replaceAll('`', ''))),
    metrics.map(([name, { type, help }]) => [name, type, help]),
  );
});

test('an address is what its text says, and no other text is one', (t) => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('localhost', 'metrics.example-1.org'));
  fc.assert(
    fc.property(host, fc.nat(65_535), (host, port) => {
      t.deepEqual(parseMetricsAddress(formatMetricsAddress({ host, port })), { host, port });
    }),
  );
  t.deepEqual(parseMetricsAddress('9100'), { host: '127.0.0.1', port: 9100 });
  for (const text of ['', 'x', ':9100', '65536', '::1:9100', '[::1]', '1.2.3.4:', 'a b:1', '0x50', '-1', '9100 ']) {
    t.is(parseMetricsAddress(text), undefined, text);
  }
});
