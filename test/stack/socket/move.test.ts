// Moves as users ask for them and see them end: outcomes, locks, advice, and fifty moves in a row.

import { once } from 'node:events';
import test from 'ava';
import type { ConnectionFailed, Departure, MigratoryConnection, MoveOutcome, MoveReport } from '@migratory/stack';
import { pattern, readAll, readExactly } from '../../support/bytes.js';
import { inService, memberIp, SERVICE_PORT, startService, type Service } from '../../support/stack-world.js';

function latest({ accepted }: Service): MigratoryConnection {
  const last = accepted.at(-1);
  if (last === undefined) throw new Error('nothing was accepted');
  return last.connection;
}

function reasonsOf(outcome: MoveOutcome): Record<number, string> {
  if (!('report' in outcome)) return {};
  return Object.fromEntries(outcome.report.refusals.map(({ member, reason }) => [member, reason]));
}

/** The members' application: an echo that goes on from the number of bytes that it has echoed. */
function echo(connection: MigratoryConnection): void {
  connection.on('data', (chunk: Buffer) => {
    if (!connection.write(chunk)) {
      connection.pause();
      connection.once('drain', () => connection.resume());
    }
    connection.setState(Buffer.from('echo'));
  });
  connection.on('end', () => {
    connection.end();
    connection.setState(Buffer.from('echo'));
  });
}

test('back and forth fifty times while an echo runs: every byte comes back once', async (t) => {
  const bytes = pattern(4_000_000);
  await inService({ serve: echo, memberCount: 2 }, async (service) => {
    const { client, accepted, world } = service;
    const received: Buffer[] = [];
    client.on('data', (chunk: Buffer) => received.push(chunk));
    for (let move = 1; move <= 50; move++) {
      client.write(bytes.subarray((move - 1) * 80_000, move * 80_000));
      await world.pass(0.3 * (move % 5));
      const outcome = await client.requestMove();
      t.is(outcome.kind, 'moved');
      t.is(client.epoch, move);
      t.is(client.member, (move % 2) + 1);
    }
    client.end();
    await once(client, 'end');
    t.true(Buffer.concat(received).equals(bytes));
    t.deepEqual(
      accepted.map(({ member }) => member),
      Array.from({ length: 51 }, (_, index) => (index % 2) + 1),
    );
    const cid = accepted[0]?.connection.cid;
    await world.pass(200_000);
    for (const id of [1, 2]) {
      t.is(world.member(id).connections.size, 0);
      t.is(world.member(id).host.connectionCount, 0);
      t.is(world.member(id).counters.imagesGiven, 25);
    }
    t.is(typeof cid, 'string');
  });
});

test("'moved' tells the origin where the connection went; its stream closes without an error", async (t) => {
  await inService({ serve: echo }, async (service) => {
    const { client, accepted } = service;
    const origin = latest(service);
    const told: unknown[] = [];
    origin.on('moved', (departure: Departure) => told.push(departure));
    origin.on('error', (error: Error) => told.push(error));
    const gone = new Promise((resolve) => origin.once('close', resolve));
    const reports: MoveReport[] = [];
    client.on('move', (report: MoveReport) => reports.push(report));
    const outcome = await client.requestMove(3);
    await gone;
    t.deepEqual(told, [{ to: 3, epoch: 1 }]);
    t.deepEqual(outcome, { kind: 'moved', report: reports[0] as MoveReport });
    t.like(reports[0], { from: 1, to: 3, epoch: 1, refusals: [] });
    t.true((reports[0]?.stallMs ?? 0) > 0);
    t.is(origin.lockState(), 'migrated');
    t.is(accepted.at(-1)?.member, 3);
    t.deepEqual(client.remoteAddress, { ip: memberIp(3), port: SERVICE_PORT });
    t.true(latest(service).imageLength > 0);
    t.is(origin.imageLength, 0);
    t.is(latest(service).cid, client.cid);
  });
});

test('a write that waits for room when the connection leaves gets its callback', async (t) => {
  await inService({}, async (service) => {
    const origin = latest(service);
    const chunk = pattern(500_000);
    const written = Array.from(
      { length: 8 },
      () => new Promise<Error | null | undefined>((resolve) => origin.write(chunk, resolve)),
    );
    t.true(origin.writableNeedDrain);
    t.is((await service.client.requestMove(2)).kind, 'moved');
    const last = (await Promise.all(written)).at(-1) as NodeJS.ErrnoException;
    t.is(last.code, 'ERR_STREAM_DESTROYED');
  });
});

test('the reasons for which a connection stays', async (t) => {
  const listenNowhere = async (service: Service): Promise<void> => {
    for (const id of [2, 3]) await service.listeners[id - 1]?.close();
  };
  await inService({ serve: echo }, async (service) => {
    await listenNowhere(service);
    const outcome = await service.client.requestMove(2);
    t.is(outcome.kind, 'stayed');
    t.deepEqual(reasonsOf(outcome), { 2: 'refused-by-policy', 3: 'refused-by-policy' });
    t.like(outcome, { report: { from: 1, to: 1 } });
    service.client.end('goes on');
    t.is((await readAll(service.client)).toString(), 'goes on');
  });
});

