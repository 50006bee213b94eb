// The connection without a network keeps the rules of the stack's: locks, output modes, owed output, and death.

import test from 'ava';
import { FakeClient, FakeConnection } from '@migratory/framework/internal/testing/fake-connection.js';
import { turn } from '@migratory/framework/internal/testing/turns.js';

function opened(input = ''): { client: FakeClient; connection: FakeConnection } {
  const client = new FakeClient(input);
  const connection = new FakeConnection(client);
  connection.on('error', () => undefined);
  connection.setState(Buffer.from('first'));
  return { client, connection };
}

const stateOf = (connection: FakeConnection): string => {
  const found = connection.getState();
  return found.kind === 'new' ? 'new' : Buffer.from(found.state).toString();
};

test('a locked connection stays until it is unlocked, and leaves in that instant', (t) => {
  const { connection } = opened();
  const destinations: FakeConnection[] = [];
  t.is(connection.lockState(), 'here');
  connection.requestMove((destination) => destinations.push(destination));
  t.throws(() => connection.move(), { message: /locked/ });
  connection.setState(Buffer.from('second'));
  t.is(destinations.length, 0);
  connection.unlockState();
  t.deepEqual(destinations.map(stateOf), ['second']);
  t.is(connection.lockState(), 'migrated');
});

test('an amended state is another one with the same offsets', (t) => {
  const { connection } = opened('abc');
  connection.arrive(3);
  t.is(String(connection.read()), 'abc');
  connection.write(Buffer.from('xyz'));
  connection.amendState(Buffer.from('amended'));
  const destination = connection.move();
  t.is(stateOf(destination), 'amended');
  t.is(destination.readableLength, 3);
  t.is(destination.deliverableLength, 0);
});

test('output before the snapshot is owed; behind it, it is written again and what the client has is dropped', (t) => {
  const { client, connection } = opened();
  connection.write(Buffer.from('before '));
  connection.setState(Buffer.from('second'));
  connection.write(Buffer.from('behind'));
  connection.deliver(9);
  const destination = connection.move();
  t.is(destination.deliverableLength, 0);
  destination.write(Buffer.from('behind it'));
  destination.deliver(100);
  t.is(client.received.toString(), 'before behind it');

  const late = opened();
  late.connection.write(Buffer.from('owed'));
  late.connection.setState(Buffer.from('second'));
  const crashed = late.connection.crash();
  t.is(crashed.deliverableLength, 4);
});

test('other bytes in the place of those that the client has are kept as a difference, and reset the connection', (t) => {
  const { client, connection } = opened();
  connection.write(Buffer.from('abcdef'));
  connection.deliver(4);
  const destination = connection.move();
  destination.on('error', () => undefined);
  destination.write(Buffer.from('abXdef'));
  t.true(destination.destroyed);
  t.deepEqual(client.difference, { offset: 2, had: Buffer.from('cd'), got: Buffer.from('Xdef') });
});

test('an end before what the client has is a difference as well', async (t) => {
  const { client, connection } = opened();
  connection.write(Buffer.from('abc'));
  connection.deliver(3);
  const destination = connection.move();
  destination.on('error', () => undefined);
  destination.end();
  await turn();
  t.like(client.difference, { offset: 0, had: Buffer.from('abc') });
});

test("in mode 'verified' a replay is compared with what only the origin had, and nothing leaves before", (t) => {
  const { client, connection } = opened();
  connection.setOutputMode('verified');
  connection.write(Buffer.from('abcdef'));
  const good = connection.move();
  good.setOutputMode('verified');
  good.write(Buffer.from('abc'));
  t.is(good.deliverableLength, 0);
  const again = good.move();
  again.setOutputMode('verified');
  again.write(Buffer.from('abcdef'));
  t.is(again.deliverableLength, 6);
  const bad = again.move();
  bad.on('error', () => undefined);
  bad.write(Buffer.from('abcdeX'));
  t.like(client.difference, { offset: 5, had: Buffer.from('f') });
});

test("in mode 'held' output and the end leave with the snapshot that covers them, and nobody waits for room", async (t) => {
  const { client, connection } = opened();
  connection.setOutputMode('held');
  t.true(connection.write(Buffer.alloc(1_000, 'x')));
  connection.end();
  await turn();
  t.true(connection.writableFinished);
  connection.deliver(Infinity);
  t.is(client.received.length, 0);
  connection.setState(Buffer.from('second'));
  connection.deliver(Infinity);
  t.is(client.received.length, 1_000);
  t.is(client.receivedEnd, 'ended');
});

test('a connection whose member has died does nothing any more, whatever is locked', (t) => {
  const { client, connection } = opened();
  connection.lockState();
  connection.write(Buffer.from('abc'));
  const destination = connection.crash();
  connection.setState(Buffer.from('late'));
  connection.amendState(Buffer.from('late'));
  connection.write(Buffer.from('late'));
  t.is(stateOf(destination), 'first');
  t.is(stateOf(connection.crash()), 'first');
  t.is(client.received.length, 0);
  t.false(connection.isHere);
});
