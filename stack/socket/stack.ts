// A stack: one host with a driver, a clock and, for a member of a service, a channel to the other members.
//
// Everything that happens comes through here with the time of day: segments, deadlines, messages, and what users ask for.
// One timer of the clock is kept at the host's next deadline.

import type { Clock, Driver, Entropy, PeerChannel, Timer } from '../drivers/driver.js';
import { DEFAULT_HOST_LIMITS, type HostLimits } from '../host/config.js';
import type { HostCounters } from '../host/counters.js';
import { Host } from '../host/host.js';
import type { Membership } from '../host/options.js';
import type { HostConnection } from '../host/host-connection.js';
import type { Listener as HostListener } from '../host/listener.js';
import { DEFAULT_MIGRATION_LIMITS, type MigrationLimits } from '../migration/config.js';
import { leaveSilentMember, type Policy } from '../migration/policy.js';
import { MAX_MEMBERS } from '../migration/setup-record.js';
import { isMovable } from '../migration/server-role.js';
import type { Terms } from '../migration/record.js';
import { DEFAULT_TCP_CONFIG, UNANNOUNCED_IPV6_SEGMENT_SIZE, type TcpConfig } from '../tcp/config.js';
import { bytesToIp, ipToBytes, isOfOneHost, type Address } from '../wire/address.js';
import type { IpFamily } from '../wire/ip/packet.js';
import type { MemberId } from '../wire/migrate-options.js';
import { MigratoryConnection } from './connection.js';
import type { ConnectionStack } from './connection-stack.js';
import { StackClosed } from './errors.js';

/** What a stack runs on, and what limits it. */
export interface StackOptions {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Makes the stack a member of a service: its connections can come from and go to the other members. */
  readonly membership?: Membership & { readonly channel: PeerChannel };
  readonly tcp?: Partial<Omit<TcpConfig, 'maximumSegmentSize' | 'unannouncedSegmentSize' | 'maxSuperSegmentLength'>>;
  readonly migration?: Partial<MigrationLimits>;
  readonly limits?: Partial<HostLimits>;
  /** How long a connection that was destroyed may take to deliver what was written; default 60 s. */
  readonly lingerMs?: number;
}

/** What `listen` takes. */
export interface ListenOptions {
  /** 0 lets the driver choose. */
  readonly port: number;
  /** False serves ordinary TCP only. Default: true where the stack is a member of a service. */
  readonly migratable?: boolean;
  /**
   * Whether the application can go on from the state of a connection that wants to arrive. Where not, the move is refused as
   * 'state-not-supported' and the connection goes on where it is. Default: always.
   */
  readonly canRestore?: (state: Uint8Array) => boolean;
}

/** What `connect` takes. */
export interface ConnectOptions {
  readonly address: Address;
  /** The service's Ed25519 public key, 32 bytes (`servicePublicKey`): the connection fails where the server has another. */
  readonly servicePublicKey?: Uint8Array;
  /** 'preferred' (default) goes without where the server offers none; 'required' fails then; 'off' does not ask. */
  readonly migration?: 'required' | 'preferred' | 'off';
  /** When to move by oneself; default: to the next member when this one has gone silent. */
  readonly policy?: Policy;
}

/** A port that accepts connections. */
export interface Listener {
  readonly address: Address;
  /** Accepts nothing more, neither new connections nor arriving ones; those that are open stay. */
  close(): Promise<void>;
}

const IPV4_OVERHEAD = 40;
const IPV6_OVERHEAD = 60;
const DEFAULT_LINGER_MS = 60_000;
/** So many of them may wait unsent before the user is told to stop: fewer, and they leave before they are full. */
const SUPER_SEGMENTS_AHEAD = 4;

/** A TCP of its own: connects, listens, and moves connections. `createNodeStack` makes one for real networks. */
export class Stack implements ConnectionStack {
  /** @internal */
  readonly host: Host;
  readonly #options: StackOptions;
  readonly #connections = new Set<MigratoryConnection>();
  /** Ports whose listeners are closed: they stay bound, so that who tries is refused rather than left waiting. */
  readonly #idlePorts = new Map<number, Address>();
  /** The listener for 'close' of all connections: one of its own each would be a twentieth of what they take. */
  readonly #forget: (this: MigratoryConnection) => void;
  #timer: Timer | undefined;
  #deliveringCount = 0;
  #armedFor = Infinity;
  /** Calls of `run` inside one another: who takes an event may write, or move, at once. */
  #depth = 0;
  #closed = false;

