// The channel between members on node:tls: mutual certificates of the cluster's authority, TLS 1.3, kept open.
//
// A link (`transfer/link.ts`) per member decides, this file connects, accepts, and looks at certificates. Who has no right
// certificate is refused before any byte of it is read; refusals are counted and reported.
//   C1. The receiver is called from a turn of its own, never inside `send`, and in the order in which things happened.
//   C2. After `close` nothing is called any more.

import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { INCARNATION_LENGTH, type PeerMessage } from '../transfer/messages.js';
import { TRANSFER_LIMITS, type TransferLimits } from '../transfer/limits.js';
import type { Address } from '../wire/address.js';
import { bytesToCid, type MemberId } from '../wire/migrate-options.js';
import type { Clock, Entropy, PeerChannel, PeerReceiver } from './driver.js';
import { PeerListenFailed, type PeerCounters, type PeerEvent } from './peer-events.js';
import { errorCode, memberNamed, peerTlsOptions, type PeerCredentials } from './peer-identity.js';
import { PeerLink, type PeerLinkContext } from './peer-link.js';

/** More connections than that at the same time are not accepted, so that strangers cost a bounded amount of memory. */
const MAX_ACCEPTED_COUNT = 256;

/** Where a member listens for other members. */
export interface PeerEndpoint {
  readonly host: string;
  readonly port: number;
}

export interface PeerChannelOptions {
  /** Our own id, 1 to 65535; the certificate must name it. */
  readonly member: MemberId;
  /** Port 0 lets the system choose one. */
  readonly listen: PeerEndpoint;
  /** Where the other members listen; our own entry is ignored. Looked up at each dial, so the map may change. */
  readonly peers: ReadonlyMap<MemberId, PeerEndpoint>;
  readonly tls: PeerCredentials;
  readonly entropy: Entropy;
  readonly clock: Clock;
  readonly limits?: Partial<TransferLimits>;
  readonly report?: (event: PeerEvent) => void;
}

export interface NodePeerChannel extends PeerChannel {
  /** Where we listen. */
  readonly address: Address;
  /** New at each start, 16 hexadecimal digits. */
  readonly incarnation: string;
  readonly counters: Readonly<PeerCounters>;
  /** Dials every member once, so that the first handoff need not wait for TLS. A member that is not there yet will dial us. */
  prepare(): void;
}

/** Rejects with `PeerListenFailed` or `PeerCredentialsInvalid`. */
export async function openPeerChannel(options: PeerChannelOptions): Promise<NodePeerChannel> {
  const channel = new TlsPeerChannel(options);
  await channel.listen(options.listen);
  return channel;
}

class TlsPeerChannel implements NodePeerChannel {
  readonly incarnation: string;
  readonly counters: PeerCounters = {
    refused: 0,
    'dial-failed': 0,
    'session-up': 0,
    'session-ended': 0,
    undelivered: 0,
  };
  readonly #options: PeerChannelOptions;
  readonly #server: Server;
  readonly #context: PeerLinkContext;
  readonly #links = new Map<MemberId, PeerLink>();
  /** All that came in and is open, in its handshake or later. */
  readonly #accepted = new Set<Socket>();
  /** Authenticated before `start`. */
  readonly #early: TLSSocket[] = [];
  readonly #deliveries: ((receiver: PeerReceiver) => void)[] = [];
  #receiver: PeerReceiver | undefined;
  #isClosed = false;
  #address: Address = { ip: '', port: 0 };

