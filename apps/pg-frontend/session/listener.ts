// A session at the database that listens for its client: what it is notified of goes to `notifications.ts`, everything else to
// whoever reads.
//
// When another session takes its place it is not given back: it rolls back what is open, goes on listening, hands over what the
// client has not been given, and closes.
//   L1. Whoever still reads is told at once that it was released; nothing that has arrived is lost by that.
//   L2. A request to cancel travels beside the session, and may come late: what it hits instead is asked again.

import type { SystemClock } from '../clock-adapter.js';
import { BackendReleased, type Backend } from '../database/database.js';
import { LIMITS } from '../limits.js';
import { bodyOf, readStatus } from '../wire/backend-messages.js';
import { query, SYNC } from '../wire/frontend-messages.js';
import { BACKEND, HEADER_LENGTH, readCString } from '../wire/message.js';
import type { HandOverChannel } from './hand-over.js';
import { NotificationFilter } from './notification-filter.js';
import type { Notifications } from './notifications.js';
import type { SessionEvent } from './session-log.js';

const EMPTY: Buffer = Buffer.alloc(0);
const NOTIFICATIONS: ReadonlySet<number> = new Set([BACKEND.notificationResponse]);
/** What says how far the session has come that nobody reads any more. */
const PROGRESS: ReadonlySet<number> = new Set([
  BACKEND.notificationResponse,
  BACKEND.readyForQuery,
  BACKEND.commandComplete,
  BACKEND.errorResponse,
]);
const HAND_OVER_ATTEMPTS = 3;
/** A limit is looked at so often: a process that ends is not kept by it. */
const LOOK_MS = 250;

type State =
  | { readonly kind: 'serving' }
  | { readonly kind: 'rolling-back' }
  | { readonly kind: 'collecting' }
  | { readonly kind: 'handing-over'; readonly statement: string; readonly attempt: number }
  | { readonly kind: 'over' };

export interface ListenerSurroundings {
  readonly channel: HandOverChannel;
  readonly clock: Pick<SystemClock, 'now' | 'wait'>;
  readonly log: (event: SessionEvent) => void;
}

export class Listener implements Backend {
  readonly notifications: Notifications;
  readonly #backend: Backend;
  readonly #surroundings: ListenerSurroundings;
  readonly #filter = new NotificationFilter(NOTIFICATIONS);
  #state: State = { kind: 'serving' };
  #unread: Buffer = EMPTY;
  #reading: { readonly resolve: (chunk: Buffer) => void; readonly reject: (error: unknown) => void } | undefined;
  #watcher: (() => void) | undefined;
  #hasLimit = false;
  #refusedLength = 0;

