// What backs a client's session: a session at the database, made to be the one that the client knows.
//
// It is opened when it is needed, restored from the session's record, and, where a transaction was open, brought to where
// that was (`replay.ts`).
//   B1. A transaction is run again only when the one before is dead: rolled back, or its session gone.
//   B2. A transaction that can't be brought back is a failed one at the database too, so that whatever the client asks next
//       is answered as in any failed transaction; only the first error is ours (40001).

import type { SystemClock } from '../clock-adapter.js';
import { ask, run } from '../database/ask.js';
import { BackendLost, DatabaseRefused, type Backend, type Database } from '../database/database.js';
import { LIMITS } from '../limits.js';
import type { Complaint } from '../wire/backend-messages.js';
import { quoteIdentifier } from '../wire/frontend-messages.js';
import type { TransactionStatus } from '../wire/message.js';
import type { Exchange } from './exchange.js';
import { HandOverChannel, type Arrival } from './hand-over.js';
import { readJournal } from './journal.js';
import { Listener } from './listener.js';
import { Notifications } from './notifications.js';
import { replay } from './replay.js';
import { isInTransaction, restore, terminate, type Listening } from './restoration.js';
import type { SessionFields } from './session-fields.js';
import type { SessionLog } from './session-log.js';
import type { SessionRecord } from './session-record.js';
import { StatementBook } from './statement-book.js';

/** What sessions of all clients share. */
export interface Surroundings {
  readonly database: Database;
  readonly clock: Pick<SystemClock, 'now' | 'wait'>;
  readonly log: SessionLog;
  /** By which members know what another member hands over. */
  readonly handOverSecret: Uint8Array;
  /** A session that has left hands over its notifications until `handedOver` resolves. */
  isHandingOver(handedOver: Promise<void>): void;
}

/** Which connection it is, and how often it has moved until it came here. */
export interface Journey {
  readonly cid: string | undefined;
  readonly epoch: number;
}

/** Something that ends a client's session: what it is told. */
export class SessionEnded extends Error {
  override readonly name = 'SessionEnded';

  constructor(readonly complaint: Complaint) {
    super(complaint.message);
  }
}

/** How an open transaction was brought back. */
export interface Resumption {
  readonly outcome: 'equal' | 'different' | 'lost';
  readonly statements: number;
  readonly durationMs: number;
  /** What was under way, and goes on. */
  readonly exchange: Exchange | undefined;
  /** Kinds of session state that it may have changed. */
  readonly touched: ReadonlySet<string>;
}

/** Makes any transaction a failed one. It is no SQL, so nothing can be done by it. */
const FAIL = 'migratory_transaction_could_not_be_continued';

const NOTHING: ReadonlySet<string> = new Set();
/** Sessions at the database that may follow each other at one member, for one connection. */
const TURNS_PER_EPOCH = 2 ** 16;

export class Backing {
  readonly #surroundings: Surroundings;
  readonly #fields: SessionFields;
  readonly #signal: AbortSignal;
  readonly #journey: Journey;
  #backend: Backend | undefined;
  #listener: Listener | undefined;
  /** Whether a session before the next one, here or at another member, has something to hand over. */
  #origin: 'an-origin' | 'no-origin' = 'an-origin';
  #openedCount = 0;
  #book = new StatementBook(new Map());
  #busyCount = 0;

  constructor(surroundings: Surroundings, fields: SessionFields, signal: AbortSignal, journey: Journey) {
    this.#surroundings = surroundings;
    this.#fields = fields;
    this.#signal = signal;
    this.#journey = journey;
  }

  /** Something of ours is being asked: it can't be given to anybody else now. */
  get isBusy(): boolean {
    return this.#busyCount > 0;
  }

