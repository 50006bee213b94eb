// A stack for a process: it connects over loopback, and each way of asking for the impossible is one clear line.

import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import test from 'ava';
import { makeCluster } from '@migratory/framework/certificates';
import {
  BindFailed,
  createNodeStack,
  InvalidKey,
  PeerCredentialsInvalid,
  PeerListenFailed,
  type ConnectionFailed,
  type MemberEntry,
  type NodeStackOptions,
} from '@migratory/stack';
import { pattern, readAll } from '../../support/bytes.js';
import { testServiceKey } from '../../support/stack-world.js';

const VALIDITY = { now: new Date(), days: 1 };
const cluster = await makeCluster([1, 2], VALIDITY);
const ENTRY: MemberEntry = { id: 1, address: { ip: '127.0.0.1', port: 4_000 }, peer: { host: '127.0.0.1', port: 0 } };

type Membership = NonNullable<NodeStackOptions['membership']>;

function options(change: Partial<Membership> = {}): NodeStackOptions {
  const own = cluster.members.get(1);
  if (own === undefined) throw new Error('no certificate');
  const tls = { certificateAuthority: cluster.certificateAuthority, ...own };
  return { ip: '127.0.0.1', membership: { id: 1, members: [ENTRY], serviceKey: testServiceKey(), tls, ...change } };
}

test('two processes’ stacks talk over loopback; closing one resets the other', async (t) => {
  const server = await createNodeStack({ ip: '127.0.0.1' });
  const client = await createNodeStack({ ip: '127.0.0.1' });
  const listener = await server.listen({ port: 0 }, (connection) => {
    connection.on('error', () => undefined);
    connection.pipe(connection);
  });
  const connection = client.connect({ address: listener.address });
  connection.end(pattern(2_000_000));
  t.true((await readAll(connection)).equals(pattern(2_000_000)));
  const second = client.connect({ address: listener.address });
  await once(second, 'connect');
  const failed = once(second, 'error');
  second.resume();
  await server.close();
  const [error] = (await failed) as [ConnectionFailed];
  t.is(error.code, 'ECONNRESET');
  await client.close();
});

test('many small writes are one stream: a segment may have more pieces than the kernel takes in one datagram', async (t) => {
  const server = await createNodeStack({ ip: '127.0.0.1' });
  const client = await createNodeStack({ ip: '127.0.0.1' });
  const content = pattern(20_000);
  const listener = await server.listen({ port: 0 }, (connection) => {
    for (const byte of content) connection.write(Uint8Array.of(byte));
    connection.end();
  });
  const connection = client.connect({ address: listener.address });
  connection.end();
  t.true((await readAll(connection)).equals(content));
  await Promise.all([client.close(), server.close()]);
});

test('a port in use is BindFailed', async (t) => {
  const first = await createNodeStack({ ip: '127.0.0.1' });
  const second = await createNodeStack({ ip: '127.0.0.1' });
  const { address } = await first.listen({ port: 0 }, () => undefined);
  const error = await t.throwsAsync(
    second.listen({ port: address.port }, () => undefined),
    { instanceOf: BindFailed },
  );
  t.regex(error.message, /^can't receive on 127\.0\.0\.1:\d+: the port is in use; [^\n]*$/);
  await Promise.all([first.close(), second.close()]);
});

test('a peer port in use is PeerListenFailed', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const members = [{ ...ENTRY, peer: { host: '127.0.0.1', port } }];
  const error = await t.throwsAsync(createNodeStack(options({ members })), { instanceOf: PeerListenFailed });
  t.is(error.message, `cannot listen for members on 127.0.0.1:${port}: the port is in use`);
  other.close();
});

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'pem', type: 'pkcs8' });

for (const [name, change, type, message] of [
  ['a service key that is none', { serviceKey: 'secret words' }, InvalidKey, /service key can't be read/],
  ['a service key of another kind', { serviceKey: rsa.toString() }, InvalidKey, /must be an Ed25519 private key/],
  ['an id without an entry', { id: 2 }, RangeError, /^member 2 is not among the service's members: /],
  ['two entries with one id', { members: [ENTRY, ENTRY] }, RangeError, /^two members have the id 1: /],
  ['an id of zero', { members: [{ ...ENTRY, id: 0 }] }, RangeError, /^0 is not a member id: /],
  ['an id beyond 16 bits', { members: [{ ...ENTRY, id: 65_536 }] }, RangeError, /^65536 is not a member id: /],
  [
    'an address that is none',
    { members: [{ ...ENTRY, address: { ip: 'files.example', port: 1 } }] },
    RangeError,
    /^the address of member 1, 'files\.example', is not an IPv4 address/,
  ],
  [
    'a port that is none',
    { members: [{ ...ENTRY, address: { ip: '127.0.0.1', port: 0 } }] },
    RangeError,
    /^the address of member 1 needs a port from 1 to 65535, not 0$/,
  ],
  [
    'too many members',
    { members: Array.from({ length: 65 }, (_, index) => ({ ...ENTRY, id: index + 1 })) },
    RangeError,
    /^a service has at most 64 members, not 65$/,
  ],
  [
    'a certificate that is none',
    { tls: { certificateAuthority: 'x', certificate: 'y', privateKey: 'private words' } },
    PeerCredentialsInvalid,
    /credentials/,
  ],
] as const) {
  test(`${name}: one clear line, and no secret in it`, async (t) => {
    const error = await t.throwsAsync(createNodeStack(options(change)));
    t.true(error instanceof type, `${error}`);
    t.regex(error.message, message);
    t.false(/\n|secret words|private words|PRIVATE/.test(error.message));
  });
}

test('an IP address that is none is a RangeError', async (t) => {
  await t.throwsAsync(createNodeStack({ ip: 'localhost' }), {
    instanceOf: RangeError,
    message: /is not an IP address/,
  });
});
