// What our connections do beyond, or otherwise than, net.Socket: error codes, bounds, resets, and a stack that is closed.

import { once } from 'node:events';
import test from 'ava';
import { type ConnectionFailed, type Stack, StackClosed, WrongRole, type MigratoryConnection } from '@migratory/stack';
import { pattern, readAll } from '../../support/bytes.js';
import {
  inService,
  memberAddress,
  memberIp,
  SERVICE_PORT,
  StackWorld,
  testServicePublicKey,
  type Service,
} from '../../support/stack-world.js';

function firstAccepted({ accepted }: Service): MigratoryConnection {
  const first = accepted[0];
  if (first === undefined) throw new Error('nothing was accepted');
  return first.connection;
}

/** The connection's error, or undefined where it closes without one. */
function ending(connection: MigratoryConnection): Promise<ConnectionFailed | undefined> {
  let failure: ConnectionFailed | undefined;
  connection.on('error', (error: ConnectionFailed) => (failure = error));
  return new Promise((resolve) => connection.once('close', () => resolve(failure)));
}

test('there is room again when most of what was written has left, not before', async (t) => {
  await inService({}, async (service) => {
    const server = firstAccepted(service);
    const bytes = pattern(300 * 1024);
    t.false(server.write(bytes));
    t.true(server.unacknowledgedLength >= bytes.length);
    const received = readAll(service.client);
    await once(server, 'drain');
    t.true(server.unacknowledgedLength < bytes.length / 2, `${server.unacknowledgedLength} bytes`);
    server.end(bytes);
    t.is((await received).length, 2 * bytes.length);
    await service.world.pass(1_000);
    t.is(server.unacknowledgedLength, 0);
  });
});

test('what is written before the connection is open, and after destroy() still delivered, is unacknowledged', async (t) => {
  await inService({}, async (service) => {
    const early = service.clientStack.connect({ address: memberAddress(1) });
    early.on('error', () => undefined);
    early.write(pattern(5_000));
    t.is(early.unacknowledgedLength, 5_000);
    await service.world.pass(0.15);
    t.true(early.unacknowledgedLength >= 5_000);
    await service.world.pass(1_000);
    t.is(early.unacknowledgedLength, 0);
    const server = firstAccepted(service);
    for (let count = 0; count < 10; count++) server.write(pattern(100_000));
    t.true(server.unacknowledgedLength >= 1_000_000);
    server.destroy();
    t.true(server.unacknowledgedLength >= 1_000_000);
    await readAll(service.client);
  });
});

test('an encoding that is none is refused, and what is written next arrives', async (t) => {
  await inService({}, async (service) => {
    const server = firstAccepted(service);
    const wrong = 'nonsense' as BufferEncoding;
    t.throws(() => server.write(pattern(8), wrong), { code: 'ERR_UNKNOWN_ENCODING' });
    t.throws(() => server.write('text', wrong), { code: 'ERR_UNKNOWN_ENCODING' });
    server.end('hello');
    t.is((await readAll(service.client)).toString(), 'hello');
  });
});

test('nothing is left in the stacks once both sides are done', async (t) => {
  await inService({}, async (service) => {
    const { client, clientStack, world } = service;
    const server = firstAccepted(service);
    t.deepEqual([...clientStack.connections], [client]);
    t.deepEqual([...world.member(1).connections], [server]);
    server.end(pattern(3_000_000));
    client.end(pattern(3_000_000));
    await Promise.all([readAll(client), readAll(server)]);
    await world.pass(120_000);
    t.is(clientStack.connections.size, 0);
    t.is(world.member(1).connections.size, 0);
    t.is(clientStack.host.connectionCount, 0);
    t.is(world.member(1).host.connectionCount, 0);
    t.is(world.clock.nextWake(), Infinity, 'no timer is left either');
  });
});

