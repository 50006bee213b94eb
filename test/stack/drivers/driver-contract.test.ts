// What the stack expects of a driver, on each of them.

import test, { type ExecutionContext } from 'ava';
import { BindFailed, UdpDriver, type Address } from '@migratory/stack';
import { FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';
import { pattern } from '../../support/bytes.js';
import { DRIVER_KINDS, type DriverUnderTest } from '../../support/driver-kinds.js';

interface Received {
  readonly local: Address;
  readonly remote: Address;
  readonly segment: Segment;
}

function segment(sequence: number, ...payload: Uint8Array[]): Segment {
  return {
    sequence,
    acknowledgment: 7,
    flags: FLAG.ack | FLAG.psh,
    window: 1_000,
    options: { timestamps: { value: 1, echo: 2 } },
    payload,
    payloadLength: payload.reduce((length, bytes) => length + bytes.length, 0),
  };
}

function listenTo(driver: DriverUnderTest['driver']): Received[] {
  const received: Received[] = [];
  driver.start({ segment: (local, remote, arrived) => received.push({ local, remote, segment: arrived }) });
  return received;
}

function onEach(title: string, body: (t: ExecutionContext, under: DriverUnderTest) => Promise<void>): void {
  for (const kind of DRIVER_KINDS) {
    if (kind.missing !== undefined) {
      test.skip(`${kind.name}: ${title} (${kind.missing})`, () => undefined);
      continue;
    }
    test(`${kind.name}: ${title}`, async (t) => {
      const under = await kind.open();
      try {
        await body(t, under);
      } finally {
        await Promise.all([under.driver.close(), under.peer.close()]);
      }
    });
  }
}

onEach('bind(0) chooses a port of its own each time', async (t, { driver }) => {
  listenTo(driver);
  const addresses = await Promise.all([driver.bind(0), driver.bind(0), driver.bind(0)]);
  t.is(new Set(addresses.map(({ port }) => port)).size, 3);
  t.true(addresses.every(({ port, ip }) => port > 0 && ip === addresses[0]?.ip));
});

onEach('a port in use is BindFailed, with one clear line; released it can be had again', async (t, { driver }) => {
  listenTo(driver);
  const address = await driver.bind(0);
  const error = await t.throwsAsync<BindFailed>(driver.bind(address.port), { instanceOf: BindFailed });
  t.is(error.code, 'EADDRINUSE');
  t.regex(error.message, new RegExp(`^can't receive on .*:${address.port}: the port is in use; .*$`));
  driver.release(address);
  driver.release(address);
  driver.release({ ip: address.ip, port: 1 });
  t.deepEqual(await driver.bind(address.port), address);
});

onEach('what is no port is a RangeError', async (t, { driver }) => {
  for (const port of [-1, 65_536, 1.5, Number.NaN]) {
    await t.throwsAsync(driver.bind(port), { instanceOf: RangeError, message: /^\S+ is not a port: / });
  }
});

onEach('a segment arrives as it was sent, from where it was sent', async (t, { driver, peer, until }) => {
  const received = listenTo(driver);
  listenTo(peer);
  const [local, remote] = [await driver.bind(0), await peer.bind(0)];
  const sent = segment(0xffff_fff0, pattern(3), pattern(500, 1), pattern(1, 2));
  peer.transmit(remote, local, sent);
  await until(() => received.length === 1);
  const [arrived] = received;
  t.deepEqual(arrived?.local, local);
  t.deepEqual(arrived?.remote, remote);
  t.deepEqual(
    { ...arrived?.segment, payload: Buffer.concat(arrived?.segment.payload ?? []) },
    { ...sent, payload: Buffer.concat(sent.payload) },
  );
});

onEach('the largest segment that the capabilities allow goes through', async (t, { driver, peer, until }) => {
  const received = listenTo(driver);
  listenTo(peer);
  const [local, remote] = [await driver.bind(0), await peer.bind(0)];
  const headers = (driver.family === 6 ? 40 : 20) + 20;
  const largest = pattern(driver.capabilities.mtu - headers - 12);
  peer.transmit(remote, local, segment(1, largest));
  await until(() => received.length === 1);
  t.true(Buffer.concat(received[0]?.segment.payload ?? []).equals(largest));
});

onEach('nothing is delivered from inside transmit()', async (t, { driver, peer, until }) => {
  const received = listenTo(driver);
  listenTo(peer);
  const [local, remote] = [await driver.bind(0), await peer.bind(0)];
  for (let index = 0; index < 50; index++) {
    peer.transmit(remote, local, segment(index));
    t.is(received.length, 0);
  }
  await until(() => received.length === 50);
  const self = await driver.bind(0);
  driver.transmit(self, local, segment(99));
  t.is(received.length, 50);
  await until(() => received.length === 51);
});

onEach('received payloads are the receiver’s to keep', async (t, { driver, peer, until }) => {
  const received = listenTo(driver);
  listenTo(peer);
  const [local, remote] = [await driver.bind(0), await peer.bind(0)];
  for (let index = 0; index < 100; index++) peer.transmit(remote, local, segment(index, pattern(900, index)));
  await until(() => received.length === 100);
  for (const { segment: arrived } of received) {
    t.true(Buffer.concat(arrived.payload).equals(pattern(900, arrived.sequence)));
  }
});

onEach('garbage is dropped and counted, and what comes behind it arrives', async (t, under) => {
  const { driver, peer, until, inject, garbage } = under;
  const received = listenTo(driver);
  listenTo(peer);
  const [local, remote] = [await driver.bind(0), await peer.bind(0)];
  for (const datagram of garbage) await inject(local, datagram);
  peer.transmit(remote, local, segment(42));
  await until(() => received.length === 1 && under.malformedDrops() === garbage.length);
  t.is(received[0]?.segment.sequence, 42);
});

onEach('after release() nothing is sent from there, and nothing received', async (t, under) => {
  const { driver, peer, until } = under;
  if (under.strangersPorts === 'delivered') {
    t.pass('the host refuses what comes for them');
    return;
  }
  const received = listenTo(driver);
  const atPeer = listenTo(peer);
  const [local, second, remote] = [await driver.bind(0), await driver.bind(0), await peer.bind(0)];
  driver.release(local);
  driver.transmit(local, remote, segment(1));
  peer.transmit(remote, local, segment(2));
  driver.transmit(second, remote, segment(3));
  peer.transmit(remote, second, segment(4));
  await until(() => received.length > 0 && atPeer.length > 0);
  t.deepEqual(
    [received, atPeer].map((list) => list.map((arrived) => arrived.segment.sequence)),
    [[4], [3]],
  );
});

onEach('after close() it binds nothing, sends nothing, and may be closed again', async (t, { driver, peer }) => {
  listenTo(driver);
  listenTo(peer);
  const [local, remote] = [await driver.bind(0), await peer.bind(0)];
  const pending = driver.bind(0);
  pending.catch(() => undefined);
  await driver.close();
  await driver.close();
  driver.transmit(local, remote, segment(1));
  driver.release(local);
  const error = await t.throwsAsync<BindFailed>(driver.bind(0), { instanceOf: BindFailed });
  t.is(error.code, 'ERR_DRIVER_CLOSED');
  const late = await pending.catch((failure: unknown) => failure);
  t.true(late instanceof BindFailed || (late as Address).port > 0);
});

onEach('a super-segment arrives, however it was cut', async (t, { driver, peer, until }) => {
  const { mtu, maxSuperSegmentLength } = driver.capabilities;
  if (maxSuperSegmentLength === 0) {
    t.pass('the driver cuts nothing');
    return;
  }
  const received = listenTo(driver);
  listenTo(peer);
  const [local, remote] = [await driver.bind(0), await peer.bind(0)];
  const bytes = pattern(maxSuperSegmentLength);
  peer.transmit(remote, local, { ...segment(100, bytes), cutLength: mtu - 72 });
  const arrived = (): number => received.reduce((length, { segment: { payloadLength } }) => length + payloadLength, 0);
  await until(() => arrived() === bytes.length);
  for (const { segment: part } of received) {
    const at = part.sequence - 100;
    t.true(Buffer.concat(part.payload).equals(bytes.subarray(at, at + part.payloadLength)));
  }
});

onEach('the offered MTU leaves room for a segment', (t, { driver }) => {
  t.true(driver.capabilities.mtu >= 576 - 8);
  return Promise.resolve();
});

test('UDP: what can not be sent is counted, and nothing throws', async (t) => {
  const driver = new UdpDriver({ ip: '127.0.0.1' });
  listenTo(driver);
  const local = await driver.bind(0);
  driver.transmit(local, { ip: '127.0.0.1', port: 0 }, segment(1));
  driver.transmit(local, { ip: '::1', port: 9 }, segment(2));
  driver.transmit(local, local, segment(3, pattern(70_000)));
  while (driver.counters.sendErrors < 3) await new Promise((resolve) => setImmediate(resolve));
  t.is(driver.counters.sendErrors, 3);
  await driver.close();
});

test('UDP: addresses and MTUs that can not be are a RangeError with one clear line', (t) => {
  for (const options of [
    { ip: 'localhost' },
    { ip: '' },
    { ip: '127.0.0.1', mtu: 100 },
    { ip: '127.0.0.1', mtu: 70_000 },
    { ip: '127.0.0.1', mtu: 1_500.5 },
  ]) {
    const error = t.throws(() => new UdpDriver(options), { instanceOf: RangeError });
    t.false(error.message.includes('\n'));
  }
});

test('UDP: an address of no interface is BindFailed', async (t) => {
  const driver = new UdpDriver({ ip: '192.0.2.1' });
  const error = await t.throwsAsync<BindFailed>(driver.bind(0), { instanceOf: BindFailed });
  t.is(error.message, "can't receive on 192.0.2.1:0: no interface of this machine has that address");
  await driver.close();
});
