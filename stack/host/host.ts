// The host: from segments to connections and listeners, and back; the loop that drives every connection of one process.
//
// It has no clock, socket or timer: time comes in with every call, segments and messages go out through the sink, and
// `nextDeadline` says when it wants to be woken. One input is finished, down to its last output, before the next begins (S3).

import {
  changeOutputMode,
  handle,
  identityOf,
  lockState,
  openClient,
  pathsOf,
  poll,
  read,
  setState,
  startMove,
  unlockState,
} from '../migration/connection.js';
import { isOver } from '../migration/close.js';
import type { StartMoveOutcome } from '../migration/client-role.js';
import { decodeImage } from '../migration/image.js';
import type { ConnectionEvent, Terms } from '../migration/record.js';
import { advise, install, isMovable, moveRequest, type MoveRequest } from '../migration/server-role.js';
import type { LockKind, OutputMode } from '../migration/synchronisation.js';
import type { ConnectionChoices } from '../tcp/config.js';
import { yieldsTo } from '../tcp/time-wait.js';
import type { PeerMessage } from '../transfer/messages.js';
import type { Address } from '../wire/address.js';
import type { ConnectionId, MemberId } from '../wire/migrate-options.js';
import type { RefusalReason } from '../wire/refusal-reason.js';
import type { NetworkReport } from '../wire/network-report.js';
import type { Sequence } from '../wire/sequence.js';
import { FLAG, type Segment } from '../wire/segment.js';
import type { HostLimits } from './config.js';
import { newCounters, type HostCounters } from './counters.js';
import { DeadlineHeap } from './deadline-heap.js';
import { ExpiringMap } from './expiring-map.js';
import { Handoff, type HandoffHost } from './handoff.js';
import { HostConnection } from './host-connection.js';
import { seedForPath } from './isn.js';
import { pathKey, tcpFor } from './paths.js';
import { refusalOf, resetOf } from './resets.js';
import type { Listener, ListenerOptions } from './listener.js';
import type { HostOptions, HostSink } from './options.js';
import { Reception, type Welcome } from './reception.js';

export class Host implements HandoffHost {
  readonly counters: HostCounters = newCounters();
  readonly limits: HostLimits;
  readonly #options: HostOptions;
  readonly #sink: HostSink;
  readonly #paths = new Map<string, HostConnection>();
  readonly #connections = new Map<ConnectionId, HostConnection>();
  readonly #reception: Reception;
  readonly #deadlines = new DeadlineHeap<HostConnection>();
  /** Paths that connections have left, with the peer's first sequence number: that of a SYN which is an old one. */
  readonly #formerPaths: ExpiringMap<string, Sequence>;
  readonly #handoff: Handoff;
  readonly #pathSecret: Uint8Array;

  constructor(options: HostOptions, sink: HostSink) {
    this.#options = options;
    this.#sink = sink;
    this.limits = options.limits;
    this.#formerPaths = new ExpiringMap(options.limits.formerPathMs, options.limits.formerPathCount);
    this.#pathSecret = options.drawRandom(32);
    this.#handoff = new Handoff(this);
    this.#reception = new Reception(
      { ...options, secret: this.#pathSecret },
      this.counters,
      (cid, now) => this.#connections.has(cid) || this.#handoff.former.get(cid, now) !== undefined,
    );
  }

  get self(): MemberId {
    return this.#options.membership?.id ?? 0;
  }

  get tagKey(): Uint8Array {
    return this.#options.membership?.identity.tagKey ?? new Uint8Array(0);
  }

  /** Connections in any state, arrived ones included. */
  get connectionCount(): number {
    return this.#paths.size;
  }

