// Hosts on a bench: no stream, no driver, and every segment and message in the hands of the test.
//
// What a host sends lies on the bench until `settle` carries it over. A test may look at it, change it, take it away, or
// put something of its own there. Time passes only in `advance`.

import { serviceIdentity } from '@migratory/stack';
import { DEFAULT_HOST_LIMITS, type HostLimits } from '@migratory/stack/internal/host/config.js';
import { Host } from '@migratory/stack/internal/host/host.js';
import type { HostConnection } from '@migratory/stack/internal/host/host-connection.js';
import { DEFAULT_MIGRATION_LIMITS, type MigrationLimits } from '@migratory/stack/internal/migration/config.js';
import { stay } from '@migratory/stack/internal/migration/policy.js';
import type { ConnectionEvent, Terms } from '@migratory/stack/internal/migration/record.js';
import { DEFAULT_TCP_CONFIG, type TcpConfig } from '@migratory/stack/internal/tcp/config.js';
import type { PeerMessage } from '@migratory/stack/internal/transfer/messages.js';
import type { Address } from '@migratory/stack/internal/wire/address.js';
import type { Segment } from '@migratory/stack/internal/wire/segment.js';
import { SeededEntropy } from '@migratory/stack/internal/drivers/virtual-clock.js';
import { memberAddress, SERVICE_PORT, testServiceKey } from './stack-world.js';

export const CLIENT: Address = { ip: '10.1.0.1', port: 50_000 };

export interface Sent {
  readonly from: Address;
  readonly to: Address;
  readonly segment: Segment;
}

export interface SentMessage {
  readonly from: number;
  readonly to: number;
  readonly message: PeerMessage;
}

export interface BenchOptions {
  readonly memberCount?: number;
  readonly tcp?: Partial<TcpConfig>;
  readonly migration?: Partial<MigrationLimits>;
  readonly limits?: Partial<HostLimits>;
  readonly listen?: 'offered' | 'off';
}

/** One connection as the application of its host has it. */
export interface End {
  readonly connection: HostConnection;
  readonly events: ConnectionEvent[];
}

export class HostBench {
  now = 0;
  readonly hosts = new Map<string, Host>();
  /** Connections that each member's listener has handed out, oldest first. */
  readonly accepted: (End & { readonly member: number })[] = [];
  readonly segments: Sent[] = [];
  readonly messages: SentMessage[] = [];
  /** May change a message on its way, or take it away. */
  tamper: (sent: SentMessage) => PeerMessage | undefined = ({ message }) => message;
  /** May change a segment on its way, or take it away. */
  intercept: (sent: Sent) => Segment | undefined = ({ segment }) => segment;
  readonly #options: BenchOptions;
  readonly #entropy = new SeededEntropy(1);
  #processCount = 0;