  constructor(options: PeerChannelOptions) {
    this.#options = options;
    this.incarnation = bytesToCid(options.entropy.bytes(INCARNATION_LENGTH));
    const limits = { ...TRANSFER_LIMITS, ...options.limits };
    const tlsOptions = peerTlsOptions(options.member, options.tls);
    this.#context = {
      member: options.member,
      incarnation: this.incarnation,
      limits,
      tlsOptions,
      clock: options.clock,
      endpointOf: (member) => options.peers.get(member),
      deliver: (delivery) => this.#deliver(delivery),
      report: (event) => this.#report(event),
    };
    this.#server = createServer(
      { ...tlsOptions, requestCert: true, rejectUnauthorized: true, handshakeTimeout: limits.helloTimeoutMs },
      (socket) => this.#accept(socket),
    );
    this.#server.maxConnections = MAX_ACCEPTED_COUNT;
    this.#server.on('connection', (socket: Socket) => {
      this.#accepted.add(socket);
      socket.on('close', () => this.#accepted.delete(socket));
    });
    this.#server.on('tlsClientError', (error, socket) => {
      const reason = socket.authorizationError as unknown;
      this.#refuse(socket, 'tls-failed', typeof reason === 'string' ? reason : errorCode(error));
    });
  }

  get address(): Address {
    return this.#address;
  }

  listen({ host, port }: PeerEndpoint): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) => reject(new PeerListenFailed({ ip: host, port }, errorCode(error))));
      this.#server.listen(port, host, () => {
        const bound = this.#server.address();
        if (bound !== null && typeof bound !== 'string') this.#address = { ip: bound.address, port: bound.port };
        resolve();
      });
    });
  }

  start(receiver: PeerReceiver): void {
    this.#receiver = receiver;
    for (const socket of this.#early.splice(0)) this.#adopt(socket);
    queueMicrotask(() => this.#flush());
  }

  send(to: MemberId, message: PeerMessage): void {
    if (this.#isClosed) return;
    const link = this.#linkTo(to);
    if (link !== undefined) return link.send(message);
    this.#report({ kind: 'undelivered', member: to, message: message.kind, reason: 'unknown-member' });
    this.#deliver((receiver) => receiver.down(to));
  }

  prepare(): void {
    for (const member of this.#options.peers.keys()) this.#linkTo(member)?.prepare();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#deliveries.length = 0;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await Promise.all([...this.#links.values()].map((link) => link.close()));
    for (const socket of this.#accepted) socket.destroy();
    await closed;
  }

  #accept(socket: TLSSocket): void {
    socket.on('error', () => socket.destroy());
    if (this.#receiver === undefined) this.#early.push(socket);
    else this.#adopt(socket);
  }

  #adopt(socket: TLSSocket): void {
    if (this.#isClosed) return void socket.destroy();
    const member = memberNamed(socket.getPeerX509Certificate()?.subjectAltName);
    const link = member === undefined ? undefined : this.#linkTo(member);
    if (link !== undefined) return link.accept(socket);
    this.#refuse(socket, member === undefined ? 'no-member-named' : 'unknown-member', '');
  }

  #refuse(socket: TLSSocket, reason: 'tls-failed' | 'no-member-named' | 'unknown-member', code: string): void {
    const remote = socket.remoteAddress === undefined ? 'unknown' : `${socket.remoteAddress}:${socket.remotePort}`;
    socket.destroy();
    if (!this.#isClosed) this.#report({ kind: 'refused', remote, reason, code });
  }

  #linkTo(member: MemberId): PeerLink | undefined {
    const known = this.#links.get(member);
    if (known !== undefined) return known;
    if (member === this.#options.member || !this.#options.peers.has(member)) return undefined;
    const link = new PeerLink(member, this.#context);
    this.#links.set(member, link);
    return link;
  }

  #deliver(delivery: (receiver: PeerReceiver) => void): void {
    if (this.#isClosed) return;
    this.#deliveries.push(delivery);
    if (this.#deliveries.length === 1) queueMicrotask(() => this.#flush()); // C1
  }

  #flush(): void {
    const receiver = this.#receiver;
    if (receiver === undefined) return;
    for (const delivery of this.#deliveries.splice(0)) {
      if (!this.#isClosed) delivery(receiver); // C2
    }
  }

  #report(event: PeerEvent): void {
    this.counters[event.kind] += 1;
    this.#options.report?.(event);
  }
}
