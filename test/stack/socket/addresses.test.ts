// Addresses as users write them: one address has many texts, and the stack compares one.

import { once } from 'node:events';
import test from 'ava';
import { MemoryNetwork, SeededEntropy, Stack } from '@migratory/stack';
import { StackWorld } from '../../support/stack-world.js';

test('an IPv6 address in any of its texts is connected to', async (t) => {
  const world = new StackWorld({});
  const { clock } = world;
  const entropy = new SeededEntropy(1);
  const network = new MemoryNetwork(clock, entropy);
  const [server, client] = ['2001:db8::1', '2001:db8::2'].map(
    (ip) => new Stack({ driver: network.attach(ip), clock, entropy }),
  );
  if (server === undefined || client === undefined) return t.fail('no stacks');
  await world.play(server.listen({ port: 80 }, (connection) => void connection.end()));
  const connection = client.connect({ address: { ip: '2001:0DB8:0:0:0:0:0:1', port: 80 } });
  await world.play(once(connection, 'connect'));
  t.is(connection.remoteAddress.ip, '2001:db8::1');
});
