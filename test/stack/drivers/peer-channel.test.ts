// The channel between members for real: TLS 1.3 on loopback, certificates of a cluster made for the test, ports of the
// system's choice. Nothing sleeps; each test waits for the event that it is about.

import { once } from 'node:events';
import { connect as connectPlain, createServer, type Server, type Socket } from 'node:net';
import {
  connect,
  createServer as createTlsServer,
  type ConnectionOptions,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { makeCluster, type Cluster } from '@migratory/framework/certificates';
import {
  openPeerChannel,
  type NodePeerChannel,
  type PeerChannelOptions,
} from '@migratory/stack/internal/drivers/peer-channel.js';
import { PeerCredentialsInvalid, PeerListenFailed } from '@migratory/stack/internal/drivers/peer-events.js';
import { memberNamed, type PeerCredentials } from '@migratory/stack/internal/drivers/peer-identity.js';
import { SystemClock, SystemEntropy } from '@migratory/stack/internal/drivers/system.js';
import { frameHeader } from '@migratory/stack/internal/transfer/framing.js';
import { encodePeerMessage } from '@migratory/stack/internal/transfer/message-codec.js';
import type { PeerMessage } from '@migratory/stack/internal/transfer/messages.js';

const VALIDITY = { now: new Date(), days: 1 };
const cluster = await makeCluster([1, 2, 3], VALIDITY);
const stranger = await makeCluster([1, 2], VALIDITY);
const IMAGE = { kind: 'image', exchange: 1, cid: '0000000000000001', epoch: 1 } as const;
const pull = (count: number): PeerMessage => ({ kind: 'pull', count });

function credentials(of: Cluster, member: number): PeerCredentials {
  const own = of.members.get(member);
  if (own === undefined) throw new Error(`no member ${member}`);
  return { certificateAuthority: of.certificateAuthority, ...own };
}

/** A channel with a log of what it told, and a way to wait for a line of it. */
class Member {
  readonly lines: string[] = [];
  readonly peers = new Map<number, { host: string; port: number }>();
  #waiting: { readonly pattern: RegExp; readonly count: number; readonly resolve: () => void }[] = [];
  #channel: NodePeerChannel | undefined;

  get channel(): NodePeerChannel {
    if (this.#channel === undefined) throw new Error('not open');
    return this.#channel;
  }

  get endpoint(): { host: string; port: number } {
    return { host: '127.0.0.1', port: this.channel.address.port };
  }

  static async open(t: ExecutionContext, member: number, more: Partial<PeerChannelOptions> = {}): Promise<Member> {
    const self = new Member();
    self.#channel = await openPeerChannel({
      member,
      listen: { host: '127.0.0.1', port: 0 },
      peers: self.peers,
      tls: credentials(cluster, member),
      entropy: new SystemEntropy(),
      clock: new SystemClock(),
      report: (event) => {
        const { kind, ...about } = event;
        self.#line(`${kind} ${Object.values(about).join(' ')}`);
      },
      ...more,
    });
    t.teardown(() => self.channel.close());
    self.channel.start({
      message: (from, message) => self.#line(`message ${from} ${message.kind === 'pull' ? message.count : 'other'}`),
      up: (peer, incarnation) => self.#line(`up ${peer} ${incarnation}`),
      down: (peer) => self.#line(`down ${peer}`),
    });
    return self;
  }

  knows(member: number, other: { readonly endpoint: { host: string; port: number } }): void {
    this.peers.set(member, other.endpoint);
  }

  /** Until `count` lines match. */
  async until(pattern: RegExp, count = 1): Promise<void> {
    if (this.matching(pattern).length >= count) return;
    await new Promise<void>((resolve) => this.#waiting.push({ pattern, count, resolve }));
  }

  matching(pattern: RegExp): string[] {
    return this.lines.filter((line) => pattern.test(line));
  }

  #line(line: string): void {
    this.lines.push(line);
    for (const { pattern, count, resolve } of this.#waiting) if (this.matching(pattern).length >= count) resolve();
  }
}

async function pair(t: ExecutionContext, more: Partial<PeerChannelOptions> = {}): Promise<[Member, Member]> {
  const [one, two] = [await Member.open(t, 1, more), await Member.open(t, 2, more)];
  one.knows(2, two);
  two.knows(1, one);
  return [one, two];
}

test('a message goes there and its answer comes back over the same session', async (t) => {
  const [one, two] = await pair(t);
  one.channel.send(2, pull(1));
  one.channel.send(2, pull(2));
  await two.until(/message 1 2/);
  t.deepEqual(two.matching(/^(up|message)/), [`up 1 ${one.channel.incarnation}`, 'message 1 1', 'message 1 2']);
  two.channel.send(1, pull(3));
  await one.until(/message 2 3/);
  t.deepEqual(one.matching(/^(up|message)/), [`up 2 ${two.channel.incarnation}`, 'message 2 3']);
  t.is(one.channel.counters['session-up'], 1);
});

test('prepare() opens the sessions before anything is sent, and says nothing of members that are not there', async (t) => {
  const [one, two] = await pair(t);
  one.peers.set(3, { host: '127.0.0.1', port: 1 });
  one.channel.prepare();
  await Promise.all([one.until(/^up 2/), two.until(/^up 1/), one.until(/^dial-failed 3/)]);
  t.deepEqual(one.matching(/^down/), []);
  one.channel.prepare();
  one.channel.send(2, pull(7));
  await two.until(/message 1 7/);
  t.is(one.channel.counters['session-up'], 1);
});

test('an image of the greatest length arrives unchanged, one byte more is undelivered', async (t) => {
  const limits = { maxImageLength: 3_000_000 };
  const [one, two] = await pair(t, { limits });
  const received = new Promise<Uint8Array>((resolve) => {
    two.channel.start({
      message: (_from, message) => message.kind === 'image' && resolve(message.image),
      up: () => undefined,
      down: () => undefined,
    });
  });
  const image = new SystemEntropy().bytes(limits.maxImageLength);
  one.channel.send(2, { ...IMAGE, image });
  t.deepEqual(Buffer.compare(await received, image), 0);
  one.channel.send(2, { ...IMAGE, image: new Uint8Array(limits.maxImageLength + 1) });
  await one.until(/^down 2/);
  t.deepEqual(one.matching(/^undelivered/), ['undelivered 2 image image-too-large']);
});

test('two members that dial each other at the same time both get their messages', async (t) => {
  const [one, two] = await pair(t);
  one.channel.send(2, pull(1));
  two.channel.send(1, pull(2));
  await Promise.all([one.until(/^message 2 2/), two.until(/^message 1 1/)]);
  for (let count = 10; count < 20; count++) {
    one.channel.send(2, pull(count));
    two.channel.send(1, pull(count));
  }
  await Promise.all([one.until(/^message 2 19/), two.until(/^message 1 19/)]);
  t.is(one.matching(/^message/).length, 11);
  t.is(two.matching(/^message/).length, 11);
  t.deepEqual([...one.matching(/^down/), ...two.matching(/^down/)], []);
});

test('a member that dies and comes back is up with another incarnation', async (t) => {
  const [one, two] = await pair(t);
  one.channel.send(2, pull(1));
  await two.until(/^message/);
  await two.channel.close();
  await one.until(/^down 2/);
  one.channel.send(2, pull(2));
  await one.until(/^undelivered 2 pull unreachable/);
  await one.until(/^down 2/, 2);
  const again = await Member.open(t, 2);
  one.knows(2, again);
  again.knows(1, one);
  one.channel.send(2, pull(3));
  await again.until(/^message 1 3/);
  await one.until(/^up/, 2);
  t.not(again.channel.incarnation, two.channel.incarnation);
  t.deepEqual(one.matching(/^up/), [`up 2 ${two.channel.incarnation}`, `up 2 ${again.channel.incarnation}`]);
});

test('a member of another authority is refused, whoever dials', async (t) => {
  const foreign = { tls: credentials(stranger, 2) };
  const [one, two] = [await Member.open(t, 1), await Member.open(t, 2, foreign)];
  one.knows(2, two);
  two.knows(1, one);
  one.channel.send(2, pull(1));
  await one.until(/^down 2/);
  t.regex(one.matching(/^dial-failed/)[0] ?? '', /tls-failed CERT_SIGNATURE_FAILURE/);
  two.channel.send(1, pull(1));
  await two.until(/^down 1/);
  t.deepEqual([...one.matching(/^(up|message)/), ...two.matching(/^(up|message)/)], []);
});

/** `once` would reject at an error, which is what most of these sockets end with. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** What a client with these options gets from a member: nothing but the end of the connection. */
async function attempt(member: Member, options: ConnectionOptions): Promise<number> {
  const socket = connect({ ...member.endpoint, rejectUnauthorized: false, ...options });
  let receivedLength = 0;
  socket.on('data', (bytes: Buffer) => (receivedLength += bytes.length));
  socket.on('error', () => undefined);
  await closeOf(socket);
  return receivedLength;
}

function identity(of: Cluster, member: number): SecureContextOptions {
  const { certificateAuthority, certificate, privateKey } = credentials(of, member);
  return { ca: certificateAuthority, cert: certificate, key: privateKey };
}

const refusals: [string, ConnectionOptions, RegExp][] = [
  ['with a certificate of another authority', identity(stranger, 2), /tls-failed CERT_SIGNATURE_FAILURE/],
  ['without a certificate', {}, /tls-failed ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE/],
  ['of TLS 1.2', { ...identity(cluster, 2), maxVersion: 'TLSv1.2' }, /tls-failed ERR_SSL_UNSUPPORTED_PROTOCOL/],
  ['whose member is not in the list', identity(cluster, 3), /unknown-member/],
  ['that calls itself by our own name', identity(cluster, 1), /unknown-member/],
];
for (const [name, options, reason] of refusals) {
  test(`a client ${name} is refused, counted and reported`, async (t) => {
    const [one] = await pair(t);
    t.is(await attempt(one, options), 0, 'not even a hello is shown to it');
    await one.until(/^refused/);
    t.regex(one.matching(/^refused/)[0] ?? '', reason);
    t.is(one.channel.counters.refused, 1);
    t.notRegex(one.lines.join('\n'), /BEGIN|PRIVATE/);
    t.deepEqual(one.matching(/^(up|down|message)/), []);
  });
}

test('a client that speaks no TLS is refused', async (t) => {
  const [one] = await pair(t);
  const socket = connectPlain(one.endpoint);
  socket.on('error', () => undefined);
  socket.resume();
  socket.write('GET / HTTP/1.1\r\n\r\n');
  await closeOf(socket);
  await one.until(/^refused .* tls-failed/);
  t.pass();
});

test('a member that answers under another name than the dialled one is refused', async (t) => {
  const [one, two] = await pair(t);
  one.peers.set(3, two.endpoint);
  one.channel.send(3, pull(1));
  await one.until(/^down 3/);
  t.regex(one.matching(/^dial-failed 3/)[0] ?? '', /wrong-member ERR_PEER_WRONG_MEMBER/);
  t.deepEqual(two.matching(/^message/), []);
});

test('a certificate names its member by exactly one URI, and quoted text is no name', (t) => {
  t.is(memberNamed('DNS:localhost, IP Address:127.0.0.1, URI:urn:migratory:member:7'), 7);
  t.is(memberNamed('DNS:"evil, URI:urn:migratory:member:7, x"'), undefined);
  t.is(memberNamed('URI:urn:migratory:member:7, URI:urn:migratory:member:8'), undefined);
  for (const name of ['0', '65536', '99999', '07', '7x', '-1', '', '1e3']) {
    t.is(memberNamed(`URI:urn:migratory:member:${name}`), undefined, name);
  }
  t.is(memberNamed(undefined), undefined);
});

/** Something that the test plays, where it listens. */
interface Actor {
  readonly endpoint: { host: string; port: number };
}

async function listening(server: Server): Promise<Actor['endpoint']> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return { host: '127.0.0.1', port: address.port };
}

