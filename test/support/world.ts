// A world in one process: the members of a service and their clients, a network and a clock that the test owns.
//
// Hosts are driven directly, without streams, so that thousands of worlds run in a minute. All randomness comes from the
// world's seed. What a test wants to see of the traffic it sees through `WorldWatch`.

import { MemoryNetwork, type MemoryDriver, type NetworkConditions } from '@migratory/stack/internal/drivers/memory.js';
import { MemoryPeers } from '@migratory/stack/internal/drivers/memory-peers.js';
import type { PeerChannel, Timer } from '@migratory/stack/internal/drivers/driver.js';
import { SeededEntropy, VirtualClock } from '@migratory/stack/internal/drivers/virtual-clock.js';
import { DEFAULT_HOST_LIMITS, type HostLimits } from '@migratory/stack/internal/host/config.js';
import type { HostConnection } from '@migratory/stack/internal/host/host-connection.js';
import { Host } from '@migratory/stack/internal/host/host.js';
import type { Listener } from '@migratory/stack/internal/host/listener.js';
import { DEFAULT_MIGRATION_LIMITS, type MigrationLimits } from '@migratory/stack/internal/migration/config.js';
import { serviceIdentity } from '@migratory/stack/internal/migration/keys.js';
import type { Policy } from '@migratory/stack/internal/migration/policy.js';
import type { ConnectionEvent, Terms } from '@migratory/stack/internal/migration/record.js';
import { DEFAULT_TCP_CONFIG, type TcpConfig } from '@migratory/stack/internal/tcp/config.js';
import type { PeerMessage } from '@migratory/stack/internal/transfer/messages.js';
import type { Address } from '@migratory/stack/internal/wire/address.js';
import type { MemberId } from '@migratory/stack/internal/wire/migrate-options.js';
import type { Segment } from '@migratory/stack/internal/wire/segment.js';
import { SERVICE_PORT, testServiceKey, testServicePublicKey } from './stack-world.js';

const IP_AND_TCP_LENGTH = 40;

/** What a client wants: ordinary TCP, a connection that moves, or that with a service that is not this one. */
export type ClientAsks = 'plain' | 'moving' | 'other-service';

/** The same in every world, so that a seed replays exactly. */
const SERVICE_IDENTITY = serviceIdentity(testServiceKey());

/** What a test is told as it happens. */
export interface WorldWatch {
  memberTransmits(member: MemberId, to: Address, segment: Segment): void;
  clientTransmits(client: ClientMachine, to: Address, segment: Segment): void;
  /** A message that is lost takes the session between the two with it. */
  peerMessage(from: MemberId, to: MemberId, message: PeerMessage): 'deliver' | 'lose';
  /** A connection is open at a member, whether new or arrived. The watch sets its `onEvent`. */
  opened(member: Member, connection: HostConnection): void;
  /** A host has finished an input, down to its last output. */
  inputFinished(machine: Member | ClientMachine): void;
}

export interface WorldOptions {
  readonly seed: number;
  readonly memberCount: number;
  readonly conditions: NetworkConditions;
  readonly peerDelayMs: number;
  readonly mtu: number;
  readonly tcp: Partial<TcpConfig>;
  readonly migration: Partial<MigrationLimits>;
  readonly limits: Partial<HostLimits>;
}

export class World {
  readonly clock = new VirtualClock();
  readonly random: SeededEntropy;
  readonly network: MemoryNetwork;
  readonly peers: MemoryPeers;
  readonly members: Member[] = [];
  readonly clients: ClientMachine[] = [];
  readonly options: WorldOptions;
  readonly watch: WorldWatch;
  /** Until then no application does anything. */
  asleepUntilMs = 0;

  constructor(options: WorldOptions, watch: WorldWatch) {
    this.options = options;
    this.watch = watch;
    this.random = new SeededEntropy(options.seed);
    const { clock, random } = this;
    this.network = new MemoryNetwork(clock, new SeededEntropy(random.u32()), options.conditions);
    this.peers = new MemoryPeers({ clock, network: this.network, ipOf: memberIp, delayMs: options.peerDelayMs });
    for (let id = 1; id <= options.memberCount; id++) this.members.push(new Member(this, id));
    for (const member of this.members) member.start();
  }