test('a member that is cut off from its peers cannot take the connection', async (t) => {
  await inService({ serve: echo }, async (service) => {
    const { client, world } = service;
    for (const id of [2, 3]) {
      world.network.cut(memberIp(1), memberIp(id));
      world.network.cut(memberIp(id), memberIp(1));
    }
    const outcome = await client.requestMove(2);
    t.is(outcome.kind, 'stayed');
    t.deepEqual(reasonsOf(outcome), { 2: 'origin-unreachable', 3: 'origin-unreachable' });
    client.end('goes on');
    t.is((await readAll(client)).toString(), 'goes on');
  });
});

test('what makes a move impossible', async (t) => {
  const cause = async (outcome: Promise<MoveOutcome>): Promise<string> => {
    const settled = await outcome;
    return settled.kind === 'impossible' ? settled.cause : settled.kind;
  };
  await inService({ serve: echo, memberCount: 1 }, async ({ client }) => {
    t.is(await cause(client.requestMove()), 'no-other-member');
  });
  await inService({ serve: echo }, async (service) => {
    const { client, clientStack } = service;
    const fresh = clientStack.connect({ address: client.remoteAddress });
    t.is(await cause(fresh.requestMove(2)), 'not-ready');
    fresh.destroy();
    t.is(await cause(client.requestMove(9)), 'unknown-member');
    const first = client.requestMove(2);
    t.is(await cause(client.requestMove(3)), 'moving');
    t.is(await cause(first), 'moved');
    client.write('x');
    client.destroy();
    t.is(await cause(client.requestMove(3)), 'closing');
  });
  await inService({ serve: (connection) => connection.end() }, async ({ client, world }) => {
    client.resume();
    client.end();
    await once(client, 'close');
    await world.pass(10);
    t.is(await cause(client.requestMove(2)), 'not-ready');
  });
});

test('when no member answers any more the connection is lost, and says so', async (t) => {
  await inService({ serve: echo, migration: { moveGiveUpMs: 20_000 } }, async ({ client, world }) => {
    let failure: ConnectionFailed | undefined;
    client.on('error', (error: ConnectionFailed) => (failure = error));
    for (const id of [1, 2, 3]) world.network.cut(client.localAddress.ip, memberIp(id));
    const startedAt = world.clock.now();
    t.deepEqual(await client.requestMove(2), { kind: 'lost', reason: 'move-gave-up' });
    await new Promise((resolve) => client.once('close', resolve));
    t.is(failure?.code, 'ERR_MOVE_GAVE_UP');
    t.true(Math.abs(world.clock.now() - startedAt - 20_000) < 1_000);
  });
});

test('destroying a client during a move settles the move', async (t) => {
  await inService({ serve: echo }, async ({ client }) => {
    const moving = client.requestMove(2);
    client.destroy();
    t.deepEqual(await moving, { kind: 'lost', reason: 'aborted' });
  });
});

test('a lock keeps the connection here; opened in time, the move goes on', async (t) => {
  await inService({}, async (service) => {
    const { client, world } = service;
    const origin = latest(service);
    t.is(origin.lockState(), 'here');
    const moving = client.requestMove(2);
    await world.pass(300);
    t.is(service.accepted.length, 1);
    t.is(origin.lockState(), 'here');
    origin.unlockState();
    t.is(origin.lockState(), 'migrated');
    t.is((await moving).kind, 'moved');
    t.is(client.member, 2);
  });
});

test('a lock that is kept is answered busy after lockWaitMs, and nothing has happened', async (t) => {
  await inService({ limits: { lockWaitMs: 200 }, serve: () => undefined }, async (service) => {
    const { client, world } = service;
    const origin = latest(service);
    origin.lockState();
    const startedAt = world.clock.now();
    const outcome = await client.requestMove(2);
    t.is(outcome.kind, 'stayed');
    t.deepEqual(reasonsOf(outcome), { 2: 'busy', 3: 'busy' });
    t.true(world.clock.now() - startedAt < 1_000);
    t.is(origin.lockState(), 'here');
    origin.end('committed');
    t.is((await readAll(client)).toString(), 'committed');
    t.is(service.accepted.length, 1);
  });
});

test('unlockState() without a lock, or twice, does nothing', async (t) => {
  await inService({}, async (service) => {
    const origin = latest(service);
    origin.unlockState();
    origin.lockState();
    origin.unlockState();
    origin.unlockState();
    t.is((await service.client.requestMove(2)).kind, 'moved');
    origin.unlockState();
    t.is(origin.lockState(), 'migrated');
  });
});