/** A port that accepts and says nothing. */
async function mute(t: ExecutionContext): Promise<Actor> {
  const server = createServer((socket) => socket.on('error', () => undefined));
  const endpoint = await listening(server);
  t.teardown(() => server.close());
  return { endpoint };
}

test('a message for a member that never answers is undelivered at its deadline', async (t) => {
  const one = await Member.open(t, 1, { limits: { peerConnectTimeoutMs: 60 } });
  one.knows(2, await mute(t));
  one.channel.send(2, pull(1));
  await one.until(/^down 2/);
  t.deepEqual(one.matching(/^undelivered/), ['undelivered 2 pull timed-out']);
  t.regex(one.matching(/^dial-failed/)[0] ?? '', /timed-out/);
});

test('a message for a member that is not in the list is undelivered', async (t) => {
  const one = await Member.open(t, 1);
  one.channel.send(9, pull(1));
  t.deepEqual(one.matching(/^down/), [], 'C1: nothing is called inside send');
  await one.until(/^down 9/);
  t.deepEqual(one.matching(/^undelivered/), ['undelivered 9 pull unknown-member']);
});

test('a port in use and credentials of another member are typed errors', async (t) => {
  const one = await Member.open(t, 1);
  const taken = await t.throwsAsync(Member.open(t, 2, { listen: one.endpoint }), { instanceOf: PeerListenFailed });
  t.is(taken.code, 'EADDRINUSE');
  t.true(taken.message.includes(`127.0.0.1:${one.endpoint.port}`));
  const tls = credentials(cluster, 3);
  await t.throwsAsync(Member.open(t, 2, { tls }), { instanceOf: PeerCredentialsInvalid });
  const garbage = await t.throwsAsync(Member.open(t, 2, { tls: { ...tls, certificate: 'x' } }), {
    instanceOf: PeerCredentialsInvalid,
  });
  t.notRegex(garbage.message, /BEGIN/);
  await t.throwsAsync(Member.open(t, 3, { tls: { ...tls, privateKey: credentials(cluster, 2).privateKey } }), {
    instanceOf: PeerCredentialsInvalid,
  });
});

