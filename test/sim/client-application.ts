// The application at a client: writes its side of an exchange, reads and checks the other, at its own pace.

import type { HostConnection } from '@migratory/stack/internal/host/host-connection.js';
import { queuedLength } from '@migratory/stack/internal/migration/connection.js';
import type { Policy } from '@migratory/stack/internal/migration/policy.js';
import type { CloseReason, ConnectionEvent, MoveReport } from '@migratory/stack/internal/migration/record.js';
import type { MemberId } from '@migratory/stack/internal/wire/migrate-options.js';
import type { SeededEntropy } from '@migratory/stack/internal/drivers/virtual-clock.js';
import type { StartMoveOutcome } from '@migratory/stack/internal/migration/client-role.js';
import type { ClientAsks, ClientMachine, Member } from '../support/world.js';
import { Violation } from './campaign.js';
import { contentOf, type Content, type Exchange } from './exchange.js';

export interface ClientHabits {
  readonly pauseRate: number;
  readonly maxPauseMs: number;
  readonly pausesUntilMs: number;
  readonly maxWriteLength: number;
  readonly sendBufferLength: number;
  /** When the client ends its stream: after all that it writes, or once it has read all. */
  readonly ends: 'when-written' | 'when-read';
}

export class ClientApplication {
  readonly machine: ClientMachine;
  readonly exchange: Exchange;
  readonly content: Content;
  readonly connection: HostConnection;
  readonly moves: MoveReport[] = [];
  /** Bytes read, all of them as expected. */
  receivedLength = 0;
  outcome: CloseReason | 'open' | 'vanished' = 'open';
  readonly #habits: ClientHabits;
  readonly #random: SeededEntropy;
  #writtenLength = 0;
  #hasEnded = false;
  inputEnded = false;
  #pausedUntil = 0;
  onMove: ((report: MoveReport) => void) | undefined;

  constructor(
    machine: ClientMachine,
    exchange: Exchange,
    habits: ClientHabits,
    random: SeededEntropy,
    target: { readonly member: Member; readonly asks: ClientAsks; readonly policy: Policy },
  ) {
    this.machine = machine;
    this.exchange = exchange;
    this.content = contentOf(exchange);
    this.#habits = habits;
    this.#random = random;
    this.connection = machine.connect(target.member, target, (event) => this.#receiveEvent(event));
    this.later(0);
  }

  get isOver(): boolean {
    return this.outcome !== 'open';
  }

  /** Ends the connection without a word to its application. */
  abort(): void {
    this.machine.run((host, now) => host.abort(now, this.connection));
  }

  /** The machine is gone, and its application with it. */
  vanish(): void {
    this.machine.vanish();
    if (!this.isOver) this.outcome = 'vanished';
  }

  startMove(to: MemberId): StartMoveOutcome | undefined {
    return this.machine.run((host, now) => host.startMove(now, this.connection, to));
  }

  #receiveEvent(event: ConnectionEvent): void {
    switch (event.kind) {
      case 'closed':
        this.#readAll();
        this.outcome = event.reason;
        return;
      case 'end-of-input':
        this.inputEnded = true;
        break;
      case 'moved':
        this.moves.push(event.report);
        this.onMove?.(event.report);
        break;
      default:
        break;
    }
    if (this.#random.fraction() < 0.5) this.step();
    else this.later(0);
  }

  later(delayMs: number): void {
    const { clock } = this.machine.world;
    clock.wakeAt(clock.now() + delayMs, () => this.step());
  }

  step(): void {
    const { clock } = this.machine.world;
    // During the constructor an event may come before the connection is known.
    if ((this.connection as HostConnection | undefined) === undefined) return;
    if (this.isOver || clock.now() < this.#pausedUntil) return;
    const { asleepUntilMs } = this.machine.world;
    if (clock.now() < asleepUntilMs) {
      this.later(asleepUntilMs - clock.now());
      return;
    }
    if (clock.now() < this.#habits.pausesUntilMs && this.#random.fraction() < this.#habits.pauseRate) {
      const pauseMs = this.#random.fraction() * this.#habits.maxPauseMs;
      this.#pausedUntil = clock.now() + pauseMs;
      this.later(pauseMs);
      return;
    }
    this.machine.run((host, now) => {
      const { connection } = this;
      const didRead = this.#readOne();
      if (didRead) host.drain(now, connection);
      if (this.isOver) return;
      const { input, output } = this.content;
      const length = Math.min(input.length - this.#writtenLength, 1 + this.#random.below(this.#habits.maxWriteLength));
      const mayWrite = length > 0 && queuedLength(connection.record) < this.#habits.sendBufferLength;
      if (mayWrite) {
        this.#writtenLength += length;
        host.write(now, connection, input.slice(this.#writtenLength - length, this.#writtenLength));
      }
      const isWritten = this.#writtenLength === input.length;
      const mayEnd = this.#habits.ends === 'when-written' || this.receivedLength === output.length;
      if (isWritten && mayEnd && !this.#hasEnded && !this.isOver) {
        this.#hasEnded = true;
        host.end(now, connection);
      }
      if (didRead || mayWrite) this.later(0);
    });
  }

  #readAll(): void {
    while (this.#readOne());
  }

  #readOne(): boolean {
    const chunk = this.machine.host.read(this.connection);
    if (chunk === undefined) return false;
    const expected = this.content.output.subarray(this.receivedLength, this.receivedLength + chunk.length);
    if (!sameBytes(expected, chunk)) {
      throw new Violation(`S1: wrong bytes at offset ${this.receivedLength} of the client's input`);
    }
    this.receivedLength += chunk.length;
    return true;
  }

  /** What is missing from a complete exchange; undefined when nothing is. */
  get missing(): string | undefined {
    const { output } = this.content;
    if (this.outcome !== 'finished') return `ended as '${this.outcome}'`;
    if (this.receivedLength !== output.length) return `read ${this.receivedLength} of ${output.length} bytes`;
    if (!this.inputEnded) return 'never saw the end of its input';
    return undefined;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
