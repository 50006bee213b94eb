// The gateway between an ordinary client and a real service of two members, over loopback.

import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import { servicePublicKey } from '@migratory/stack';
import { makeServiceKey } from '@migratory/framework/certificates';
import { freePorts } from '@migratory/framework/local-service';
import { command, openClient, startGateway, startService } from './world.js';

test('bytes go both ways, and the end of the client reaches the service before its last bytes come back', async (t) => {
  const service = await startService(t);
  const running = await startGateway(t, { services: service.addresses });
  const client = await openClient(t, running);
  const sent = randomBytes(3_000_000);
  client.write('E');
  client.end(sent);
  t.true(sent.equals(await buffer(client)));
  const closed = await running.event('closed');
  t.is(closed.cause, '');
  t.is(closed.toClientLength, sent.length);
  t.is(closed.toServiceLength, sent.length + 1);
  t.is(closed.cid, service.accepted[0]?.cid ?? t.fail());
  t.is(closed.member, 1);
  await running.gateway.stop();
  t.is(running.events.filter(({ kind }) => kind === 'closed').length, 1);
});

test('the end of the service reaches the client, which may go on speaking', async (t) => {
  const service = await startService(t);
  const running = await startGateway(t, { services: service.addresses });
  const client = await openClient(t, running);
  client.write('S');
  const [spoken] = (await once(client, 'data')) as [Buffer];
  t.is(String(spoken), 'spoken');
  await once(client, 'end');
  t.is(running.gateway.connections.length, 1, 'half of it is open');
  const [server] = service.accepted;
  client.end('afterwards');
  t.is(String(await buffer(server ?? t.fail())), 'afterwards');
  t.is((await running.event('closed')).cause, '');
});

test('a reset by the service resets the client', async (t) => {
  const service = await startService(t);
  const running = await startGateway(t, { services: service.addresses });
  const client = await openClient(t, running);
  client.write('R');
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
  t.is(error.code, 'ECONNRESET');
  t.is((await running.event('closed')).cause, 'service: ECONNRESET');
});

test('a reset by the client resets the connection at the service', async (t) => {
  const service = await startService(t);
  const running = await startGateway(t, { services: service.addresses });
  const arrival = service.arrival();
  const client = await openClient(t, running);
  client.write('Q');
  const server = await arrival;
  await running.event('opened');
  const broken = once(server, 'error') as Promise<[NodeJS.ErrnoException]>;
  client.resetAndDestroy();
  t.is((await broken)[0].code, 'ECONNRESET');
  t.is((await running.event('closed')).cause, 'client: ECONNRESET');
});

test('a client that does not read holds the service back', async (t) => {
  const service = await startService(t);
  const running = await startGateway(t, { services: service.addresses });
  const arrival = service.arrival();
  const client = await openClient(t, running);
  client.pause();
  client.write('Q');
  const server = await arrival;
  const total = 64 * 1024 * 1024;
  let written = 0;
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const isHeldBack = new Promise<void>((resolve) => {
    const go = (): void => {
      while (written < total) {
        written += chunk.length;
        if (server.write(chunk)) continue;
        const patience = setTimeout(resolve, 1000);
        server.once('drain', () => {
          clearTimeout(patience);
          go();
        });
        return;
      }
      resolve();
    };
    go();
  });
  await isHeldBack;
  t.true(written < 32 * 1024 * 1024, `${written} bytes were taken of a client that reads none`);
});

test('moved by the control socket, back and forth, while bytes come and go', async (t) => {
  const service = await startService(t);
  const running = await startGateway(t, { services: service.addresses, migration: 'required' });
  const client = await openClient(t, running);
  const sent = randomBytes(1_000_000);
  client.write('E!');
  await once(client, 'readable');
  const received = buffer(client);
  const pieceLength = 100_000;
  const members: unknown[] = [];
  for (let offset = 0; offset < sent.length; offset += pieceLength) {
    client.write(sent.subarray(offset, offset + pieceLength));
    const [outcome, done] = await command(running.controlPath, 'move\n');
    t.is(outcome?.kind, 'moved', JSON.stringify(outcome));
    t.is(typeof outcome?.stallMs, 'number');
    t.deepEqual(done, { kind: 'done', count: 1 });
    members.push(outcome?.to);
  }
  client.end();
  t.true(sent.equals((await received).subarray(1)));
  t.deepEqual(members, [2, 1, 2, 1, 2, 1, 2, 1, 2, 1]);
  t.is(running.events.filter(({ kind }) => kind === 'moved').length, 10);
});