test('a client port is free again after TIME-WAIT, and not before', async (t) => {
  await inService({}, async (service) => {
    const { client, clientStack, world } = service;
    client.end();
    client.resume();
    firstAccepted(service).end();
    await ending(client);
    t.is(clientStack.host.connectionCount, 1);
    await world.pass(59_000);
    t.is(clientStack.host.connectionCount, 1);
    await world.pass(2_000);
    t.is(clientStack.host.connectionCount, 0);
  });
});

test('a reader that does not read bounds what both ends keep', async (t) => {
  await inService({}, async (service) => {
    const { client, world } = service;
    const server = firstAccepted(service);
    let length = 0;
    while (server.write(pattern(100_000))) length += 100_000;
    for (let attempt = 0; attempt < 100; attempt++) {
      await world.pass(10_000);
      while (!server.writableNeedDrain && server.write(pattern(100_000))) length += 100_000;
    }
    t.true(server.writableNeedDrain);
    t.true(length < 1.5 * 1024 * 1024, `${length} bytes were taken`);
    t.true(client.readableLength <= 300 * 1024);
  });
});

test('destroy(error) resets the peer: a broken stream must not pass for a finished one', async (t) => {
  await inService({}, async (service) => {
    const server = firstAccepted(service);
    const gone = ending(service.client);
    server.on('error', () => undefined);
    server.write('half of');
    server.destroy(new Error('disk'));
    t.is((await gone)?.code, 'ECONNRESET');
  });
});

test('destroy(error) of a stream that is done costs the peer nothing', async (t) => {
  await inService({}, async (service) => {
    const server = firstAccepted(service);
    server.on('error', () => undefined);
    server.end(pattern(900_000));
    const received = readAll(service.client);
    await once(server, 'finish');
    t.true(server.unacknowledgedLength > 0);
    server.destroy(new Error('late'));
    t.is((await received).length, 900_000);
  });
});

test('destroy() still delivers a full send buffer', async (t) => {
  await inService({ lingerMs: 5_000 }, async (service) => {
    const server = firstAccepted(service);
    server.write(pattern(900_000));
    server.destroy();
    t.is((await readAll(service.client)).length, 900_000);
  });
});

test('a destroyed connection whose peer does not take the rest is reset after lingerMs', async (t) => {
  await inService({ lingerMs: 5_000, client: { tcp: { receiveBufferLength: 65_536 } } }, async (service) => {
    const { client, world } = service;
    const server = firstAccepted(service);
    const gone = ending(client);
    server.write(pattern(900_000));
    server.destroy();
    await world.pass(4_000);
    t.is(world.member(1).host.connectionCount, 1);
    t.is(world.member(1).connections.size, 0);
    t.is((await gone)?.code, 'ECONNRESET');
  });
});

test('input that nobody has taken out of the core counts as unread: destroy() resets', async (t) => {
  await inService({}, async (service) => {
    const { client, world } = service;
    const server = firstAccepted(service);
    const gone = ending(server);
    server.write('x');
    await world.pass(1_000);
    client.destroy();
    t.is((await gone)?.code, 'ECONNRESET');
  });
});

/** Sends 5,000 bytes and the end, of which the first segment comes last: the rest is in order all at once. */
function sendWithGap({ client, world }: Service): void {
  let isFirst = true;
  world.network.observer = ({ to, segment }) => {
    if (to.ip !== memberIp(1) || segment.payloadLength === 0 || !isFirst) return 'pass';
    isFirst = false;
    return 'drop';
  };
  client.end(pattern(5_000));
}

test("a 'data' handler is never called inside itself, whatever it writes", async (t) => {
  let depth = 0;
  let chunkCount = 0;
  const serve = (connection: MigratoryConnection): void => {
    connection.on('data', (chunk: Buffer) => {
      depth++;
      chunkCount++;
      t.is(depth, 1);
      connection.write(chunk.subarray(0, 10));
      connection.write(chunk.subarray(10));
      depth--;
    });
    connection.on('end', () => connection.end());
  };
  await inService({ serve }, async (service) => {
    sendWithGap(service);
    t.true((await readAll(service.client)).equals(pattern(5_000)));
    t.true(chunkCount > 1);
  });
});