  constructor(options: BenchOptions = {}) {
    this.#options = options;
    for (const id of this.#memberIds) this.#addMember(id);
    for (const id of this.#memberIds) this.#meet(id);
    this.#add(CLIENT.ip, undefined);
  }

  get #memberIds(): number[] {
    return Array.from({ length: this.#options.memberCount ?? 2 }, (_, index) => index + 1);
  }

  /** A new process of that member, which knows nothing; the others have noticed, or not yet. */
  restart(id: number, others: 'noticed' | 'unaware'): void {
    this.#addMember(id);
    if (others === 'noticed') this.#meet(id);
  }

  #meet(id: number): void {
    const incarnation = `process ${this.#processCount++}`;
    for (const other of this.#memberIds) if (other !== id) this.member(other).peerUp(id, incarnation);
  }

  #addMember(id: number): void {
    const members = this.#memberIds.map((each) => ({ id: each, address: memberAddress(each) }));
    const identity = serviceIdentity(testServiceKey());
    const host = this.#add(memberAddress(id).ip, { id, members, identity });
    host.listen({
      port: SERVICE_PORT,
      migration: this.#options.listen ?? 'offered',
      canRestore: () => true,
      onConnection: (connection) => {
        const end = { connection, events: [] as ConnectionEvent[], member: id };
        connection.onEvent = (event) => end.events.push(event);
        this.accepted.push(end);
      },
    });
  }

  #add(ip: string, membership: ConstructorParameters<typeof Host>[0]['membership']): Host {
    const { tcp, migration, limits } = this.#options;
    const host = new Host(
      {
        tcp: { ...DEFAULT_TCP_CONFIG, ...tcp },
        migration: { ...DEFAULT_MIGRATION_LIMITS, ...migration },
        limits: { ...DEFAULT_HOST_LIMITS, ...limits },
        membership,
        drawRandom: (length) => this.#entropy.bytes(length),
      },
      {
        transmit: (from, to, segment) => this.segments.push({ from, to, segment }),
        sendToPeer: (to, message) => this.messages.push({ from: membership?.id ?? 0, to, message }),
      },
    );
    this.hosts.set(ip, host);
    return host;
  }

  member(id: number): Host {
    return this.#host(memberAddress(id).ip);
  }

  get client(): Host {
    return this.#host(CLIENT.ip);
  }

  #host(ip: string): Host {
    const host = this.hosts.get(ip);
    if (host === undefined) throw new Error(`no host ${ip}`);
    return host;
  }

  /** Carries over all that lies on the bench, and what that causes. */
  settle(): void {
    for (;;) {
      const sent = this.segments.shift();
      if (sent !== undefined) {
        const segment = this.intercept(sent);
        if (segment !== undefined) this.hosts.get(sent.to.ip)?.receive(this.now, sent.to, sent.from, segment);
        continue;
      }
      const said = this.messages.shift();
      if (said === undefined) return;
      const message = this.tamper(said);
      if (message !== undefined) this.member(said.to).peerMessage(this.now, said.from, message);
    }
  }

  /** Lets time pass, and all happen that is due. */
  advance(durationMs: number): void {
    const end = this.now + durationMs;
    for (;;) {
      this.settle();
      const next = Math.min(...Array.from(this.hosts.values(), (host) => host.nextDeadline()));
      if (next > end) break;
      this.now = Math.max(this.now, next);
      for (const host of this.hosts.values()) host.meetDeadlines(this.now);
    }
    this.now = end;
  }

  /** A client's connection that asks member 1; nothing is carried over yet. */
  connect(terms?: Partial<Extract<Terms, { kind: 'client' }>>, from = CLIENT): End {
    const events: ConnectionEvent[] = [];
    const connection = this.client.connect(
      this.now,
      from,
      memberAddress(1),
      {
        kind: 'client',
        migration: 'preferred',
        serviceKey: undefined,
        privateKey: this.#entropy.bytes(32),
        policy: stay,
        ...terms,
      },
      (event) => events.push(event),
    );
    return { connection, events };
  }

  /** A settled connection between the client and member 1. */
  open(): { readonly client: End; readonly server: End } {
    const client = this.connect();
    this.advance(100);
    const server = this.accepted.at(-1);
    if (server === undefined) throw new Error('nothing was accepted');
    return { client, server };
  }

  /** All that the application at this end can read now. */
  read(host: Host, { connection }: End): string {
    const chunks: Uint8Array[] = [];
    for (let chunk = host.read(connection); chunk !== undefined; chunk = host.read(connection)) chunks.push(chunk);
    host.drain(this.now, connection);
    return Buffer.concat(chunks).toString();
  }

  /** Whether a byte written at either end still comes out at the other: the connection goes on, at this member. */
  exchanges(client: End, server: End & { readonly member: number }): boolean {
    const host = this.member(server.member);
    this.client.write(this.now, client.connection, Buffer.from('ping'));
    host.write(this.now, server.connection, Buffer.from('pong'));
    this.advance(1_000);
    const works = this.read(host, server).endsWith('ping') && this.read(this.client, client).endsWith('pong');
    host.setState(this.now, server.connection, Buffer.from('after the exchange'), 0);
    return works;
  }
}
