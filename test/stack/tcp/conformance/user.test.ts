// What RFC 9293 asks for between TCP and its user, at the face that users have: a Duplex.

import { once } from 'node:events';
import test from 'ava';
import { ConnectionFailed, type MigratoryConnection, type Segment, Stack, type Trouble } from '@migratory/stack';
import { FLAG } from '@migratory/stack/internal/wire/segment.js';
import { StackWorld } from '../../../support/stack-world.js';

interface Ends {
  readonly world: StackWorld;
  readonly clientStack: Stack;
  readonly client: MigratoryConnection;
  readonly server: MigratoryConnection;
}

/** Two plain hosts with a connection between them. */
async function inConnection<Result>(body: (ends: Ends) => Promise<Result>): Promise<Result> {
  const world = new StackWorld();
  return world.play(
    (async () => {
      const accepted: MigratoryConnection[] = [];
      const listener = await world.host().listen({ port: 80 }, (connection) => accepted.push(connection));
      const clientStack = world.host();
      const client = clientStack.connect({ address: listener.address, migration: 'off' });
      await once(client, 'connect');
      await world.pass(1_000);
      const [server] = accepted;
      if (server === undefined) throw new Error('nothing was accepted');
      for (const end of [client, server]) end.on('error', () => undefined);
      return body({ world, clientStack, client, server });
    })(),
  );
}

/** What one end sends from now on, by way of the network. */
function watch(world: StackWorld, end: MigratoryConnection): Segment[] {
  const { ip } = end.localAddress;
  const sent: Segment[] = [];
  world.network.observer = ({ from, segment }) => {
    if (from.ip === ip) sent.push(segment);
    return 'pass';
  };
  return sent;
}

const lengths = (segments: readonly Segment[]): number[] =>
  segments.map(({ payloadLength }) => payloadLength).filter((length) => length > 0);

test('MUST-44: the source address of a connection is that of the network below', async (t) => {
  await inConnection(async ({ client, server }) => {
    t.is(client.localAddress.ip, '10.1.0.2');
    t.deepEqual(server.remoteAddress, client.localAddress);
    return Promise.resolve();
  });
});

test('MUST-46: no connection is opened to a group, to everybody or to nobody', (t) => {
  const stack = new StackWorld().host();
  for (const ip of ['224.0.0.1', '239.255.0.1', '255.255.255.255', '0.0.0.0']) {
    t.throws(() => stack.connect({ address: { ip, port: 80 } }), { instanceOf: RangeError, message: /single host/ });
  }
  t.is(stack.connections.size, 0);
});

test('SHLD-6, MUST-67: the MSS that is announced is what the link takes, less the headers', async (t) => {
  for (const [ip, mtu, size] of [
    ['10.5.0.1', 1_500, 1_460],
    ['10.5.0.1', 9_000, 8_960],
    ['fd00::1', 1_500, 1_440],
    ['fd00::1', 1_280, 1_220],
  ] as const) {
    const world = new StackWorld();
    const { clock, entropy } = world;
    const stack = new Stack({ driver: world.network.attach(ip, mtu), clock, entropy });
    const sizes: (number | undefined)[] = [];
    world.network.observer = ({ segment }) => {
      sizes.push(segment.options.maximumSegmentSize);
      return 'drop';
    };
    stack
      .connect({ address: { ip: ip.includes(':') ? 'fd00::2' : '10.5.0.2', port: 80 } })
      .on('error', () => undefined);
    await world.until(() => sizes.length > 0);
    t.is(sizes[0], size);
    await stack.close();
  }
});

test('MUST-17: Nagle is the choice of a connection, at any time', async (t) => {
  await inConnection(async ({ world, client }) => {
    world.network.conditions = { ...world.network.conditions, minDelayMs: 10, maxDelayMs: 10 };
    const sent = watch(world, client);
    for (const text of ['a', 'b', 'c']) client.write(text);
    await world.pass(1_000);
    t.deepEqual(lengths(sent), [1, 1, 1]);
    sent.length = 0;
    client.setNoDelay(false);
    for (const text of ['a', 'b', 'c']) client.write(text);
    await world.pass(1_000);
    t.deepEqual(lengths(sent), [1, 2]);
    sent.length = 0;
    client.setNoDelay();
    for (const text of ['a', 'b', 'c']) client.write(text);
    await world.pass(1_000);
    t.deepEqual(lengths(sent), [1, 1, 1]);
  });
});