  /** How full the tables are, by name: all zero once every connection is over (S6). */
  tableSizes(): Readonly<Record<string, number>> {
    const [paths, connections, deadlines] = [this.#paths.size, this.#connections.size, this.#deadlines.size];
    return { paths, connections, deadlines, ...this.#reception.waitingCounts(), ...this.#handoff.tableSizes() };
  }

  /** @internal How much is remembered of connections that have left, in entries and bytes. */
  memorySizes(): { formerPaths: number; formerConnections: number; retainedLength: number } {
    return { formerPaths: this.#formerPaths.size, ...this.#handoff.former.sizes() };
  }

  get unconfirmedCount(): number {
    return this.#handoff.former.retainedCount;
  }

  /** The connections that could be advised to move, oldest first. */
  migratoryConnections(): HostConnection[] {
    return [...this.#connections.values()];
  }

  listen(options: ListenerOptions): Listener {
    return this.#reception.listen(options);
  }

  /**
   * New connections are refused from now on, and those of other members; those that are open stay, and come back here should
   * nobody take them.
   */
  unlisten(listener: Listener): void {
    listener.accepting = false;
  }

  /** Begins to open a connection from `local`, which the driver has bound. */
  connect(
    now: number,
    local: Address,
    remote: Address,
    terms: Terms,
    onEvent: (event: ConnectionEvent) => void,
  ): HostConnection {
    const seed = seedForPath(this.#pathSecret, now, local, remote);
    const { migration } = this.#options;
    const tcp = tcpFor(this.#options, local);
    const connection = new HostConnection(openClient(tcp, migration, now, terms, local, remote, seed), undefined);
    connection.onEvent = onEvent;
    this.#syncPaths(now, connection);
    this.drain(now, connection);
    return connection;
  }

  /** One segment from the network. */
  receive(now: number, local: Address, remote: Address, segment: Segment): void {
    this.counters.segmentsReceived++;
    const option = segment.options.migrate;
    const isSyn = (segment.flags & (FLAG.syn | FLAG.ack | FLAG.rst)) === FLAG.syn;
    if (isSyn && option?.kind === 'request') {
      const request = moveRequest(local, remote, segment, option, this.#drawNonce());
      if (this.#options.membership === undefined) this.refuse(request, 'unknown-connection', new Uint8Array(0));
      else this.#handoff.request(now, request);
      return;
    }
    const key = pathKey(local, remote);
    const connection = this.#paths.get(key);
    const former = connection?.record.tcp;
    const isReplaced = isSyn && former !== undefined && this.#reception.isAccepting(local) && yieldsTo(former, segment);
    if (connection !== undefined && !isReplaced) {
      handle(connection.record, now, { kind: 'segment', from: remote, segment });
      this.drain(now, connection);
      return;
    }
    const firstSequence = this.#formerPaths.get(key, now);
    if (isSyn && firstSequence !== segment.sequence) {
      const welcome = this.#reception.welcome(now, local, remote, segment, this.#paths.size, former);
      if (welcome.kind === 'connection') {
        // Not before: without its TIME-WAIT the peer's repeated FIN would be answered with a reset (RFC 1337).
        if (connection !== undefined) this.#remove(now, connection);
        this.#formerPaths.delete(key);
      }
      this.#follow(now, local, remote, segment, welcome);
    } else if (firstSequence !== undefined) {
      this.counters.formerPathDrops++;
    } else {
      const welcome = this.#reception.welcomeBack(now, local, remote, segment, this.#paths.size);
      if (welcome.kind === 'connection') {
        handle(welcome.connection.record, now, { kind: 'segment', from: remote, segment });
      }
      this.#follow(now, local, remote, segment, welcome);
    }
  }

  /** What the network says about a segment of ours; one that no connection has sent is nobody's. */
  networkReport(now: number, local: Address, remote: Address, report: NetworkReport): void {
    const connection = this.#paths.get(pathKey(local, remote));
    if (connection === undefined) return;
    handle(connection.record, now, { kind: 'network-report', from: remote, report });
    this.drain(now, connection);
  }

  nextDeadline(): number {
    return Math.min(this.#deadlines.next(), this.#handoff.nextDeadline());
  }

  /** Does all that is due. */
  meetDeadlines(now: number): void {
    for (let due = this.#deadlines.takeDue(now); due !== undefined; due = this.#deadlines.takeDue(now)) {
      handle(due.record, now, { kind: 'deadline' });
      this.drain(now, due);
    }
    this.#handoff.meetDeadlines(now);
  }

  peerMessage(now: number, from: MemberId, message: PeerMessage): void {
    this.#handoff.message(now, from, message);
  }

  peerUp(member: MemberId, incarnation: string): void {
    this.#handoff.up(member, incarnation);
  }

  peerDown(member: MemberId): void {
    this.#handoff.down(member);
  }

  write(now: number, connection: HostConnection, bytes: Uint8Array): void {
    handle(connection.record, now, { kind: 'write', bytes });
    this.drain(now, connection);
  }

  /** The next bytes for the application; `drain` follows when it has enough. */
  read(connection: HostConnection): Uint8Array | undefined {
    return read(connection.record);
  }

  end(now: number, connection: HostConnection): void {
    handle(connection.record, now, { kind: 'close' });
    this.drain(now, connection);
  }

  abort(now: number, connection: HostConnection): void {
    handle(connection.record, now, { kind: 'abort' });
    this.drain(now, connection);
  }

  /** What the user chooses for this connection, other than what all have. */
  configure(now: number, connection: HostConnection, choices: ConnectionChoices): void {
    handle(connection.record, now, { kind: 'configure', choices });
    this.drain(now, connection);
  }

  /** Resets every connection, also those that are not open yet. */
  abortAll(now: number): void {
    for (const connection of new Set(this.#paths.values())) this.abort(now, connection);
  }

  /** Throws `StateTooLarge`. */
  setState(now: number, connection: HostConnection, state: Uint8Array, unreadLength: number): void {
    setState(connection.record, state, unreadLength);
    if (connection.record.sync?.mode === 'held') this.drain(now, connection);
  }

  setOutputMode(now: number, connection: HostConnection, mode: OutputMode): void {
    changeOutputMode(connection.record, mode);
    this.drain(now, connection);
  }

  lockState(connection: HostConnection, kind: LockKind = 'locked'): 'here' | 'migrated' {
    if (kind === 'pinned' && connection.cid !== undefined) this.#handoff.pinned(connection.cid);
    return lockState(connection.record, kind);
  }

  unlockState(now: number, connection: HostConnection): void {
    unlockState(connection.record);
    if (connection.cid !== undefined) this.#handoff.unlocked(now, connection.cid);
  }

  /** Client: begins a move. */
  startMove(now: number, connection: HostConnection, to: MemberId, address?: Address): StartMoveOutcome {
    const outcome = startMove(connection.record, now, to, address);
    this.drain(now, connection);
    return outcome;
  }

  /** Server: advises the client to move. */
  advise(now: number, connection: HostConnection, to: MemberId): void {
    const address = this.#options.membership?.members.find((member) => member.id === to)?.address;
    advise(connection.record, now, to, address);
    this.drain(now, connection);
  }

  /** Polls a connection until it waits; its outputs go to the sink, its events to who took it. */
  drain(now: number, connection: HostConnection): void {
    try {
      this.#drain(now, connection);
    } catch (error) {
      // The user's listener threw. Should the process live on, the connection must not be left without its timer.
      this.#deadlines.set(connection, now);
      throw error;
    }
  }

  #drain(now: number, connection: HostConnection): void {
    const { record } = connection;
    for (;;) {
      const output = poll(record, now);
      if (output.kind === 'transmit') {
        this.counters.segmentsSent++;
        this.#sink.transmit(record.local, output.to, output.segment);
      } else if (output.kind === 'event') {
        this.#onEvent(now, connection, output.event);
      } else {
        if (isOver(record) && (record.tcp.state === 'closed' || record.phase.kind === 'departed')) {
          this.#remove(now, connection);
        } else {
          this.#deadlines.set(connection, output.until);
        }
        return;
      }
    }
  }

  #onEvent(now: number, connection: HostConnection, event: ConnectionEvent): void {
    const { record, listener } = connection;
    switch (event.kind) {
      case 'paths-changed':
        this.#syncPaths(now, connection);
        return;
      case 'open':
        this.#opened(connection);
        if (listener !== undefined) {
          this.#register(connection);
          listener.options.onConnection(connection);
          return;
        }
        break;
      case 'confirmed':
        connection.epoch = identityOf(record.phase)?.epoch ?? connection.epoch;
        break;
      case 'departed':
        this.#remove(now, connection);
        break;
      case 'closed':
        this.#ended(now, connection);
        break;
      default:
        break;
    }
    connection.onEvent(event);
  }

  /** A server's connection that can move is known by its cid before anybody can end it. */
  #register(connection: HostConnection): void {
    const identity = identityOf(connection.record.phase);
    if (identity === undefined) return;
    connection.cid = identity.cid;
    connection.epoch = identity.epoch;
    this.#connections.set(identity.cid, connection);
  }

  #drawNonce(): number {
    const bytes = this.#options.drawRandom(4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  }

  #follow(now: number, local: Address, remote: Address, segment: Segment, welcome: Welcome): void {
    switch (welcome.kind) {
      case 'connection':
        this.#syncPaths(now, welcome.connection);
        this.drain(now, welcome.connection);
        break;
      case 'answer':
        this.counters.segmentsSent++;
        this.#sink.transmit(local, remote, welcome.segment);
        break;
      case 'dropped':
        break;
      case 'nobody':
        this.#reset(local, remote, segment);
        break;
    }
  }

  #opened(connection: HostConnection): void {
    if (connection.waiting === undefined) return;
    connection.waiting.count--;
    connection.waiting = undefined;
  }

  /** Brings the path table in line with the record; segments on a path that was left are ignored, never reset. */
  #syncPaths(now: number, connection: HostConnection): void {
    const { record } = connection;
    const keys = pathsOf(record).map((remote) => pathKey(record.local, remote));
    for (const key of connection.paths) {
      if (keys.includes(key)) continue;
      this.#leavePath(now, connection, key);
    }
    for (const key of keys) this.#paths.set(key, connection);
    connection.paths = keys;
  }

  #leavePath(now: number, connection: HostConnection, key: string): void {
    if (this.#paths.get(key) !== connection) return;
    this.#paths.delete(key);
    this.#formerPaths.set(key, connection.record.tcp.receive.initialSequence, now);
  }

  /** The connection has ended, though TIME-WAIT may still hold its path. */
  #ended(now: number, connection: HostConnection): void {
    this.#opened(connection);
    const { cid } = connection;
    if (cid === undefined || this.#connections.get(cid) !== connection) return;
    this.#connections.delete(cid);
    this.#handoff.former.finish(now, cid, connection.epoch);
  }

  #remove(now: number, connection: HostConnection): void {
    this.#deadlines.remove(connection);
    if (connection.paths.length === 0) return;
    const departed = connection.record.phase.kind === 'departed';
    for (const key of connection.paths) {
      if (departed) this.#leavePath(now, connection, key);
      else if (this.#paths.get(key) === connection) this.#paths.delete(key);
    }
    connection.paths = [];
    if (departed && connection.cid !== undefined && this.#connections.get(connection.cid) === connection) {
      this.#connections.delete(connection.cid);
    }
    connection.onRemoved();
  }

  // What the handoff asks of its host.

  isMember(member: MemberId): boolean {
    return this.#options.membership?.members.some(({ id }) => id === member) ?? false;
  }

  connectionOf(cid: ConnectionId): HostConnection | undefined {
    return this.#connections.get(cid);
  }

  accepts({ local }: MoveRequest): boolean {
    const listener = this.#reception.listeners.get(local.port);
    return (
      listener !== undefined &&
      listener.accepting &&
      listener.options.migration === 'offered' &&
      this.#paths.size < this.limits.connectionCount
    );
  }

  isPathTaken({ local, from, option }: MoveRequest): boolean {
    const connection = this.#paths.get(pathKey(local, from));
    // A connection that is not open yet has proved nothing: it may be an old SYN of the client that comes back.
    return connection !== undefined && connection.waiting === undefined && connection.cid !== option.cid;
  }

  install(now: number, bytes: Uint8Array, request: MoveRequest): RefusalReason | 'installed' {
    const listener = this.#reception.listeners.get(request.local.port);
    if (listener === undefined) return 'refused-by-policy';
    const { migration } = this.#options;
    const tcp = tcpFor(this.#options, request.local);
    if (bytes.length > migration.imageLength) return 'image-too-large';
    const decoded = decodeImage(bytes);
    if (decoded.kind === 'unreadable' || decoded.image.cid !== request.option.cid) return 'image-unreadable';
    const { snapshot } = decoded.image;
    if (snapshot !== undefined && !listener.options.canRestore(snapshot.state)) return 'state-not-supported';
    const installation = install(tcp, migration, now, decoded.image, request, this.self);
    if (installation.kind === 'refused') return installation.reason;
    const connection = new HostConnection(installation.record, listener);
    connection.imageLength = bytes.length;
    this.#syncPaths(now, connection);
    this.drain(now, connection);
    return 'installed';
  }

  refuse(request: MoveRequest, reason: RefusalReason, mac: Uint8Array): void {
    this.#transmitReset(request.local, request.from, refusalOf(request, reason, mac));
  }

  send(to: MemberId, message: PeerMessage): void {
    this.#sink.sendToPeer(to, message);
  }

  pulled(now: number, by: MemberId, count: number): void {
    const able = this.migratoryConnections().filter(({ record }) => isMovable(record));
    for (const connection of able.slice(0, count)) this.advise(now, connection, by);
  }

  #reset(local: Address, remote: Address, segment: Segment): void {
    const reset = resetOf(segment);
    if (reset !== undefined) this.#transmitReset(local, remote, reset);
  }

  #transmitReset(local: Address, remote: Address, reset: Segment): void {
    this.counters.resetsSent++;
    this.#sink.transmit(local, remote, reset);
  }
}
