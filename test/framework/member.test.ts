// A member: its stack is closed with its application, however that ends.

import test from 'ava';
import { defineService, done, startMember, type ServiceLifecycle } from '@migratory/framework';
import { thrownBy } from '../support/service-world.js';

const service = defineService({
  name: 'member',
  version: 1,
  entry: 'only',
  fields: () => ({}),
  stages: { only: async () => Promise.resolve(done()) },
});

async function memberWith(lifecycle: ServiceLifecycle): Promise<Awaited<ReturnType<typeof startMember>>> {
  return startMember({ stack: { ip: '127.0.0.1' }, services: [{ service, port: 0, lifecycle }] });
}

const openSocketCount = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'UDPWrap').length;

test('a hook that throws keeps no stack open; a drain hook does, for the connections that stay until the stop', async (t) => {
  const failing = (): never => {
    throw new Error('on purpose');
  };
  const before = openSocketCount();
  for (const end of ['stop', 'drain'] as const) {
    const member = await memberWith({ stop: failing });
    t.is(openSocketCount(), before + 1);
    t.regex(String(await thrownBy(() => member[end]())), /on purpose/);
    await closed();
    t.is(openSocketCount(), before, end);
  }
  const member = await memberWith({ drain: failing });
  t.regex(String(await thrownBy(() => member.drain())), /on purpose/);
  await closed();
  t.deepEqual([member.application.state, openSocketCount()], ['draining', before + 1]);
  await member.stop();
  await closed();
  t.is(openSocketCount(), before);
});

/** A socket's handle goes in the turn after its close. */
function closed(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
