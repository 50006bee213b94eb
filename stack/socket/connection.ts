// A connection as JavaScript knows connections: a Duplex with the behaviour of net.Socket, and `setState` and friends on it.
//
// Bytes given to `write` belong to the stack until the peer has acknowledged them: they are sent, and sent again, from where
// they are. The core gets them at the call, so that a snapshot covers every `write` made before it; whatever the reader has
// not taken out of the stream's buffer counts as unread.

import { Duplex } from 'node:stream';
import type { HostConnection } from '../host/host-connection.js';
import {
  amendState,
  getState,
  identityOf,
  outputIsFull,
  unacknowledgedLength,
  type RestoredState,
} from '../migration/connection.js';
import type { Identity } from '../migration/machine.js';
import type { CloseReason, ConnectionEvent, MoveReport } from '../migration/record.js';
import type { LockKind, OutputMode } from '../migration/synchronisation.js';
import type { ConnectionChoices } from '../tcp/config.js';
import type { Address } from '../wire/address.js';
import type { ConnectionId, MemberId } from '../wire/migrate-options.js';
import { impossible, type Departure, type MoveOutcome } from './connection-events.js';
import type { ConnectionStack } from './connection-stack.js';
import { deliverTheRest } from './delivery.js';
import { ConnectionFailed, ReplayDiverged, StreamDestroyed, WrongRole } from './errors.js';

const KEEP_ALIVE_IDLE_MS = 7_200_000;

/** A connection that nobody waits for has no list of its own. */
const NONE: readonly never[] = Object.freeze([]);

type Place = Pick<Identity, 'cid' | 'epoch' | 'member' | 'members'>;

type WriteCallback = (error?: Error | null) => void;

/** Further events than a Duplex has: see `MigratoryConnectionEvents`. */
export class MigratoryConnection extends Duplex {
  readonly #stack: ConnectionStack;
  readonly #role: 'client' | 'server';
  #connection: HostConnection | undefined;
  /** Who the connection was and where, for whoever asks when it has ended; without its key. */
  #lastPlace: Place | undefined;
  #localAddress: Address;
  #remoteAddress: Address;
  /** The write that waits for the connection to open, or for room. */
  #held: WriteCallback | undefined;
  /** Bytes that the core has and the stream machinery still counts; of those, the ones it has not got round to. */
  #givenLength = 0;
  #aheadLength = 0;
  /** How many calls of `write` have not answered yet. */
  #writingCount = 0;
  #defaultEncoding: BufferEncoding = 'utf8';
  #beforeOpen: readonly ((connection: HostConnection) => void)[] = NONE;
  #wantsInput = false;
  #pulling = false;
  #inputEnded = false;
  #over: 'no' | 'closed' | 'departed' = 'no';
  #moveWaiters: readonly ((outcome: MoveOutcome) => void)[] = NONE;

  /** @internal Connections come from `Stack.connect` and from listeners. */
  constructor(stack: ConnectionStack, role: 'client' | 'server', local: Address, remote: Address) {
    super({ allowHalfOpen: true, readableHighWaterMark: 256 * 1024, writableHighWaterMark: 64 * 1024 });
    this.#stack = stack;
    this.#role = role;
    this.#localAddress = local;
    this.#remoteAddress = remote;
  }

  /** @internal The host's connection exists now. */
  attach(connection: HostConnection): void {
    this.#connection = connection;
    this.#localAddress = connection.record.local;
    this.#rememberPlace();
    const waiting = this.#beforeOpen;
    this.#beforeOpen = NONE;
    for (const proceed of waiting) proceed(connection);
    this.read(0);
    // The origin had ended its output before the snapshot: there is nothing more to write here.
    if (connection.record.sync?.ended === true) this.end();
  }

  /** Ours: of this machine, and the port of this connection. */
  get localAddress(): Address {
    return this.#connection?.record.local ?? this.#localAddress;
  }

  /** Where the peer is now: after a move, the member that serves, or the client's new address. */
  get remoteAddress(): Address {
    return this.#connection?.record.remote ?? this.#remoteAddress;
  }

  /** The connection id; undefined until the event 'migratable', and where the peer does not migrate. Stays after the end. */
  get cid(): ConnectionId | undefined {
    return this.#place()?.cid;
  }

  /** How many moves, failed attempts included, the connection has behind it. */
  get epoch(): number {
    return this.#place()?.epoch ?? 0;
  }

  /** The member that serves the connection. */
  get member(): MemberId | undefined {
    return this.#place()?.member;
  }

  /** Client: the members of the service, as its server named them. */
  get members(): readonly MemberId[] {
    return this.#place()?.members.map(({ id }) => id) ?? [];
  }

  /** Bytes of the image in which the connection came; 0 where it began here. */
  get imageLength(): number {
    return this.#connection?.imageLength ?? 0;
  }

