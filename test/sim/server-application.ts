// The application at the servers: a state machine that answers an exchange, snapshots, locks and dawdles at random.
//
// What it writes is a pure function of its snapshot and its input; when it reads, writes, snapshots and locks is drawn
// anew at every member, since nothing may depend on it.

import type { HostConnection } from '@migratory/stack/internal/host/host-connection.js';
import type { Host } from '@migratory/stack/internal/host/host.js';
import { getState, queuedLength } from '@migratory/stack/internal/migration/connection.js';
import type { ConnectionEvent } from '@migratory/stack/internal/migration/record.js';
import type { OutputMode } from '@migratory/stack/internal/migration/synchronisation.js';
import type { SeededEntropy } from '@migratory/stack/internal/drivers/virtual-clock.js';
import type { Member } from '../support/world.js';
import { Violation } from './campaign.js';
import {
  answeredLength,
  answerTo,
  decodeHeader,
  digestOf,
  EMPTY_DIGEST,
  encodeDigest,
  encodeHeader,
  HEADER_LENGTH,
  streamBytes,
  type Exchange,
} from './exchange.js';

/** How the applications of a world behave; probabilities are for each step. */
export interface Habits {
  readonly snapshotRate: number;
  readonly lockRate: number;
  readonly maxLockMs: number;
  readonly pauseRate: number;
  readonly maxPauseMs: number;
  readonly pausesUntilMs: number;
  readonly maxWriteLength: number;
  readonly modes: readonly OutputMode[];
  /** Bytes written and not acknowledged at which an application waits for 'writable'. */
  readonly sendBufferLength: number;
  /** How often a replay that is verified goes wrong on purpose. */
  readonly divergeRate: number;
  /** Between an application's last byte and its end. */
  readonly maxEndPauseMs: number;
}

/** What an application tells of itself. */
export interface ApplicationReport {
  /** It takes `bytes` of input from `offset` on; throws where they are not what the client sent. */
  consumed(offset: number, bytes: Uint8Array): void;
  inputEnded(offset: number): void;
  /** From here on it produces other bytes than before; the connection is lost, but nobody may see one of them. */
  diverges(): void;
  closed(event: ConnectionEvent): void;
}

interface State {
  header: Omit<Exchange, 'inputLength'> | undefined;
  inputOffset: number;
  digest: number;
  /** Of the file. */
  produced: number;
  digestWritten: boolean;
  ended: boolean;
}

/** Without the header. */
const STATE_LENGTH = 14;

export class ServerApplication {
  readonly connection: HostConnection;
  isLocked = false;
  isOver = false;
  readonly #member: Member;
  readonly #habits: Habits;
  readonly #random: SeededEntropy;
  readonly #report: ApplicationReport;
  readonly #state: State;
  #buffer: Uint8Array = new Uint8Array(0);
  #inputEnded = false;
  #pausedUntil = 0;
  #endsAtMs: number | undefined;
  #repeats: 'exactly' | 'otherwise' | 'wrongly' = 'exactly';

  constructor(
    member: Member,
    connection: HostConnection,
    habits: Habits,
    random: SeededEntropy,
    report: ApplicationReport,
  ) {
    this.#member = member;
    this.connection = connection;
    this.#habits = habits;
    this.#random = random;
    this.#report = report;
    const restored = getState(connection.record);
    this.#state = restored.kind === 'migrated' ? decodeState(restored.state) : newState();
    if (connection.record.sync?.replay.kind === 'verifying' && this.#chance(habits.divergeRate)) {
      this.#repeats = 'otherwise';
    }
  }