test('destroy() in the middle of input that is all there resets: the rest is unread', async (t) => {
  const serve = (connection: MigratoryConnection): void => {
    connection.once('data', () => connection.destroy());
  };
  await inService({ serve }, async (service) => {
    const gone = ending(service.client);
    service.client.resume();
    sendWithGap(service);
    t.is((await gone)?.code, 'ECONNRESET');
  });
});

test('a peer that falls silent is ETIMEDOUT', async (t) => {
  await inService({ connect: { migration: 'preferred' }, memberCount: 1 }, async (service) => {
    const { client, world } = service;
    const gone = ending(client);
    world.network.cut(memberIp(1), client.localAddress.ip);
    client.write('is anybody there?');
    const failure = await gone;
    t.is(failure?.code, 'ETIMEDOUT');
    t.is(failure?.message, 'ETIMEDOUT: 10.0.0.1:80: the peer does not answer');
  });
});

test('a server that never answers the SYN is ETIMEDOUT', async (t) => {
  const world = new StackWorld();
  const client = world.host().connect({ address: memberAddress(1) });
  t.is((await world.play(ending(client)))?.code, 'ETIMEDOUT');
});

test('migration required: a plain server is ERR_NOT_MIGRATORY, and neither end stays open', async (t) => {
  const world = new StackWorld({ memberCount: 1 });
  const stack = world.host();
  const body = async (): Promise<void> => {
    const accepted: Promise<unknown>[] = [];
    await world.member(1).listen({ port: SERVICE_PORT, migratable: false }, (connection) => {
      accepted.push(ending(connection));
    });
    const client = stack.connect({ address: memberAddress(1), migration: 'required' });
    const failure = await ending(client);
    t.is(failure?.code, 'ERR_NOT_MIGRATORY');
    t.is(failure?.message.split('\n').length, 1);
    await Promise.all(accepted);
  };
  await world.play(body());
  t.is(stack.connections.size, 0);
  t.is(world.member(1).connections.size, 0);
});

test('migration preferred or off: a plain connection results, which says so', async (t) => {
  for (const migration of ['preferred', 'off'] as const) {
    const world = new StackWorld({ memberCount: 1 });
    const body = async (): Promise<void> => {
      let server: MigratoryConnection | undefined;
      await world.member(1).listen({ port: SERVICE_PORT, migratable: migration === 'off' }, (connection) => {
        server = connection;
        connection.end('plain');
      });
      const client = world.host().connect({ address: memberAddress(1), migration });
      t.is((await readAll(client)).toString(), 'plain');
      t.is(client.cid, undefined);
      t.is(client.member, undefined);
      t.deepEqual(await client.requestMove(), { kind: 'impossible', cause: 'not-ready' });
      t.deepEqual(server?.getState(), { kind: 'new' });
      server?.setState(new Uint8Array(10));
      t.deepEqual(server?.getState(), { kind: 'new' });
    };
    await world.play(body());
  }
});

test("the service's public key: the right one connects, another one is ERR_SET_UP_FAILED", async (t) => {
  await inService({ connect: { servicePublicKey: testServicePublicKey() } }, ({ client }) => {
    t.is(client.member, 1);
    t.deepEqual(client.members, [1, 2, 3]);
    return Promise.resolve();
  });
  const wrong = inService({ connect: { servicePublicKey: testServicePublicKey(8) } }, () => Promise.resolve());
  const error = await t.throwsAsync<ConnectionFailed>(wrong);
  t.is(error.code, 'ERR_SET_UP_FAILED');
});