  #identity(): Identity | undefined {
    return this.#connection === undefined ? undefined : identityOf(this.#connection.record.phase);
  }

  #place(): Place | undefined {
    return this.#identity() ?? this.#lastPlace;
  }

  #rememberPlace(): void {
    const identity = this.#identity();
    if (identity === undefined) return;
    const { cid, epoch, member, members } = identity;
    this.#lastPlace = { cid, epoch, member, members };
  }

  /** The slides' `get_state`: whether the connection is new to the application, or goes on from a snapshot. */
  getState(): RestoredState {
    return this.#connection === undefined ? { kind: 'new' } : getState(this.#connection.record);
  }

  /**
   * The slides' `set_state`: should the connection move, the application goes on from `state`, with what it has read and
   * written until now behind it. The bytes belong to the stack from now on. Throws `StateTooLarge`.
   */
  setState(state: Uint8Array): void {
    const connection = this.#connection;
    if (connection === undefined || this.#over !== 'no') return;
    const unreadLength = this.readableLength;
    const { record } = connection;
    if (record.sync?.mode === 'held') {
      this.#stack.run((now) => this.#stack.host.setState(now, connection, state, unreadLength));
    } else {
      this.#stack.host.setState(0, connection, state, unreadLength);
    }
  }

  /**
   * Replaces the state of the last snapshot; how far both streams were then stays as it was. For results that must be known
   * when the application goes on from that snapshot. Throws `StateTooLarge`.
   */
  amendState(state: Uint8Array): void {
    const connection = this.#connection;
    if (connection !== undefined && this.#over === 'no') amendState(connection.record, state);
  }

  /**
   * The slides' `lock_state`: 'here' keeps the connection here until `unlockState`; 'migrated': roll back and stop. A move that
   * is asked for waits ('locked'), or is refused at once ('pinned'). The last call says which.
   */
  lockState(kind: LockKind = 'locked'): 'here' | 'migrated' {
    if (this.#over === 'departed') return 'migrated';
    const connection = this.#connection;
    return connection === undefined ? 'here' : this.#stack.run(() => this.#stack.host.lockState(connection, kind));
  }

  /** The connection may leave again; a move that has waited happens now. */
  unlockState(): void {
    const connection = this.#connection;
    if (connection !== undefined) this.#stack.run((now) => this.#stack.host.unlockState(now, connection));
  }

  /** What is promised of output after the last snapshot; DESIGN section 5. */
  setOutputMode(mode: OutputMode): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#stack.run((now) => this.#stack.host.setOutputMode(now, connection, mode));
  }

  /** Client: moves the connection to a member, by default the next in the service's list. Never rejects. */
  requestMove(to?: MemberId): Promise<MoveOutcome> {
    if (this.#role !== 'client') throw new WrongRole('a server advises: use adviseMove');
    const connection = this.#connection;
    const target = to ?? this.#nextMember();
    if (connection === undefined || this.#identity() === undefined) return impossible('not-ready');
    if (this.destroyed) return impossible('closing');
    if (target === undefined) return impossible('no-other-member');
    const started = this.#stack.run((now) => this.#stack.host.startMove(now, connection, target));
    if (started.kind === 'impossible') return impossible(started.cause);
    return new Promise((resolve) => {
      this.#moveWaiters = [...this.#moveWaiters, resolve];
    });
  }

  #nextMember(): MemberId | undefined {
    const members = this.members;
    const next = members[(members.indexOf(this.member ?? 0) + 1) % members.length];
    return next === this.member ? undefined : next;
  }

  /** Server: advises the client to move; whether it does shows in the event 'moved'. */
  adviseMove(to: MemberId): void {
    if (this.#role !== 'server') throw new WrongRole('a client moves by itself: use requestMove');
    const connection = this.#connection;
    if (connection !== undefined) this.#stack.run((now) => this.#stack.host.advise(now, connection, to));
  }

  /** Bytes written that the peer has not acknowledged: they must stay as they are. */
  get unacknowledgedLength(): number {
    // What is still in the machinery's hands after the end never gets to the core.
    const ungivenLength = this.destroyed ? 0 : this.writableLength - this.#givenLength;
    return ungivenLength + (this.#connection === undefined ? 0 : unacknowledgedLength(this.#connection.record));
  }

  /** Of the peer's urgent data what has not been taken out of the stream yet (RFC 9293 MUST-33); bytes in their place. */
  get urgentLength(): number {
    const connection = this.#connection;
    if (connection === undefined) return 0;
    const { receive } = connection.record.tcp;
    return Math.max(0, receive.urgentEndOffset - receive.readOffset + this.readableLength);
  }

  /** As net.Socket has it; true at first (RFC 9293 MUST-17). What is chosen here goes with the connection where it moves. */
  setNoDelay(noDelay = true): this {
    return this.#choose({ noDelay });
  }

  /** As net.Socket has it; off at first (RFC 9293 MUST-24). Without a delay two hours (MUST-28). */
  setKeepAlive(enable = false, initialDelayMs = 0): this {
    const idleMs = initialDelayMs > 0 ? initialDelayMs : KEEP_ALIVE_IDLE_MS;
    return this.#choose({ keepAliveIdleMs: enable ? idleMs : Infinity });
  }

  /** How long what was sent may go unacknowledged until the connection is given up (RFC 9293 MUST-21). Throws `RangeError`. */
  setUserTimeout(userTimeoutMs: number): this {
    if (!(userTimeoutMs > 0)) throw new RangeError(`a user timeout is milliseconds above zero, not ${userTimeoutMs}`);
    return this.#choose({ userTimeoutMs });
  }

  #choose(choices: ConnectionChoices): this {
    this.#whenOpen((connection) => this.#stack.run((now) => this.#stack.host.configure(now, connection, choices)));
    return this;
  }

  /** Ends the connection with a reset, whatever is under way. */
  resetAndDestroy(): this {
    this.#abort();
    return this.destroy();
  }

  /** @internal */
  receiveEvent(event: ConnectionEvent): void {
    switch (event.kind) {
      case 'open':
        this.emit('connect');
        break;
      case 'ready':
        this.#rememberPlace();
        this.emit('migratable');
        break;
      case 'readable':
        this.#pull();
        break;
      case 'end-of-input':
        this.#inputEnded = true;
        this.#pull();
        break;
      case 'trouble':
        this.emit('trouble', event.trouble);
        break;
      case 'urgent':
        this.emit('urgent');
        break;
      case 'writable':
        if (this.#writingCount === 0) this.#releaseHeld();
        break;
      case 'moved':
        this.#moveEnded(event.report);
        break;
      case 'departed':
        this.#over = 'departed';
        this.emit('moved', { to: event.to, epoch: event.epoch } satisfies Departure);
        this.destroy();
        break;
      case 'diverged':
        this.destroy(new ReplayDiverged());
        break;
      case 'closed':
        this.#closed(event.reason);
        break;
      default:
        break;
    }
  }

  #moveEnded(report: MoveReport): void {
    this.#rememberPlace();
    const outcome: MoveOutcome = { kind: report.to === report.from ? 'stayed' : 'moved', report };
    this.#settleMoves(outcome);
    this.emit('move', report);
  }

  #settleMoves(outcome: MoveOutcome): void {
    const waiting = this.#moveWaiters;
    this.#moveWaiters = NONE;
    for (const resolve of waiting) resolve(outcome);
  }

  #closed(reason: CloseReason): void {
    if (this.#over !== 'no') return;
    this.#over = 'closed';
    this.#settleMoves({ kind: 'lost', reason });
    if (reason !== 'finished') {
      this.destroy(new ConnectionFailed(reason, this.remoteAddress));
      return;
    }
    this.#inputEnded = true;
    this.#releaseHeld();
    this.#pull();
  }

  /** @internal Called by the Duplex. */
  override _read(): void {
    this.#wantsInput = true;
    this.#pull();
  }

  #pull(): void {
    const connection = this.#connection;
    if (connection === undefined || this.#pulling) return;
    const { host } = this.#stack;
    let didRead = false;
    // `push` may call the user, who may cause more input: it waits for its turn.
    this.#pulling = true;
    try {
      while (this.#wantsInput || this.destroyed) {
        const chunk = host.read(connection);
        if (chunk === undefined) break;
        didRead = true;
        // What nobody reads any more is taken in and dropped, so that the peer can finish.
        if (!this.destroyed && !this.push(chunk)) this.#wantsInput = false;
      }
    } finally {
      this.#pulling = false;
    }
    if (this.#inputEnded && this.#wantsInput && !this.readableEnded) {
      this.#wantsInput = false;
      this.push(null);
      // As net.Socket: the end shows even where nobody reads, once there is nothing before it.
      this.read(0);
    }
    if (didRead) this.#stack.run((now) => host.drain(now, connection));
  }

  /**
   * Gives the bytes to the core at the call, in order, whatever back-pressure there is: so a snapshot taken right afterwards
   * covers them. The stream machinery behind it only counts them and calls back when there is room.
   */
  override write(chunk: unknown, encoding?: BufferEncoding | WriteCallback, callback?: WriteCallback): boolean {
    const given = typeof encoding === 'string' ? encoding : this.#defaultEncoding;
    const done = typeof encoding === 'function' ? encoding : callback;
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, given) : chunk;
    const connection = this.#inOrder();
    const isGiven = bytes instanceof Uint8Array && bytes.length > 0 && Buffer.isEncoding(given);
    if (connection === undefined || !isGiven) {
      return super.write(bytes, given, done);
    }
    this.#givenLength += bytes.length;
    this.#aheadLength += bytes.length;
    this.#writingCount++;
    try {
      // Counted first: giving may call the user back, who may write again.
      const hasRoom = super.write(bytes, given, done);
      this.#stack.run((now) => this.#stack.host.write(now, connection, bytes));
      return hasRoom;
    } finally {
      this.#writingCount--;
      // Never before `write` has answered: who then hears that there is no room would wait for a 'drain' that has been.
      if (this.#writingCount === 0 && this.#held !== undefined) process.nextTick(() => this.#releaseWhereRoom());
    }
  }

  #releaseWhereRoom(): void {
    if (this.#over !== 'no' || this.#connection === undefined || !outputIsFull(this.#connection.record)) {
      this.#releaseHeld();
    }
  }

  /** As `write`: a snapshot taken right afterwards covers the end as well. */
  override end(chunk?: unknown, encoding?: BufferEncoding | (() => void), callback?: () => void): this {
    const done = [chunk, encoding, callback].find((argument) => typeof argument === 'function');
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function') {
      this.write(chunk, typeof encoding === 'string' ? encoding : undefined);
    }
    const connection = this.#inOrder();
    super.end(done as (() => void) | undefined);
    if (connection !== undefined) this.#stack.run((now) => this.#stack.host.end(now, connection));
    return this;
  }

  /** Client: as any stream. At a server that migrates what is unread is counted in bytes: decode them where they are read. */
  override setEncoding(encoding: BufferEncoding): this {
    if (this.#connection?.record.sync !== undefined) throw new WrongRole('a server reads bytes: decode what was read');
    return super.setEncoding(encoding);
  }

  override setDefaultEncoding(encoding: BufferEncoding): this {
    super.setDefaultEncoding(encoding);
    this.#defaultEncoding = encoding;
    return this;
  }

  /**
   * The connection, where the core has all that was written so far. What was written before the connection existed, or
   * after its end, is the machinery's to order and to refuse.
   */
  #inOrder(): HostConnection | undefined {
    const inOrder = this.writableLength === this.#givenLength && !this.writableEnded && !this.destroyed;
    return inOrder ? this.#connection : undefined;
  }

  /** @internal Called by the Duplex. */
  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: WriteCallback): void {
    this.#held = (error) => {
      this.#givenLength -= chunk.length;
      callback(error);
    };
    this.#whenOpen((connection) => {
      if (this.#aheadLength > 0) {
        this.#aheadLength -= chunk.length;
      } else if (chunk.length > 0) {
        this.#givenLength += chunk.length;
        this.#stack.run((now) => this.#stack.host.write(now, connection, chunk));
      }
      // What `write` is about to give counts too: it looks itself, afterwards.
      if (this.#writingCount === 0) this.#releaseWhereRoom();
    });
  }

  #releaseHeld(error?: Error): void {
    // Not before `write` has answered.
    if (this.#writingCount > 0) return process.nextTick(() => this.#releaseHeld(error));
    const held = this.#held;
    this.#held = undefined;
    held?.(error);
  }

  /** @internal Called by the Duplex. */
  override _final(callback: WriteCallback): void {
    this.#whenOpen((connection) => {
      this.#stack.run((now) => this.#stack.host.end(now, connection));
      callback();
    });
  }

  #whenOpen(proceed: (connection: HostConnection) => void): void {
    const connection = this.#connection;
    if (connection !== undefined) proceed(connection);
    else this.#beforeOpen = [...this.#beforeOpen, proceed];
  }

  /**
   * As the kernel closes a socket: what was written is still delivered, unless input is left unread, which resets.
   * With an error the peer is reset as well: it must not take a broken stream for a finished one. Where all output was
   * handed over there is none to break, and an error that comes then (`pipeline` has one for streams that are done) costs
   * the peer nothing.
   */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const connection = this.#connection;
    if (connection !== undefined && this.#over === 'no') {
      const { host } = this.#stack;
      const hasUnread = this.readableLength > 0 || host.read(connection) !== undefined;
      const isBroken = error !== null && !this.writableFinished;
      if (isBroken || hasUnread || connection.record.phase.kind === 'opening') this.#abort();
      else deliverTheRest(this.#stack, connection);
    }
    // An error takes a trace of the stack: a tenth of what a short connection costs.
    if (this.#held !== undefined) this.#releaseHeld(error ?? new StreamDestroyed());
    this.#settleMoves({ kind: 'lost', reason: 'aborted' });
    callback(error);
  }

  #abort(): void {
    const connection = this.#connection;
    if (connection === undefined || this.#over !== 'no') return;
    this.#over = 'closed';
    this.#stack.run((now) => this.#stack.host.abort(now, connection));
  }
}