test('a member advises, and the client follows', async (t) => {
  await inService({ serve: echo }, async (service) => {
    const { client, world } = service;
    latest(service).adviseMove(3);
    const [report] = (await once(client, 'move')) as [MoveReport];
    t.like(report, { from: 1, to: 3 });
    await world.pass(10);
    latest(service).adviseMove(1);
    await once(client, 'move');
    t.is(client.member, 1);
  });
});

test('advice that is given as soon as the connection has arrived is not lost', async (t) => {
  const serve = (connection: MigratoryConnection, member: number): void => {
    if (member === 2) connection.adviseMove(3);
  };
  await inService({ serve }, async ({ client, world }) => {
    await client.requestMove(2);
    await world.pass(1_000);
    t.is(client.member, 3);
  });
});

test('a member empties itself, and another pulls', async (t) => {
  const { world, started } = startService({ serve: echo });
  const body = async (): Promise<void> => {
    const { client, clientStack } = await started;
    const clients = [client];
    for (let index = 0; index < 4; index++) {
      const another = clientStack.connect({ address: client.remoteAddress });
      await once(another, 'migratable');
      clients.push(another);
    }
    const allMoved = Promise.all(clients.map((connection) => once(connection, 'move')));
    t.is(world.member(1).moveConnections(2), 5);
    await allMoved;
    t.deepEqual(
      clients.map(({ member }) => member),
      [2, 2, 2, 2, 2],
    );
    t.is(world.member(1).moveConnections(2), 0);
    world.member(3).pullConnections(2, 2);
    await Promise.race(clients.map((connection) => once(connection, 'move')));
    await world.pass(3_000);
    t.deepEqual(clients.map(({ member }) => member).toSorted(), [2, 2, 2, 3, 3]);
    for (const connection of clients) {
      connection.write('still');
      t.is((await readExactly(connection, 5)).toString(), 'still');
    }
  };
  await world.play(body());
});

test('a half-closed connection moves: the client has ended', async (t) => {
  const serve = (connection: MigratoryConnection, member: number): void => {
    connection.resume();
    if (member === 2) connection.end(pattern(400_000));
  };
  await inService({ serve }, async ({ client, world }) => {
    client.end('all I have to say');
    await world.pass(50);
    t.is((await client.requestMove(2)).kind, 'moved');
    t.true((await readAll(client)).equals(pattern(400_000)));
  });
});

test('a half-closed connection moves: the server has ended, and the client knows', async (t) => {
  let heard: Promise<Buffer> | undefined;
  const serve = (connection: MigratoryConnection, member: number): void => {
    if (member === 1) {
      connection.end('bye');
      connection.setState(Buffer.from('ended'));
    } else {
      t.true(connection.writableEnded);
      heard = readAll(connection);
    }
  };
  await inService({ serve }, async ({ client, world }) => {
    t.is((await readAll(client)).toString(), 'bye');
    await world.pass(50);
    t.is((await client.requestMove(2)).kind, 'moved');
    client.end(pattern(300_000));
    await once(client, 'close');
    t.true((await heard)?.equals(pattern(300_000)));
  });
});

/** Of the members, the first that is asked can't restore the state. */
function firstRefuses(): { readonly canRestore: () => boolean; readonly asked: () => number } {
  let count = 0;
  return { canRestore: () => ++count > 1, asked: () => count };
}

for (const origin of ['open', 'closed'] as const) {
  test(`a state that the destination can't restore goes back to the origin, whose listener is ${origin}`, async (t) => {
    const { canRestore, asked } = firstRefuses();
    const options = { serve: echo, memberCount: 2, listen: { canRestore } };
    await inService(options, async ({ client, listeners, accepted }) => {
      client.write('one');
      t.is((await readExactly(client, 3)).toString(), 'one');
      if (origin === 'closed') await listeners[0]?.close();
      const outcome = await client.requestMove(2);
      t.is(outcome.kind, 'stayed');
      t.deepEqual(reasonsOf(outcome), { 2: 'state-not-supported' });
      client.write('two');
      t.is((await readExactly(client, 3)).toString(), 'two');
      t.deepEqual(
        accepted.map(({ member }) => member),
        [1, 1],
      );
      t.is(asked(), 2);
    });
  });
}

test('what an application has chosen for a connection holds at the next member too', async (t) => {
  await inService({ memberCount: 2 }, async (service) => {
    latest(service).setUserTimeout(1_000).setNoDelay(false);
    t.is((await service.client.requestMove()).kind, 'moved');
    const arrived = latest(service);
    const lost = new Promise((resolve) => arrived.on('error', resolve));
    service.world.network.cut(memberIp(2), service.client.localAddress.ip);
    const before = service.world.clock.now();
    arrived.write('into the void');
    t.is(((await lost) as ConnectionFailed).code, 'ETIMEDOUT');
    t.true(service.world.clock.now() - before < 5_000);
  });
});