test('MUST-24, MUST-25, MUST-27: keep-alives are the choice of a connection, and so is how long they wait', async (t) => {
  await inConnection(async ({ world, client }) => {
    const sent = watch(world, client);
    await world.pass(10_000_000);
    t.is(sent.length, 0, 'off');
    client.setKeepAlive(true, 60_000);
    await world.pass(59_000);
    const early = sent.length;
    await world.pass(2_000);
    t.is(sent.length, early + 1, 'a minute after the last one was answered');
    client.setKeepAlive(false);
    sent.length = 0;
    await world.pass(10_000_000);
    t.is(sent.length, 0, 'off again');
  });
});

test('MUST-28: two hours, where nothing else is said', async (t) => {
  await inConnection(async ({ world, client, server }) => {
    client.setKeepAlive(true);
    server.write('now');
    await world.pass(1_000);
    const sent = watch(world, client);
    await world.pass(7_190_000);
    t.is(sent.length, 0);
    await world.pass(20_000);
    t.is(sent.length, 1);
  });
});

test('MUST-21, MUST-12: the user says when a silent peer is given up, and is told', async (t) => {
  await inConnection(async ({ world, client, server }) => {
    client.setUserTimeout(5_000);
    world.network.cut(server.localAddress.ip, client.localAddress.ip);
    const failed = once(client, 'error') as Promise<[unknown]>;
    const from = world.clock.now();
    client.write('is anybody there?');
    // `once` rejects with an 'error' unless it waits for that very event.
    const [error] = await failed;
    t.true(error instanceof ConnectionFailed);
    t.true(world.clock.now() - from >= 5_000 && world.clock.now() - from < 8_000);
  });
});

test('MUST-21: a time in which nobody could answer is refused, and changes nothing', async (t) => {
  await inConnection(async ({ client, server }) => {
    for (const time of [0, -1, NaN]) t.throws(() => client.setUserTimeout(time), { instanceOf: RangeError });
    client.write('still here');
    const [chunk] = (await once(server, 'data')) as [Buffer];
    t.is(String(chunk), 'still here');
  });
});

test('MUST-47, SHLD-9, SHLD-20: what goes wrong and ends nothing is told to who wants to know', async (t) => {
  await inConnection(async ({ world, client, server }) => {
    const troubles: Trouble[] = [];
    client.on('trouble', (trouble: Trouble) => troubles.push(trouble));
    world.network.cut(client.localAddress.ip, server.localAddress.ip);
    client.write('x');
    await world.pass(1_000);
    t.deepEqual(troubles, [], 'not before the third timeout');
    await world.pass(5_000);
    t.deepEqual(troubles[0], { kind: 'unacknowledged', timeoutCount: 3 });
    client.removeAllListeners('trouble');
    world.network.heal();
    const [chunk] = (await once(server, 'data')) as [Buffer];
    t.is(chunk.toString(), 'x', 'and it goes on');
  });
});

test('SHLD-25, MUST-54: a router that says that the peer is not to be reached is heard, and nothing ends', async (t) => {
  await inConnection(async ({ world, clientStack, client, server }) => {
    const troubles: Trouble[] = [];
    client.on('trouble', (trouble: Trouble) => troubles.push(trouble));
    const sent = watch(world, client);
    world.network.observer = ({ from, segment }) => {
      if (from.ip === client.localAddress.ip) sent.push(segment);
      return 'drop';
    };
    client.write('x');
    const sequence = sent[0]?.sequence ?? 0;
    const report = { kind: 'unreachable', hardness: 'soft', sequence } as const;
    clientStack.run((now) => clientStack.host.networkReport(now, client.localAddress, client.remoteAddress, report));
    t.deepEqual(troubles, [{ kind: 'unreachable', hardness: 'soft' }]);
    world.network.observer = undefined;
    const [chunk] = (await once(server, 'data')) as [Buffer];
    t.is(chunk.toString(), 'x');
  });
});

test('MUST-32, MUST-33: urgent data is told of, and how much of it is left', async (t) => {
  await inConnection(async ({ world, client, server }) => {
    const sent = watch(world, server);
    server.write('hello');
    await world.pass(1_000);
    const last = sent.at(-1);
    if (last === undefined) throw new Error('nothing was sent');
    let toldCount = 0;
    client.on('urgent', () => toldCount++);
    world.network.send(server.localAddress, client.localAddress, {
      ...last,
      flags: FLAG.ack | FLAG.urg,
      sequence: (last.sequence + last.payloadLength) >>> 0,
      urgentPointer: 3,
      payload: [],
      payloadLength: 0,
    });
    await world.pass(1_000);
    t.is(toldCount, 1);
    t.is(client.urgentLength, 8, 'hello, and three that are still to come');
    client.resume();
    await world.pass(1_000);
    t.is(client.urgentLength, 3);
  });
});