test('C2: a closed channel lets what was sent leave, and is quiet afterwards', async (t) => {
  const [one, two] = await pair(t, { limits: { closeGraceMs: 60_000 } });
  one.channel.send(2, pull(1));
  await two.until(/^message/);
  await one.until(/^up/);
  // More than the sockets of the system hold.
  one.channel.send(2, { ...IMAGE, image: new Uint8Array(12_000_000) });
  const lineCount = one.lines.length;
  await one.channel.close();
  one.channel.send(2, pull(3));
  await two.until(/^down 1/);
  t.is(two.matching(/^message 1 other/).length, 1);
  t.is(one.lines.length, lineCount);
  await one.channel.close();
});

/** Member 2 as the test plays it: the certificate is right, the rest is up to `onSession`. */
async function actor(t: ExecutionContext, onSession: (session: TLSSocket, raw: Socket) => void): Promise<Actor> {
  const sockets: Socket[] = [];
  const server = createTlsServer({ ...identity(cluster, 2), requestCert: true }, (session) => {
    session.on('error', () => undefined);
    const raw = sockets.at(-1);
    if (raw !== undefined) onSession(session, raw);
  });
  server.on('connection', (socket: Socket) => sockets.push(socket));
  const endpoint = await listening(server);
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { endpoint };
}