  receiveEvent(event: ConnectionEvent): void {
    if (event.kind === 'closed' || event.kind === 'departed') {
      if (event.kind === 'closed') this.#readTheRest();
      this.isOver = true;
      this.#report.closed(event);
      return;
    }
    if (event.kind === 'diverged') {
      if (this.#repeats === 'exactly') {
        throw new Violation('S1: a replay diverged, though the application repeats itself exactly');
      }
      this.later(0, (host, now) => host.abort(now, this.connection));
      return;
    }
    if (event.kind === 'end-of-input') this.#inputEnded = true;
    // Half of the time as the socket layer does it, from inside the event; else from a later turn.
    if (this.#chance(0.5)) this.step();
    else this.later(0);
  }

  later(delayMs: number, act?: (host: Host, now: number) => void): void {
    const { clock } = this.#member.world;
    clock.wakeAt(clock.now() + delayMs, () => {
      if (act === undefined) this.step();
      else if (!this.isOver) this.#member.run(act);
    });
  }

  #write(host: Host, now: number, bytes: Uint8Array): void {
    if (this.#repeats === 'otherwise') {
      this.#repeats = 'wrongly';
      this.#report.diverges();
      bytes = bytes.map((byte, index) => (index === 0 ? byte ^ 1 : byte));
    }
    host.write(now, this.connection, bytes);
  }