  async busily<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#busyCount++;
    try {
      return await work();
    } finally {
      this.#busyCount--;
    }
  }

  get isThere(): boolean {
    return this.#backend !== undefined;
  }

  /** Throws `BackendLost` where there is none. */
  get backend(): Backend {
    if (this.#backend === undefined) throw new BackendLost();
    return this.#backend;
  }

  get book(): StatementBook {
    return this.#book;
  }

  /** Opens one, and makes it the session of `record`. Rejects with `DatabaseRefused`, `BackendLost`, `SessionEnded`. */
  async open(record: SessionRecord): Promise<void> {
    const backend = await this.#surroundings.database.open(record.login, this.#signal);
    if (this.#signal.aborted) {
      backend.release();
      throw this.#signal.reason as Error;
    }
    this.#backend = backend;
    this.#book = new StatementBook(backend.reported);
    const listening = record.channels.length === 0 ? undefined : this.#listening();
    this.#origin = 'no-origin';
    await this.busily(() => this.#endOld(this.backend));
    const failure = await this.busily(() => restore(this.backend, this.#book, record, this.#fields.unnamed, listening));
    if (failure === undefined) return;
    throw new SessionEnded({
      severity: 'FATAL',
      code: '57P01',
      message: 'the session could not be restored at the database',
      detail: failure,
    });
  }

  /** From now on what the session is notified of is told by `takeNotifications`; whoever reads it is not told. */
  attend(): Arrival | undefined {
    const { cid, epoch } = this.#journey;
    if (cid === undefined || this.#listener !== undefined) return undefined;
    const arrival = { turn: epoch * TURNS_PER_EPOCH + this.#openedCount++, count: this.#fields.notifiedCount };
    const channel = this.#channelOf(cid);
    const { clock, log } = this.#surroundings;
    this.#listener = new Listener(this.backend, new Notifications(channel, arrival, this.#origin), {
      channel,
      clock,
      log: (event) => log.record(cid, event),
    });
    this.#backend = this.#listener;
    return arrival;
  }

  #channelOf(cid: string): HandOverChannel {
    return new HandOverChannel(cid, this.#surroundings.handOverSecret);
  }

  #listening(): Listening | undefined {
    const { cid } = this.#journey;
    const hasOrigin = this.#origin === 'an-origin';
    const arrival = this.attend();
    return cid === undefined ? undefined : { channel: this.#channelOf(cid), arrival: hasOrigin ? arrival : undefined };
  }

  /**
   * Of all channels that the session listens to, those that are the client's. As long as there are any it listens to one of
   * its own besides. Rejects with `BackendLost`.
   */
  async listen(all: readonly string[]): Promise<readonly string[]> {
    const { cid } = this.#journey;
    if (cid === undefined) return all;
    const own = this.#channelOf(cid).name;
    const channels = all.filter((channel) => channel !== own);
    const isHeard = channels.length < all.length;
    if (channels.length > 0) this.attend();
    if (isHeard !== channels.length > 0) {
      const command = isHeard ? 'UNLISTEN' : 'LISTEN';
      await this.busily(() => ask(this.backend, `${command} ${quoteIdentifier(own)}`));
    }
    return channels;
  }

  /** What the client is to be told of now, in order; the caller writes it at once. */
  takeNotifications(): readonly Buffer[] {
    if (this.#listener === undefined) return [];
    const { notifications } = this.#listener;
    const taken = notifications.take();
    this.#fields.notifiedCount = notifications.count;
    return taken;
  }

  /** A restart point covers everything that has been written. */
  coverNotifications(): void {
    this.#listener?.notifications.cover();
  }

  /** B1. */
  async #endOld(backend: Backend): Promise<void> {
    const { backendIdentity } = this.#fields;
    const { clock } = this.#surroundings;
    if (backendIdentity === '' || backendIdentity === backend.identity) return;
    const startedAt = clock.now();
    let isTerminated = false;
    for (let pauseMs = 1; await isInTransaction(backend, backendIdentity); pauseMs = Math.min(2 * pauseMs, 50)) {
      const elapsedMs = clock.now() - startedAt;
      if (elapsedMs > LIMITS.oldSessionGoneMs) {
        throw new DatabaseRefused({
          severity: 'FATAL',
          code: '57P01',
          message: 'the transaction could not be continued at another server',
          detail: 'Its former session at the database does not end.',
        });
      }
      if (!isTerminated && elapsedMs > LIMITS.oldSessionGraceMs) {
        isTerminated = true;
        await terminate(backend, backendIdentity);
      }
      await clock.wait(pauseMs);
    }
  }

  /** Brings the open transaction back. Rejects as `open` does. */
  async resume(record: SessionRecord): Promise<Resumption> {
    const { clock } = this.#surroundings;
    const startedAt = clock.now();
    const statements = [...readJournal(this.#fields.journal)].length;
    const ended = (outcome: Resumption['outcome'], exchange?: Exchange, touched = NOTHING): Resumption => {
      return { outcome, statements, durationMs: clock.now() - startedAt, exchange, touched };
    };
    if (this.#fields.verdict !== '') {
      await this.fail(record);
      return ended('lost');
    }
    await this.open(record);
    const result = await replay(
      this.backend,
      this.#book,
      this.#fields.journal,
      this.#fields.status as TransactionStatus,
    );
    return ended(result.kind, result.exchange, result.kind === 'equal' ? result.touched : NOTHING);
  }

  /** B2. Rejects as `open` does. */
  async fail(record: SessionRecord): Promise<void> {
    this.giveWay('under-way');
    await this.open(record);
    await run(this.backend, 'BEGIN');
    const { status } = await run(this.backend, FAIL);
    if (status !== 'E') throw new BackendLost();
  }

  /** Asks the database to cancel what runs. */
  cancel(): void {
    this.#backend?.cancel();
  }

  /**
   * Another session at the database takes its place, here or at another member. What it was in the middle of is rolled back;
   * if it listens it hands over what the client has not been told of.
   */
  giveWay(work: 'idle' | 'under-way'): void {
    const listener = this.#listener;
    if (listener === undefined) return this.close();
    this.#backend = undefined;
    this.#listener = undefined;
    this.#origin = 'an-origin';
    if (work === 'under-way') listener.cancel();
    this.#surroundings.isHandingOver(listener.leave());
  }

  get isListening(): boolean {
    return this.#listener !== undefined;
  }

  /** It is between two transactions: another client may have it. */
  release(): void {
    this.#backend?.watch(undefined);
    this.#backend?.release();
    this.#backend = undefined;
    this.#listener = undefined;
  }

  /** Whatever it was in the middle of is rolled back. */
  close(): void {
    this.#backend?.watch(undefined);
    this.#backend?.close();
    this.#backend = undefined;
    this.#listener = undefined;
  }
}