test('a dial whose connection is reset before the hello has failed once', async (t) => {
  const one = await Member.open(t, 1);
  one.knows(2, await actor(t, (_session, raw) => raw.resetAndDestroy()));
  one.channel.send(2, pull(1));
  await one.until(/^down 2/);
  one.channel.send(2, pull(2));
  await one.until(/^down 2/, 2);
  t.is(one.channel.counters['dial-failed'], 2);
  t.deepEqual(one.matching(/^undelivered/), ['undelivered 2 pull unreachable', 'undelivered 2 pull unreachable']);
});

test('what a member does not read is held back up to the limit, then undelivered', async (t) => {
  const one = await Member.open(t, 1, { limits: { maxUnsentLength: 100_000 } });
  const hello = encodePeerMessage({ kind: 'hello', protocolVersion: 1, member: 2, incarnation: '00000000000000b2' });
  one.knows(2, await actor(t, (session) => session.write(Buffer.concat([frameHeader(hello.length), hello]))));
  one.channel.send(2, pull(1));
  await one.until(/^up 2/);
  for (let count = 0; count < 8; count++) one.channel.send(2, { ...IMAGE, image: new Uint8Array(1_000_000) });
  await one.until(/^down 2/);
  t.is(one.matching(/^undelivered 2 image queue-full/).length, 6, 'one is being written, one waits');
  t.is(one.matching(/^up 2 00000000000000b2/).length, 7, 'L4: the session stays');
});