  addClient(): ClientMachine {
    const client = new ClientMachine(this, this.clients.length + 1);
    this.clients.push(client);
    return client;
  }

  member(id: MemberId): Member {
    const member = this.members[id - 1];
    if (member === undefined) throw new Error(`no member ${id}`);
    return member;
  }

  get memberAddresses(): { readonly id: MemberId; readonly address: Address }[] {
    return this.members.map(({ id, address }) => ({ id, address }));
  }

  tcpConfig(): TcpConfig {
    const { tcp, mtu } = this.options;
    return { ...DEFAULT_TCP_CONFIG, ...tcp, maximumSegmentSize: mtu - IP_AND_TCP_LENGTH };
  }
}

export function memberIp(member: MemberId): string {
  return `10.0.0.${member}`;
}

/** A host with its one timer, as the socket layer's stack keeps it. */
abstract class Machine {
  readonly world: World;
  #timer: Timer | undefined;
  #armedFor = Infinity;
  /** How many inputs are being handled: an application that acts from inside an event makes a second one. */
  depth = 0;

  constructor(world: World) {
    this.world = world;
  }

  protected abstract get currentHost(): Host | undefined;

  /** Runs what changes the host, and looks after its timer. */
  run<Result>(change: (host: Host, now: number) => Result): Result | undefined {
    const host = this.currentHost;
    if (host === undefined) return undefined;
    this.depth++;
    const result = change(host, this.world.clock.now());
    this.depth--;
    this.#arm(host);
    if (this.depth === 0) this.inputFinished();
    return result;
  }

  protected abstract inputFinished(): void;

  protected disarm(): void {
    this.#timer?.cancel();
    this.#armedFor = Infinity;
  }

  #arm(host: Host): void {
    const deadline = host.nextDeadline();
    if (deadline >= this.#armedFor) return;
    this.#timer?.cancel();
    this.#armedFor = deadline;
    this.#timer = this.world.clock.wakeAt(deadline, () => {
      this.#armedFor = Infinity;
      this.run((running, now) => running.meetDeadlines(now));
    });
  }
}

/** One server of the service. A crash loses all that it holds in memory. */
export class Member extends Machine {
  readonly id: MemberId;
  readonly name: string;
  readonly address: Address;
  host: Host | undefined;
  listener: Listener | undefined;
  /** Whether its application can go on from the states of others now. */
  canRestore = true;
  #channel: PeerChannel | undefined;

  constructor(world: World, id: MemberId) {
    super(world);
    this.id = id;
    this.name = `member ${id}`;
    this.address = { ip: memberIp(id), port: SERVICE_PORT };
  }

  protected get currentHost(): Host | undefined {
    return this.host;
  }

  start(): void {
    const { world, id } = this;
    const { network, options, peers, watch } = world;
    const driver = network.attach(this.address.ip, options.mtu);
    driver.bindNow(SERVICE_PORT);
    const channel = peers.attach(id);
    const host = new Host(
      {
        tcp: world.tcpConfig(),
        migration: { ...DEFAULT_MIGRATION_LIMITS, ...options.migration },
        limits: { ...DEFAULT_HOST_LIMITS, ...options.limits },
        membership: { id, members: world.memberAddresses, identity: SERVICE_IDENTITY },
        drawRandom: (length) => world.random.bytes(length),
      },
      {
        transmit: (local, remote, segment) => {
          watch.memberTransmits(id, remote, segment);
          driver.transmit(local, remote, segment);
        },
        sendToPeer: (to, message) => {
          if (watch.peerMessage(id, to, message) === 'deliver') channel.send(to, message);
          else this.#lose(to);
        },
      },
    );
    this.host = host;
    this.#channel = channel;
    this.listener = host.listen({
      port: SERVICE_PORT,
      migration: 'offered',
      canRestore: () => this.canRestore,
      onConnection: (connection) => watch.opened(this, connection),
    });
    driver.start({
      segment: (local, remote, segment) => this.run((running, now) => running.receive(now, local, remote, segment)),
    });
    channel.start({
      message: (from, message) => this.run((running, now) => running.peerMessage(now, from, message)),
      up: (member, incarnation) => this.run((running) => running.peerUp(member, incarnation)),
      down: (member) => this.run((running) => running.peerDown(member)),
    });
  }