  step(): void {
    const { clock } = this.#member.world;
    if (this.isOver || this.#member.host === undefined || clock.now() < this.#pausedUntil) return;
    const { asleepUntilMs } = this.#member.world;
    if (clock.now() < asleepUntilMs) {
      this.later(asleepUntilMs - clock.now());
      return;
    }
    if (clock.now() < this.#habits.pausesUntilMs && this.#chance(this.#habits.pauseRate)) {
      const pauseMs = this.#random.fraction() * this.#habits.maxPauseMs;
      this.#pausedUntil = clock.now() + pauseMs;
      this.later(pauseMs);
      return;
    }
    this.#member.run((host, now) => {
      if (!this.isOver) this.#work(host, now);
    });
  }

  #work(host: Host, now: number): void {
    const {
      connection,
      connection: { record },
    } = this;
    let isBusy = this.#read(host);
    if (this.#consume(host, now)) isBusy = true;
    if (this.isOver) return;
    if (this.#produce(host, now)) isBusy = true;
    if (this.isOver) return;
    host.drain(now, connection);
    if (this.isOver) return;
    const isHeld = record.sync?.mode === 'held';
    if (this.#chance(this.#habits.snapshotRate) || isHeld) this.#snapshot(host, now);
    if (this.isOver) return;
    if (this.#chance(this.#habits.lockRate)) this.#lock(host);
    if (isBusy) this.later(0);
  }

  #snapshot(host: Host, now: number): void {
    host.setState(now, this.connection, encodeState(this.#state), this.#buffer.length);
    if (this.#state.header === undefined || this.isOver || !this.#chance(0.2)) return;
    host.setOutputMode(now, this.connection, this.#pick(this.#habits.modes));
  }

  #lock(host: Host): void {
    if (this.isLocked || host.lockState(this.connection) === 'migrated') return;
    this.isLocked = true;
    const { clock } = this.#member.world;
    clock.wakeAt(clock.now() + this.#random.fraction() * this.#habits.maxLockMs, () => {
      this.isLocked = false;
      if (!this.isOver) this.#member.run((running, now) => running.unlockState(now, this.connection));
    });
  }

  #read(host: Host): boolean {
    const chunk = host.read(this.connection);
    if (chunk === undefined) return false;
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    return true;
  }

  /** Answers whether there may be more to do at once. */
  #consume(host: Host, now: number): boolean {
    const state = this.#state;
    if (state.header === undefined) {
      if (this.#buffer.length < HEADER_LENGTH) return false;
      state.header = decodeHeader(this.#take(HEADER_LENGTH));
      host.setOutputMode(now, this.connection, this.#pick(this.#habits.modes));
      return true;
    }
    if (this.#buffer.length === 0) return this.#finishInput(host, now, state.header);
    if (state.header.kind === 'calculator') {
      const length = 1 + (this.#buffer[0] ?? 0);
      if (this.#buffer.length < length || this.#isFull()) return false;
      const request = this.#take(length);
      state.digest = digestOf(state.digest, request);
      this.#write(host, now, answerTo(request, state.digest));
    } else {
      state.digest = digestOf(state.digest, this.#take(1 + this.#random.below(this.#buffer.length)));
    }
    return true;
  }

  #finishInput(host: Host, now: number, header: Omit<Exchange, 'inputLength'>): boolean {
    const state = this.#state;
    if (!this.#inputEnded) return false;
    this.#report.inputEnded(state.inputOffset);
    if (state.ended || header.kind === 'file') return false;
    if (header.kind === 'duplex') {
      if (state.produced < header.outputLength) return false;
      if (!state.digestWritten) {
        state.digestWritten = true;
        this.#write(host, now, encodeDigest(state.digest));
        return true;
      }
    }
    return this.#end(host, now);
  }

  #produce(host: Host, now: number): boolean {
    const state = this.#state;
    const { header } = state;
    if (header === undefined || header.kind === 'calculator' || state.ended || this.#isFull()) return false;
    if (state.produced === header.outputLength) {
      return header.kind === 'file' && this.#end(host, now);
    }
    const wanted = 1 + this.#random.below(this.#habits.maxWriteLength);
    const bytes = streamBytes(header.seed, state.produced, Math.min(wanted, header.outputLength - state.produced));
    state.produced += bytes.length;
    this.#write(host, now, bytes);
    return true;
  }

  #end(host: Host, now: number): boolean {
    if (this.#endsAtMs === undefined) {
      this.#endsAtMs = now + this.#random.fraction() * this.#habits.maxEndPauseMs;
      this.later(this.#endsAtMs - now);
    }
    if (now < this.#endsAtMs) return false;
    this.#state.ended = true;
    host.end(now, this.connection);
    return true;
  }

  /** What had arrived when the connection ended is still there. */
  #readTheRest(): void {
    const { host } = this.#member;
    if (host === undefined) return;
    while (this.#read(host));
    if (this.#state.header === undefined) {
      if (this.#buffer.length < HEADER_LENGTH) return;
      this.#state.header = decodeHeader(this.#take(HEADER_LENGTH));
    }
    this.#take(this.#buffer.length);
    if (this.#inputEnded) this.#report.inputEnded(this.#state.inputOffset);
  }

  #isFull(): boolean {
    return queuedLength(this.connection.record) >= this.#habits.sendBufferLength;
  }

  #take(length: number): Uint8Array {
    const taken = this.#buffer.subarray(0, length);
    this.#report.consumed(this.#state.inputOffset, taken);
    this.#buffer = this.#buffer.subarray(length);
    this.#state.inputOffset += length;
    return taken;
  }

  #chance(rate: number): boolean {
    return this.#random.fraction() < rate;
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#random.below(items.length)] as Item;
  }
}

function newState(): State {
  return { header: undefined, inputOffset: 0, digest: EMPTY_DIGEST, produced: 0, digestWritten: false, ended: false };
}

/** Where in both streams the application was when it took this state. */
export function instantOf(
  bytes: Uint8Array,
  exchange: Exchange,
): { readonly inputOffset: number; readonly outputOffset: number; readonly ended: boolean } {
  const { inputOffset, produced, digestWritten, ended } = decodeState(bytes);
  const { kind } = exchange;
  const outputOffset =
    kind === 'calculator' ? answeredLength(exchange, inputOffset) : produced + (digestWritten ? 4 : 0);
  return { inputOffset, outputOffset, ended };
}

function encodeState(state: State): Uint8Array {
  const { header } = state;
  const bytes = Buffer.alloc(STATE_LENGTH);
  bytes.writeUInt32BE(state.inputOffset, 0);
  bytes.writeUInt32BE(state.digest, 4);
  bytes.writeUInt32BE(state.produced, 8);
  bytes.writeUInt8(state.digestWritten ? 1 : 0, 12);
  bytes.writeUInt8(state.ended ? 1 : 0, 13);
  return header === undefined ? bytes : Buffer.concat([bytes, encodeHeader({ ...header, inputLength: 0 })]);
}

function decodeState(bytes: Uint8Array): State {
  const view = Buffer.from(bytes);
  return {
    header: bytes.length > STATE_LENGTH ? decodeHeader(bytes.subarray(STATE_LENGTH)) : undefined,
    inputOffset: view.readUInt32BE(0),
    digest: view.readUInt32BE(4),
    produced: view.readUInt32BE(8),
    digestWritten: view.readUInt8(12) === 1,
    ended: view.readUInt8(13) === 1,
  };
}