  constructor(options: StackOptions) {
    this.#options = options;
    const connections = this.#connections;
    this.#forget = function () {
      connections.delete(this);
    };
    const { driver, entropy, membership } = options;
    if (membership !== undefined) checkMembership(membership);
    this.host = new Host(
      {
        tcp: tcpConfig(options, driver.family === 6 ? 6 : 4),
        tcpOverIpv6: tcpConfig(options, 6),
        migration: { ...DEFAULT_MIGRATION_LIMITS, ...options.migration },
        limits: { ...DEFAULT_HOST_LIMITS, ...options.limits },
        membership,
        drawRandom: (length) => entropy.bytes(length),
      },
      {
        transmit: (local, remote, segment) => driver.transmit(local, remote, segment),
        sendToPeer: (to, message) => membership?.channel.send(to, message),
      },
    );
    driver.start({
      segment: (local, remote, segment) => this.run((now) => this.host.receive(now, local, remote, segment)),
      report: (local, remote, report) => this.run((now) => this.host.networkReport(now, local, remote, report)),
    });
    membership?.channel.start({
      message: (from, message) => this.run((now) => this.host.peerMessage(now, from, message)),
      up: (member, incarnation) => this.host.peerUp(member, incarnation),
      down: (member) => this.run(() => this.host.peerDown(member)),
    });
  }

  /** The stack's clock: for those whose own waits should pass in the same time. */
  get clock(): Clock {
    return this.#options.clock;
  }

  /** Its randomness, likewise. */
  get entropy(): Entropy {
    return this.#options.entropy;
  }

  /** The service's other members, where the stack is a member of one: where connections can be advised to go. */
  get otherMembers(): readonly MemberId[] {
    const { membership } = this.#options;
    return membership?.members.map(({ id }) => id).filter((id) => id !== membership.id) ?? [];
  }

  /**
   * Connections that `close` would cut short though they have no stream here any more: those that have left and that no
   * other member has confirmed yet, and those whose stream has closed and that still deliver what was written.
   */
  get unconfirmedCount(): number {
    return this.host.unconfirmedCount + this.#deliveringCount;
  }

  /** What was dropped, refused and moved, by name. */
  get counters(): Readonly<HostCounters> {
    return this.host.counters;
  }

  /** The connections of clients, from `connect` on, and of servers, until their 'close'. */
  get connections(): ReadonlySet<MigratoryConnection> {
    return this.#connections;
  }

  /**
   * Accepts connections, new ones and ones that arrive from other members. Rejects with the driver's error, or `StackClosed`.
   */
  async listen(options: ListenOptions, onConnection: (connection: MigratoryConnection) => void): Promise<Listener> {
    const { driver, membership } = this.#options;
    if (this.#closed) throw new StackClosed();
    const address = this.#idlePorts.get(options.port) ?? (await driver.bind(options.port));
    this.#idlePorts.delete(options.port);
    const offered = membership !== undefined && options.migratable !== false;
    const listener = this.host.listen({
      port: address.port,
      migration: offered ? 'offered' : 'off',
      canRestore: options.canRestore ?? (() => true),
      onConnection: (connection) => this.#accepted(connection, onConnection),
    });
    return { address, close: () => this.#closeListener(listener, address) };
  }

  #closeListener(listener: HostListener, address: Address): Promise<void> {
    if (listener.accepting) {
      this.host.unlisten(listener);
      this.#idlePorts.set(address.port, address);
    }
    return Promise.resolve();
  }

  #accepted(connection: HostConnection, onConnection: (connection: MigratoryConnection) => void): void {
    const { local, remote } = connection.record;
    const socket = new MigratoryConnection(this, 'server', local, remote);
    this.#adopt(socket, connection);
    onConnection(socket);
  }

  #adopt(socket: MigratoryConnection, connection: HostConnection): void {
    connection.onEvent = (event) => socket.receiveEvent(event);
    this.#remember(socket);
    socket.attach(connection);
  }

  #remember(socket: MigratoryConnection): void {
    if (this.#connections.has(socket)) return;
    this.#connections.add(socket);
    socket.on('close', this.#forget);
  }

  /**
   * Opens a connection. It can be written to at once; failures come as the event 'error', as with node:net. Throws a
   * `RangeError` for an address or a key that can't be one.
   */
  connect(options: ConnectOptions): MigratoryConnection {
    const { driver } = this.#options;
    const address = canonicalAddress(options.address, driver.family);
    const terms = clientTerms(options, this.#options);
    const socket = new MigratoryConnection(this, 'client', { ip: '', port: 0 }, address);
    if (this.#closed) return socket.destroy(new StackClosed());
    this.#remember(socket);
    driver.bind(0, familyOf(address)).then(
      (local) => {
        if (this.#closed || socket.destroyed) return driver.release(local);
        this.run((now) => {
          const connection = this.host.connect(now, local, address, terms, (event) => {
            socket.receiveEvent(event);
          });
          connection.onRemoved = () => driver.release(local);
          this.#adopt(socket, connection);
        });
      },
      (error: unknown) => socket.destroy(error instanceof Error ? error : new Error(String(error))),
    );
    return socket;
  }

  /** Member: advises the clients of up to `count` connections that can move to do so. Answers how many were advised. */
  moveConnections(to: MemberId, count = Infinity): number {
    const able = this.host.migratoryConnections().filter(({ record }) => isMovable(record));
    const chosen = able.slice(0, count);
    for (const connection of chosen) this.run((now) => this.host.advise(now, connection, to));
    return chosen.length;
  }

  /** Member: asks another member for up to `count` of its connections. */
  pullConnections(from: MemberId, count: number): void {
    this.#options.membership?.channel.send(from, { kind: 'pull', count });
  }

  /** Resets what is still open, and releases every address. */
  async close(): Promise<void> {
    if (this.#closed) return;
    for (const socket of this.#connections) socket.resetAndDestroy();
    // Those that nobody has seen yet, and those that were destroyed and still deliver.
    this.run((now) => this.host.abortAll(now));
    this.#closed = true;
    this.#timer?.cancel();
    await Promise.all([this.#options.membership?.channel.close(), this.#options.driver.close()]);
  }

  /** @internal */
  run<Result>(change: (now: number) => Result): Result {
    const now = this.#options.clock.now();
    this.#depth++;
    try {
      return change(now);
    } finally {
      this.#depth--;
      if (this.#depth === 0) this.#arm(now);
    }
  }

  /** @internal */
  linger(expired: () => void): Timer {
    const { clock, lingerMs } = this.#options;
    this.#deliveringCount++;
    let isDelivering = true;
    const over = (): void => {
      if (isDelivering) this.#deliveringCount--;
      isDelivering = false;
    };
    const timer = clock.wakeAt(clock.now() + (lingerMs ?? DEFAULT_LINGER_MS), () => {
      over();
      expired();
    });
    return {
      cancel: () => {
        over();
        timer.cancel();
      },
    };
  }

  /**
   * What is due already is done at once: a move begins with such deadlines, and the clock's next tick is a millisecond away.
   * A timer that fires too early costs less than one that is set anew for each segment.
   */
  #arm(now: number): void {
    if (this.#closed) return;
    if (this.host.nextDeadline() <= now) this.host.meetDeadlines(now);
    const deadline = this.host.nextDeadline();
    if (deadline >= this.#armedFor) return;
    this.#timer?.cancel();
    this.#armedFor = deadline;
    this.#timer = this.#options.clock.wakeAt(deadline, () => {
      this.#armedFor = Infinity;
      this.run((later) => this.host.meetDeadlines(later));
    });
  }
}

function tcpConfig(options: StackOptions, family: IpFamily): TcpConfig {
  const { mtu, maxSuperSegmentLength, congestionMarks } = options.driver.capabilities;
  const unmarked = congestionMarks === 'lost' ? { explicitCongestion: 'off' as const } : {};
  const unsentLength = Math.max(DEFAULT_TCP_CONFIG.unsentLength, SUPER_SEGMENTS_AHEAD * maxSuperSegmentLength);
  const common = { ...DEFAULT_TCP_CONFIG, unsentLength, ...options.tcp, maxSuperSegmentLength, ...unmarked };
  if (family === 4) return { ...common, maximumSegmentSize: mtu - IPV4_OVERHEAD };
  return {
    ...common,
    maximumSegmentSize: mtu - IPV6_OVERHEAD,
    unannouncedSegmentSize: UNANNOUNCED_IPV6_SEGMENT_SIZE,
  };
}

function familyOf({ ip }: Address): IpFamily {
  return ip.includes(':') ? 6 : 4;
}

/** Addresses are compared as texts: one address, one text. */
function canonicalAddress(address: Address, family: Driver['family']): Address {
  const bytes = ipToBytes(address.ip);
  if (bytes === undefined || (family !== 'both' && bytes.length !== (family === 6 ? 16 : 4))) {
    const wanted = family === 'both' ? 'IP' : `IPv${family}`;
    throw new RangeError(`'${address.ip}' is not an ${wanted} address: this stack reaches no other`);
  }
  if (!isOfOneHost(bytes)) throw new RangeError(`'${address.ip}' is no single host's address: connect to one host`);
  if (!Number.isInteger(address.port) || address.port < 1 || address.port > 65_535) {
    throw new RangeError(`${address.port} is not a port to connect to: give one from 1 to 65535`);
  }
  return { ip: bytesToIp(bytes), port: address.port };
}

function checkMembership({ id, members }: Membership): void {
  if (members.length > MAX_MEMBERS) {
    throw new RangeError(`a service has at most ${MAX_MEMBERS} members, not ${members.length}: divide it`);
  }
  if (!members.some((member) => member.id === id)) {
    throw new RangeError(`member ${id} is not among the service's members: add its entry`);
  }
}

function clientTerms(options: ConnectOptions, { entropy, migration: limits }: StackOptions): Terms {
  const migration = options.migration ?? 'preferred';
  if (migration === 'off') return { kind: 'plain' };
  const { policyTimeoutCount } = { ...DEFAULT_MIGRATION_LIMITS, ...limits };
  const { servicePublicKey: serviceKey, policy = leaveSilentMember(policyTimeoutCount) } = options;
  if (serviceKey !== undefined && serviceKey.length !== 32) {
    throw new RangeError(`the service's public key has 32 bytes, not ${serviceKey.length}: see servicePublicKey()`);
  }
  return { kind: 'client', migration, serviceKey, privateKey: entropy.bytes(32), policy };
}