  constructor(backend: Backend, notifications: Notifications, surroundings: ListenerSurroundings) {
    this.#backend = backend;
    this.notifications = notifications;
    this.#surroundings = surroundings;
    backend.watch(() => this.#arrived());
  }

  get identity(): string {
    return this.#backend.identity;
  }

  get reported(): Map<string, string> {
    return this.#backend.reported;
  }

  write(bytes: Uint8Array): void {
    if (this.#state.kind === 'serving') this.#backend.write(bytes);
  }

  drained(): Promise<void> {
    return this.#backend.drained();
  }

  async read(): Promise<Buffer> {
    const chunk = this.tryRead();
    if (chunk !== undefined) return chunk;
    return new Promise((resolve, reject) => {
      this.#reading = { resolve, reject };
    });
  }

  tryRead(): Buffer | undefined {
    if (this.#state.kind !== 'serving') throw new BackendReleased('the session was given back');
    if (this.#unread.length > 0) {
      const unread = this.#unread;
      this.#unread = EMPTY;
      return unread;
    }
    for (;;) {
      const chunk = this.#backend.tryRead();
      if (chunk === undefined) return undefined;
      const { found, rest } = this.#filter.part(chunk);
      this.#hear(found);
      if (rest.length > 0) return rest;
    }
  }

  unread(bytes: Buffer): void {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([bytes, this.#unread]);
  }

  /** `arrived` is called for notifications too: `tryRead` does not answer those. */
  watch(arrived: (() => void) | undefined): void {
    this.#watcher = arrived;
    if (this.#state.kind === 'serving') this.#backend.watch(() => this.#arrived());
    if (this.#unread.length > 0) arrived?.();
  }

  #arrived(): void {
    if (this.#state.kind !== 'serving') return this.#collect();
    const reading = this.#reading;
    if (reading === undefined) return this.#watcher?.();
    try {
      const chunk = this.tryRead();
      if (chunk === undefined) return;
      this.#reading = undefined;
      reading.resolve(chunk);
    } catch (error) {
      this.#reading = undefined;
      reading.reject(error);
    }
  }

  #hear(found: readonly Buffer[]): void {
    for (const whole of found) this.notifications.hear(whole);
    const { refusedLength, isWaiting } = this.notifications;
    if (refusedLength > this.#refusedLength) {
      this.#refusedLength = refusedLength;
      this.#surroundings.log({ kind: 'hand-over-failed', reason: 'not-notifications' });
    }
    if (isWaiting) void this.#limitWaiting();
  }

  async #limitWaiting(): Promise<void> {
    if (this.#hasLimit) return;
    this.#hasLimit = true;
    await this.#within(LIMITS.handOverMs, () => this.notifications.isWaiting && this.#state.kind !== 'over');
    if (!this.notifications.isWaiting || this.#state.kind === 'over') return;
    this.#surroundings.log({ kind: 'hand-over-failed', reason: 'not-in-time' });
    this.notifications.expire();
    if (this.#state.kind === 'serving') this.#watcher?.();
    else this.#collect();
  }

  async #within(durationMs: number, isWanted: () => boolean): Promise<void> {
    const { clock } = this.#surroundings;
    const endsAt = clock.now() + durationMs;
    for (;;) {
      const remainingMs = endsAt - clock.now();
      if (remainingMs <= 0 || !isWanted()) return;
      await clock.wait(Math.min(LOOK_MS, remainingMs));
    }
  }

  cancel(): void {
    this.#backend.cancel();
  }

  release(): void {
    this.#end();
    this.#backend.watch(undefined);
    this.#backend.release();
  }

  close(): void {
    this.#end();
    this.#backend.close();
  }

  #end(): void {
    this.#state = { kind: 'over' };
    this.#watcher = undefined;
    this.#letReaderGo();
  }

  /** L1. */
  #letReaderGo(): void {
    const reading = this.#reading;
    this.#reading = undefined;
    reading?.reject(new BackendReleased('the session was given back'));
  }

  /** Another session takes its place. Resolves when what there was to hand over has been, or can't be any more. */
  async leave(): Promise<void> {
    this.notifications.leave();
    this.#state = { kind: 'rolling-back' };
    this.#watcher = undefined;
    this.#letReaderGo();
    this.#filter.lookFor(PROGRESS);
    this.#backend.write(SYNC); // whatever is under way is answered to its end, by ReadyForQuery
    this.#collect();
    this.#backend.watch(() => this.#arrived());
    await this.#within(LIMITS.collectMs, () => {
      this.#collect();
      return !this.#isOver();
    });
    if (!this.#isOver()) this.close();
    if (this.notifications.droppedCount > 0) this.#surroundings.log({ kind: 'hand-over-failed', reason: 'too-much' });
  }

  #isOver(): boolean {
    return this.#state.kind === 'over';
  }

  #collect(): void {
    if (this.#isOver()) return;
    try {
      for (let chunk = this.#backend.tryRead(); chunk !== undefined; chunk = this.#backend.tryRead()) {
        for (const whole of this.#filter.part(chunk).found) {
          if (whole[0] === BACKEND.notificationResponse) this.#hear([whole]);
          else this.#proceed(whole);
        }
      }
      this.#answer();
    } catch {
      this.close(); // it is lost, or the process ends
    }
  }

  #proceed(whole: Buffer): void {
    switch (whole[0]) {
      case BACKEND.readyForQuery:
        if (readStatus(bodyOf(whole)) !== 'I')
          this.#backend.write(query('ROLLBACK')); // L2
        else if (this.#state.kind === 'rolling-back') this.#state = { kind: 'collecting' };
        return;
      case BACKEND.commandComplete:
        if (this.#state.kind === 'handing-over' && readCString(whole, HEADER_LENGTH)?.text.startsWith('SELECT'))
          this.close();
        return;
      case BACKEND.errorResponse:
        if (this.#state.kind === 'handing-over') this.#handOver(this.#state.statement, this.#state.attempt + 1); // L2
        return;
      default:
        return;
    }
  }

  #answer(): void {
    if (this.#state.kind !== 'collecting') return;
    const { answer } = this.notifications;
    if (answer.kind === 'nothing') this.close();
    else if (answer.kind === 'hand-over') {
      this.#handOver(this.#surroundings.channel.handOverStatement(answer.turn, answer.messages), 1);
    }
  }

  #handOver(statement: string, attempt: number): void {
    if (attempt > HAND_OVER_ATTEMPTS) return this.close();
    this.#state = { kind: 'handing-over', statement, attempt };
    this.#backend.write(query(statement));
  }
}