test('the control socket lists connections, moves the one that is named, and says what it does not know', async (t) => {
  const service = await startService(t);
  const running = await startGateway(t, { services: service.addresses });
  const arrivals = [service.arrival(), service.arrival()];
  const clients = [await openClient(t, running), await openClient(t, running)];
  for (const client of clients) client.write('Ex');
  await Promise.all(clients.map((client) => once(client, 'data')));
  await Promise.all(arrivals);
  const before = await command(running.controlPath, 'list\n');
  t.deepEqual(
    before.map(({ kind, member, epoch }) => [kind, member, epoch]),
    [
      ['connection', 1, 0],
      ['connection', 1, 0],
      ['done', undefined, undefined],
    ],
  );
  const cid = String(before[1]?.cid);
  const [outcome] = await command(running.controlPath, `move ${cid} 2`);
  t.like(outcome, { kind: 'moved', cid, from: 1, to: 2, epoch: 1, refusals: [] });
  const after = await command(running.controlPath, 'list\n');
  t.deepEqual(
    after.map(({ member }) => member),
    [1, 2, undefined],
  );
  const problems = await command(
    running.controlPath,
    `jump\nmove 7\nmove all x\nmove all 99999\nmove ${'0'.repeat(16)}\n`,
  );
  t.deepEqual(
    problems.map(({ kind }) => kind),
    ['error', 'error', 'error', 'error', 'error'],
  );
  const [refused] = await command(running.controlPath, `move ${cid} 9`);
  t.is(refused?.kind, 'impossible', JSON.stringify(refused));
  const help = await command(running.controlPath, 'help');
  t.true(help.length > 3);
});

test('an address where nobody answers is passed over for one where somebody does, and is not tried first again', async (t) => {
  const service = await startService(t);
  const [nobody] = await freePorts(1);
  const [address] = service.addresses;
  const running = await startGateway(t, {
    services: [{ ip: '127.0.0.1', port: nobody?.udp ?? 0 }, address ?? t.fail()],
    limits: { synRetryCount: 0 },
  });
  for (const text of ['one', 'two']) {
    const client = await openClient(t, running);
    client.end(`E${text}`);
    t.is(String(await buffer(client)), text);
  }
  t.is(running.events.filter(({ kind }) => kind === 'connect-failed').length, 1);
});

test('where nobody answers at all, the client is reset and the log says why', async (t) => {
  const [nobody] = await freePorts(1);
  const services = [{ ip: '127.0.0.1', port: nobody?.udp ?? 0 }];
  const running = await startGateway(t, { services, limits: { synRetryCount: 0 } });
  const client = await openClient(t, running);
  await t.throwsAsync(buffer(client), { code: 'ECONNRESET' });
  t.regex((await running.event('connect-failed')).cause, /ETIMEDOUT/);
});

test("a service that does not hold the expected key gets nothing of the client's", async (t) => {
  const service = await startService(t);
  const running = await startGateway(t, {
    services: service.addresses,
    servicePublicKey: servicePublicKey(makeServiceKey().publicKey),
  });
  const client = await openClient(t, running);
  client.write('Esecret');
  await t.throwsAsync(buffer(client), { code: 'ECONNRESET' });
  t.is((await running.event('closed')).cause, 'service: ERR_SET_UP_FAILED');
  const right = await startGateway(t, {
    services: service.addresses,
    servicePublicKey: servicePublicKey(service.key.publicKey),
  });
  const welcome = await openClient(t, right);
  welcome.end('Eyes');
  t.is(String(await buffer(welcome)), 'yes');
});

test('limits: one connection too many is reset, a long line and one control user too many are refused', async (t) => {
  const service = await startService(t);
  const limits = { connectionCount: 1, controlUserCount: 1, controlLineLength: 64 };
  const running = await startGateway(t, { services: service.addresses, limits });
  const first = await openClient(t, running);
  first.write('Ex');
  await once(first, 'data');
  const second = connect(running.gateway.address.port, '127.0.0.1');
  await t.throwsAsync(buffer(second), { code: 'ECONNRESET' });
  t.like(await running.event('refused'), { limit: 'connectionCount', count: 1 });
  t.deepEqual(await command(running.controlPath, `list ${'x'.repeat(100)}`), [
    { kind: 'error', problem: 'a line has at most 64 bytes' },
  ]);
  const [one, two] = await Promise.all([
    command(running.controlPath, 'help\n'.repeat(8)),
    command(running.controlPath, 'help\n'.repeat(8)),
  ]);
  t.deepEqual(
    [one.length, two.length].sort((a, b) => a - b),
    [1, 32],
  );
  first.end('y');
  await once(first, 'end');
});

test('a stop resets what is open, and releases the port and the control socket', async (t) => {
  const service = await startService(t);
  const running = await startGateway(t, { services: service.addresses });
  const client = await openClient(t, running);
  client.write('Ex');
  await once(client, 'data');
  const broken = once(client, 'error') as Promise<[NodeJS.ErrnoException]>;
  await running.gateway.stop();
  t.is((await broken)[0].code, 'ECONNRESET');
  await t.throwsAsync(command(running.controlPath, 'list'));
  t.throws(() => running.gateway.address);
});
