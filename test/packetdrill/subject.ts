// What a script tests: one host of ours in simulated time, alone with its peer, who is the script.
//
// No port, no sleep, no privilege: the clock moves only when the script does, segments go in as bytes and come out as bytes, as
// below a driver. After every step the record of each connection is checked against its invariants.

import { DEFAULT_HOST_LIMITS } from '@migratory/stack/internal/host/config.js';
import type { HostConnection } from '@migratory/stack/internal/host/host-connection.js';
import { Host } from '@migratory/stack/internal/host/host.js';
import type { Listener } from '@migratory/stack/internal/host/listener.js';
import { SeededEntropy } from '@migratory/stack/internal/drivers/virtual-clock.js';
import { DEFAULT_MIGRATION_LIMITS } from '@migratory/stack/internal/migration/config.js';
import type { ConnectionEvent } from '@migratory/stack/internal/migration/record.js';
import type { ConnectionChoices, TcpConfig } from '@migratory/stack/internal/tcp/config.js';
import type { Address } from '@migratory/stack/internal/wire/address.js';
import type { NetworkReport } from '@migratory/stack/internal/wire/network-report.js';
import { decodeSegment, encodeSegmentHeader, type Segment } from '@migratory/stack/internal/wire/segment.js';
import type { Marking } from './script.js';
import { assertInvariants, assertNotStuck } from '../support/tcp-invariants.js';

/** Where the script's clock is 0 on ours: timers must not depend on a clock that begins at 0. */
const START_MS = 1_000_000;
const SERVER_PORT = 8080;
const CLIENT_PORT = 50_000;

export interface Transmitted {
  /** On the script's clock. */
  readonly atMs: number;
  readonly packet: Uint8Array;
  /** Of the IP packet around it: routers may mark it. */
  readonly marking: 'noecn' | 'ect0';
}

export class Subject {
  /** What was sent and not looked at yet, the oldest first. */
  readonly transmitted: Transmitted[] = [];
  readonly #tcp: TcpConfig;
  #started: Host | undefined;
  readonly #ips: { readonly local: string; readonly remote: string };
  readonly #connections = new Set<HostConnection>();
  #now = START_MS;
  /** Which side has the well-known port: the one that is connected to. */
  #role: 'listens' | 'connects' = 'listens';

  constructor(tcp: TcpConfig, ipVersion: 4 | 6) {
    this.#tcp = tcp;
    this.#ips =
      ipVersion === 6 ? { local: 'fd3d::1', remote: 'fd3d::2' } : { local: '192.168.0.1', remote: '192.0.2.1' };
  }

  get #host(): Host {
    return this.#started ?? this.start({});
  }

  /** Makes the host, as its first socket wants it; once there is one, nothing of that can change. */
  start(options: Partial<TcpConfig>): Host {
    if (this.#started !== undefined) return this.#started;
    const entropy = new SeededEntropy(1);
    this.#started = new Host(
      {
        tcp: { ...this.#tcp, ...options },
        migration: DEFAULT_MIGRATION_LIMITS,
        limits: DEFAULT_HOST_LIMITS,
        membership: undefined,
        drawRandom: (length) => entropy.bytes(length),
      },
      { transmit: (_local, _remote, segment) => this.#transmit(segment), sendToPeer: () => undefined },
    );
    return this.#started;
  }

  /** On the script's clock. */
  get nowMs(): number {
    return this.#now - START_MS;
  }

  /** No connection can be continued by what comes now. */
  get isIdle(): boolean {
    return [...this.#connections].every(({ record }) => ['closed', 'time-wait'].includes(record.tcp.state));
  }

  get #local(): Address {
    return { ip: this.#ips.local, port: this.#role === 'listens' ? SERVER_PORT : CLIENT_PORT };
  }

  get #remote(): Address {
    return { ip: this.#ips.remote, port: this.#role === 'listens' ? CLIENT_PORT : SERVER_PORT };
  }

  listen(options: Partial<TcpConfig>, onConnection: (connection: HostConnection) => void): Listener {
    this.#role = 'listens';
    this.start(options);
    return this.#host.listen({
      port: SERVER_PORT,
      migration: 'off',
      canRestore: () => false,
      onConnection: (connection) => {
        this.#connections.add(connection);
        onConnection(connection);
      },
    });
  }

  unlisten(listener: Listener): void {
    this.#host.unlisten(listener);
  }

  connect(options: Partial<TcpConfig>, onEvent: (event: ConnectionEvent) => void): HostConnection {
    this.#role = 'connects';
    this.start(options);
    const connection = this.#host.connect(this.#now, this.#local, this.#remote, { kind: 'plain' }, onEvent);
    this.#connections.add(connection);
    this.#check();
    return connection;
  }

  /** What a driver does with bytes from the network: those that are no segment are dropped. */
  receive(packet: Uint8Array, marking: Marking | undefined): void {
    const decoded = decodeSegment(packet);
    if (decoded.kind !== 'segment') return;
    const segment: Segment = marking === 'ce' ? { ...decoded.segment, ecn: 'experienced' } : decoded.segment;
    this.#step(() => this.#host.receive(this.#now, this.#local, this.#remote, segment));
  }

  report(report: NetworkReport): void {
    this.#step(() => this.#host.networkReport(this.#now, this.#local, this.#remote, report));
  }

  write(connection: HostConnection, bytes: Uint8Array): void {
    this.#step(() => this.#host.write(this.#now, connection, bytes));
  }

  /** The next chunk; undefined where there is none. */
  read(connection: HostConnection): Uint8Array | undefined {
    const chunk = this.#host.read(connection);
    this.#step(() => this.#host.drain(this.#now, connection));
    return chunk;
  }

  configure(connection: HostConnection, choices: ConnectionChoices): void {
    this.#step(() => this.#host.configure(this.#now, connection, choices));
  }

  end(connection: HostConnection): void {
    this.#step(() => this.#host.end(this.#now, connection));
  }

  abort(connection: HostConnection): void {
    this.#step(() => this.#host.abort(this.#now, connection));
  }

  /** Meets the next deadline, if it comes no later than `untilMs`. */
  meetNextDeadline(untilMs: number): 'met' | 'none' {
    const at = this.#started?.nextDeadline() ?? Infinity;
    if (at > untilMs + START_MS) return 'none';
    this.#now = Math.max(this.#now, at);
    this.#step(() => this.#host.meetDeadlines(this.#now));
    return 'met';
  }

  /** Time passes without anything being due. */
  passTo(ms: number): void {
    this.#now = Math.max(this.#now, ms + START_MS);
  }

  #step(change: () => void): void {
    change();
    this.#check();
  }

  #check(): void {
    for (const { record } of this.#connections) {
      assertInvariants(record.tcp);
      assertNotStuck(record.tcp);
    }
  }

  #transmit(segment: Segment): void {
    const packet = Buffer.concat([encodeSegmentHeader(segment), ...segment.payload]);
    this.transmitted.push({ atMs: this.nowMs, packet, marking: segment.ecn === undefined ? 'noecn' : 'ect0' });
  }
}