test('addresses and keys that cannot be are refused at the call', (t) => {
  const stack = new StackWorld().host();
  const connect = (ip: string, port: number, servicePublicKey?: Uint8Array) => () =>
    stack.connect({ address: { ip, port }, ...(servicePublicKey === undefined ? {} : { servicePublicKey }) });
  for (const call of [
    connect('10.0.0.1', 0),
    connect('10.0.0.1', 65_536),
    connect('10.0.0.1', 1.5),
    connect('::1', 80),
    connect('example.com', 80),
    connect('10.0.0.1', 80, new Uint8Array(31)),
  ]) {
    const error = t.throws(call, { instanceOf: RangeError });
    t.false(error.message.includes('\n'));
  }
  t.is(stack.connections.size, 0);
});

test('each role has its own way to move', async (t) => {
  await inService({}, async (service) => {
    t.throws(() => service.client.adviseMove(2), { instanceOf: WrongRole, code: 'ERR_WRONG_ROLE' });
    t.throws(() => void firstAccepted(service).requestMove(2), { instanceOf: WrongRole });
    await Promise.resolve();
  });
});

test('closing a stack resets its connections and ends its timers; nothing opens on it again', async (t) => {
  await inService({}, async (service) => {
    const { client, clientStack, world } = service;
    const server = firstAccepted(service);
    const [gone, clientGone] = [ending(server), ending(client)];
    const opening = clientStack.connect({ address: memberAddress(2) });
    const openingGone = ending(opening);
    await clientStack.close();
    await clientStack.close();
    t.is((await gone)?.code, 'ECONNRESET');
    t.is(await clientGone, undefined);
    t.is(await openingGone, undefined);
    t.is(clientStack.connections.size, 0);
    const late = clientStack.connect({ address: memberAddress(1) });
    t.true(((await ending(late)) as unknown) instanceof StackClosed);
    await t.throwsAsync(
      clientStack.listen({ port: 81 }, () => undefined),
      { instanceOf: StackClosed },
    );
    t.is(world.member(1).connections.size, 0);
  });
});

test('closing a stack also resets what was destroyed and still delivers', async (t) => {
  await inService({ client: { tcp: { receiveBufferLength: 65_536 } } }, async (service) => {
    const { client, world } = service;
    const server = firstAccepted(service);
    const gone = ending(client);
    server.write(pattern(900_000));
    server.destroy();
    await world.pass(1_000);
    await world.member(1).close();
    t.is((await gone)?.code, 'ECONNRESET');
  });
});

test('closing a stack also resets what is not open yet', async (t) => {
  const world = new StackWorld({ memberCount: 1 });
  const body = async (): Promise<void> => {
    await world.member(1).listen({ port: SERVICE_PORT }, () => t.fail());
    const client = world.host().connect({ address: memberAddress(1) });
    const gone = ending(client);
    await once(client, 'connect');
    await world.member(1).close();
    t.is((await gone)?.code, 'ECONNRESET');
  };
  await world.play(body());
});

test('a closed listener refuses, keeps what is open, and its port can be listened on again', async (t) => {
  const world = new StackWorld({ memberCount: 1 });
  const member: Stack = world.member(1);
  const host = world.host();
  const body = async (): Promise<void> => {
    const first: MigratoryConnection[] = [];
    const listener = await member.listen({ port: SERVICE_PORT }, (connection) => first.push(connection));
    const early = host.connect({ address: memberAddress(1) });
    await once(early, 'migratable');
    await listener.close();
    await listener.close();
    t.is((await ending(host.connect({ address: memberAddress(1) })))?.code, 'ECONNREFUSED');
    first[0]?.end('still here');
    t.is((await readAll(early)).toString(), 'still here');
    await member.listen({ port: SERVICE_PORT }, (connection) => connection.end('again'));
    t.is((await readAll(host.connect({ address: memberAddress(1) }))).toString(), 'again');
    await t.throwsAsync(member.listen({ port: SERVICE_PORT }, () => undefined));
  };
  await world.play(body());
});