  #lose(to: MemberId): void {
    const { clock, options } = this.world;
    clock.wakeAt(clock.now() + options.peerDelayMs, () => this.run((running) => running.peerDown(to)));
  }

  protected inputFinished(): void {
    this.world.watch.inputFinished(this);
  }

  /** The process is gone, and the machine answers nothing. */
  crash(): void {
    this.host = undefined;
    this.listener = undefined;
    this.disarm();
    this.world.network.attach(this.address.ip, this.world.options.mtu);
    this.world.peers.crash(this.id);
    this.#channel = undefined;
  }

  get isRunning(): boolean {
    return this.#channel !== undefined;
  }
}

/** A client's machine. It may change its address: the host keeps its own, as behind a NAT that forgot its mapping. */
export class ClientMachine extends Machine {
  readonly index: number;
  readonly name: string;
  readonly host: Host;
  readonly ip: string;
  /** Every address under which the world has seen it. */
  readonly publicIps: string[] = [];
  isGone = false;
  #driver: MemoryDriver;
  #nextPort = 40_000;

  constructor(world: World, index: number) {
    super(world);
    this.index = index;
    this.name = `client ${index}`;
    this.ip = `10.1.${index}.1`;
    this.host = new Host(
      {
        tcp: world.tcpConfig(),
        migration: { ...DEFAULT_MIGRATION_LIMITS, ...world.options.migration },
        limits: { ...DEFAULT_HOST_LIMITS, ...world.options.limits },
        membership: undefined,
        drawRandom: (length) => world.random.bytes(length),
      },
      {
        transmit: (local, remote, segment) => {
          world.watch.clientTransmits(this, remote, segment);
          this.#driver.transmit({ ip: this.publicIp, port: local.port }, remote, segment);
        },
        sendToPeer: () => undefined,
      },
    );
    this.#driver = this.#attach();
  }

  protected get currentHost(): Host | undefined {
    return this.isGone ? undefined : this.host;
  }

  protected inputFinished(): void {
    this.world.watch.inputFinished(this);
  }

  /** From now on it neither hears nor says anything. */
  vanish(): void {
    this.isGone = true;
    this.disarm();
    void this.#driver.close();
  }

  get publicIp(): string {
    return this.publicIps.at(-1) ?? this.ip;
  }

  /** From now on the world sees, and reaches, this client at another address only. */
  changeAddress(): void {
    void this.#driver.close();
    this.#driver = this.#attach();
  }

  #attach(): MemoryDriver {
    this.publicIps.push(`10.1.${this.index}.${this.publicIps.length + 1}`);
    const driver = this.world.network.attach(this.publicIp, this.world.options.mtu);
    for (let port = 40_000; port < this.#nextPort; port++) driver.bindNow(port);
    driver.start({
      segment: (local, remote, segment) =>
        this.run((host, now) => host.receive(now, { ip: this.ip, port: local.port }, remote, segment)),
    });
    return driver;
  }

  connect(
    to: Member,
    { asks, policy }: { readonly asks: ClientAsks; readonly policy: Policy },
    onEvent: (event: ConnectionEvent) => void,
  ): HostConnection {
    const port = this.#nextPort++;
    this.#driver.bindNow(port);
    const terms: Terms =
      asks === 'plain'
        ? { kind: 'plain' }
        : {
            kind: 'client',
            migration: 'required',
            // As if it had been told of another service's key.
            serviceKey: asks === 'other-service' ? testServicePublicKey(8) : SERVICE_IDENTITY.publicKey,
            privateKey: this.world.random.bytes(32),
            policy,
          };
    const connection = this.run((host, now) => host.connect(now, { ip: this.ip, port }, to.address, terms, onEvent));
    if (connection === undefined) throw new Error('a client machine always runs');
    return connection;
  }
}
