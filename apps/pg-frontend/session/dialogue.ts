// The dialogue of one client with its session at the database: requests go there, answers come back, and what has been said is
// recorded so that it can go on elsewhere.
//
//   D1. All output is held: it leaves with the restart point that covers it, so no byte is ever produced twice. The journal in
//       that restart point says exactly what the client has been given.
//   D2. Outside of a transaction block, and for a COMMIT, the dialogue runs under the lock: what the database does then
//       can't be taken back. In a block it may move at any restart point; the block is run again at the destination.
//   D3. What was asked but not yet sent stays in `pending`: whoever goes on asks it again.

import type { StageIo } from '@migratory/framework';
import { functionCall, readAnswer } from '../database/ask.js';
import { BackendLost } from '../database/database.js';
import { LIMITS } from '../limits.js';
import { errorResponse, readyForQuery, type ErrorFields } from '../wire/backend-messages.js';
import { FLUSH } from '../wire/frontend-messages.js';
import { BACKEND, FRONTEND, HEADER_LENGTH, type TransactionStatus } from '../wire/message.js';
import { Backing, SessionEnded, type Journey, type Surroundings } from './backing.js';
import { nextRequest, type ClientRequest } from './client-request.js';
import { Exchange } from './exchange.js';
import { Journal } from './journal.js';
import { CANNOT_BE_RESTORED, NOT_CONTINUED, TOO_MUCH_PREPARED } from './complaints.js';
import { isPlainCommit, isPlainRollback } from './plain-endings.js';
import { Passage } from './passage.js';
import type { SessionFields } from './session-fields.js';
import { decodeSession, encodeSession, type SessionRecord } from './session-record.js';

/** What the stage that runs may do. */
export type Liberty =
  | 'open'
  /** A move waits: not for long. */
  | 'locked'
  /** A move is refused: it may be long, or wait for the client. */
  | 'pinned';

export type Outcome =
  /** ReadyForQuery: what to do with the exchange is for `conclusion.ts`. */
  | 'ready'
  /** It can go on under the lock only. */
  | 'needs-lock'
  /** It is long, or the client has to say more: a move had better not wait for it. */
  | 'is-long'
  /** The request that comes next commits. */
  | 'commits'
  /** The client has ended its stream, or said Terminate. */
  | 'ended';

/** Tags, and texts, of statements that give a transaction its id. */
const WRITES = /^(?:INSERT|UPDATE|DELETE|MERGE)/i;
const LONGEST_VERB = 6;
/** pg_catalog.pg_current_xact_id_if_assigned(), since PostgreSQL 13. */
const ASK_TRANSACTION_ID = functionCall(5060);
const EMPTY: Buffer = Buffer.alloc(0);
/** Of a ReadyForQuery. */
const READY_LENGTH = HEADER_LENGTH + 1;

export class Dialogue {
  readonly #fields: SessionFields;
  readonly backing: Backing;
  readonly record: SessionRecord;
  readonly journal: Journal;
  /** Kinds of session state that the open transaction may have changed. */
  readonly touched = new Set<string>();
  /** The open transaction has changed prepared statements or reported parameters. */
  hasChangedSession = false;
  #io!: StageIo;
  #reading: Promise<'more' | 'ended'> | undefined;
  #exchange: Exchange | undefined;
  /** How things stood when the exchange began. */
  #begun: TransactionStatus = 'I';
  /** Asked, and not sent yet. */
  #unsent: Extract<ClientRequest, { kind: 'messages' }> | undefined;
  #asideRest: Buffer = EMPTY;
  #watchCount = 0;
  readonly #passage: Passage;
  #lost: (() => void) | undefined;
  /** By the tags of the last exchange. */
  #hasWritten = false;
  /** The id of the transaction was asked for, and its answer has not been read. */
  #isIdAwaited = false;
  /** Resolves when the client may be given more. */
  #written: Promise<void> = Promise.resolve();

  constructor(surroundings: Surroundings, fields: SessionFields, signal: AbortSignal, journey: Journey) {
    this.#fields = fields;
    this.record = decodeSession(fields.session);
    this.hasChangedSession = this.record.laterStatements !== undefined;
    this.journal = Journal.from(fields.journal);
    this.backing = new Backing(surroundings, fields, signal, journey);
    this.#passage = new Passage({
      fields,
      backing: this.backing,
      read: () => this.#read(),
      relay: () => this.#relay('pinned'),
      snapshot: () => this.#snapshot(),
    });
  }

  /** A stage begins, and with it a restart point. */
  enter(io: StageIo): void {
    this.#io = io;
    this.backing.coverNotifications();
    this.#reading = undefined;
    this.#lost = undefined;
  }

  get status(): TransactionStatus {
    return this.#fields.status as TransactionStatus;
  }

  /** What is under way; a new one where nothing is. */
  get exchange(): Exchange {
    if (this.#exchange === undefined) {
      this.#exchange = new Exchange(this.backing.book);
      this.#begun = this.status;
      if (this.#fields.verdict === 'untold') this.#exchange.substitute(NOT_CONTINUED);
      if (this.#fields.verdict === 'passing-over') this.#exchange.fail();
    }
    return this.#exchange;
  }

  /** What the database said when it ended the session. */
  get lastWords(): ErrorFields | undefined {
    return this.#exchange?.lastWords;
  }

  /** Something was asked that has not been answered to its end. */
  get isUnderWay(): boolean {
    return this.#exchange?.isBegun === true;
  }

  /** An exchange of the open transaction, as it was run again. */
  goOnWith(exchange: Exchange | undefined): void {
    this.#exchange = exchange;
    this.#unsent = undefined;
    this.#isIdAwaited = false;
    this.#begun = 'T';
  }

  #snapshot(): void {
    this.#fields.journal = this.journal.bytes;
    this.#io.snapshot();
    this.backing.coverNotifications();
  }

  /** More of the client's bytes, at the end of `pending`. */
  #read(): Promise<'more' | 'ended'> {
    if (this.#reading === undefined) {
      this.#reading = this.#io.read({ maxLength: LIMITS.readLength }).then((chunk) => {
        this.#reading = undefined;
        if (chunk === undefined) return 'ended';
        const { pending } = this.#fields;
        this.#fields.pending =
          pending.length === 0
            ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
            : Buffer.concat([pending, chunk]);
        return 'more';
      });
      this.#reading.catch(() => undefined); // a stage that ends leaves it
    }
    return this.#reading;
  }

  /** Resolves when the session at the database is lost while the client has nothing to ask. */
  async untilLost(): Promise<'lost'> {
    await new Promise<void>((resolve) => {
      this.#lost = resolve;
    });
    return 'lost';
  }

  /** Waits for the client to ask something. Meanwhile it is told what the database says by itself. */
  async awaitRequest(): Promise<Exclude<ClientRequest, { kind: 'incomplete' }> | 'ended'> {
    await this.#hearTransactionId();
    const request = nextRequest(this.#fields.pending);
    if (request.kind !== 'incomplete') return request;
    const watch = ++this.#watchCount;
    this.#watch();
    try {
      for (;;) {
        if ((await this.#read()) === 'ended') return 'ended';
        const awaited = nextRequest(this.#fields.pending);
        if (awaited.kind !== 'incomplete') return awaited;
      }
    } finally {
      if (watch === this.#watchCount) this.#unwatch(); // a stage that has ended meanwhile leaves the next one its watch
    }
  }

  #watch(): void {
    if (!this.backing.isThere) return;
    this.#notify();
    this.backing.backend.watch(() => {
      try {
        for (let chunk = this.backing.backend.tryRead(); chunk !== undefined; chunk = this.backing.backend.tryRead()) {
          this.#tellAside(chunk);
        }
        this.#notify();
      } catch (error) {
        if (!(error instanceof BackendLost)) throw error;
        this.backing.close(); // who needs one next opens it
        this.#lost?.();
      }
    });
  }

  #unwatch(): void {
    const rest = this.#asideRest;
    this.#asideRest = EMPTY;
    if (!this.backing.isThere) return;
    this.backing.backend.watch(undefined);
    if (rest.length > 0) this.backing.backend.unread(rest);
  }

  /** Between transactions, as the database does. */
  #notify(): void {
    if (this.status !== 'I') return;
    const notifications = this.backing.takeNotifications();
    if (notifications.length === 0) return;
    void this.#io.write(Buffer.concat(notifications));
    this.#snapshot();
  }

  /** Notices and parameters that nobody asked for; notifications too, where they are not heard by themselves. What a session says at its end is not for the client. */
  #tellAside(chunk: Buffer): void {
    const bytes = Buffer.concat([this.#asideRest, chunk]);
    let at = 0;
    const told: Buffer[] = [];
    while (bytes.length - at >= HEADER_LENGTH) {
      const end = at + 1 + bytes.readInt32BE(at + 1);
      if (end > bytes.length) break;
      const whole = bytes.subarray(at, end);
      if (whole[0] !== BACKEND.errorResponse) told.push(whole);
      if (whole[0] === BACKEND.parameterStatus) this.backing.book.noteParameter(whole);
      at = end;
    }
    this.#asideRest = bytes.subarray(at);
    if (told.length === 0) return;
    void this.#io.write(Buffer.concat(told));
    this.#snapshot();
  }

  /**
   * Asks and answers until the database is ready for the next query, or the stage has to be left first.
   * Rejects with `BackendLost` and `SessionEnded`.
   */
  async converse(liberty: Liberty, commits: 'told' | 'allowed' = 'told'): Promise<Outcome> {
    for (;;) {
      if (this.#unsent !== undefined) {
        const sent = this.#send(this.#unsent, liberty, commits);
        if (sent !== 'sent') return sent;
      }
      if ((await this.#hear(liberty)) === 'is-long') return 'is-long';
      switch (this.exchange.progress) {
        case 'ready':
          return 'ready';
        case 'lost':
          throw new BackendLost();
        case 'copying':
          if (liberty !== 'pinned') return liberty === 'open' ? 'needs-lock' : 'is-long';
          if ((await this.#passage.copy(this.exchange)) === 'ended') return 'ended';
          break;
        case 'large':
          if (liberty !== 'pinned') return liberty === 'open' ? 'needs-lock' : 'is-long';
          this.exchange.passLargeMessages();
          break;
        default: {
          if (liberty === 'locked' && this.isUnderWay) return 'is-long';
          await this.#relay(liberty);
          const request = await this.awaitRequest();
          const taken = request === 'ended' ? 'ended' : await this.#take(request, liberty);
          if (taken !== 'taken') return taken;
        }
      }
    }
  }

  async #take(
    request: Exclude<ClientRequest, { kind: 'incomplete' }>,
    liberty: Liberty,
  ): Promise<'taken' | 'ended' | 'needs-lock' | 'is-long'> {
    switch (request.kind) {
      case 'terminate':
        return 'ended';
      case 'malformed':
        throw new SessionEnded({ severity: 'FATAL', code: '08P01', message: request.message });
      case 'large':
        if (liberty !== 'pinned') return liberty === 'open' ? 'needs-lock' : 'is-long';
        return this.#passage.passRequest(this.exchange, request.length);
      case 'messages':
        if (this.backing.book.refuses(request.messages)) throw new SessionEnded(TOO_MUCH_PREPARED);
        for (const each of request.messages) this.exchange.ask(each);
        this.#unsent = request;
        return 'taken';
    }
  }

  /** D3. */
  #send(
    request: Extract<ClientRequest, { kind: 'messages' }>,
    liberty: Liberty,
    commits: 'told' | 'allowed',
  ): 'sent' | 'needs-lock' | 'commits' {
    const { exchange } = this;
    if (commits === 'told' && this.status === 'T' && exchange.classes.some((each) => each.commits !== 'none')) {
      return 'commits';
    }
    if (liberty === 'open' && (exchange.isUnkept || !this.journal.hasRoomFor(exchange.request))) return 'needs-lock';
    const { backend } = this.backing;
    const bytes = this.#fields.pending.subarray(0, request.length);
    if (!exchange.isSkipping)
      backend.write(this.#asksForId(request, liberty) ? Buffer.concat([bytes, ASK_TRANSACTION_ID]) : bytes);
    else for (const each of request.messages) if (each[0] === FRONTEND.sync) backend.write(each);
    if (request.end === 'unflushed' && !exchange.isSkipping) backend.write(FLUSH);
    this.#fields.pending = this.#fields.pending.subarray(request.length);
    this.#unsent = undefined;
    return 'sent';
  }

  /** One write for both: where a simple Query says that it writes, the transaction has an id behind it. */
  #asksForId({ messages }: Extract<ClientRequest, { kind: 'messages' }>, liberty: Liberty): boolean {
    const [only] = messages;
    const isWanted = liberty === 'open' && this.status === 'T' && this.#fields.transactionId === '';
    if (!isWanted || only?.[0] !== FRONTEND.query) return false;
    this.#isIdAwaited = WRITES.test(only.toString('latin1', HEADER_LENGTH, HEADER_LENGTH + LONGEST_VERB));
    return this.#isIdAwaited;
  }

  /** Reads the answer as far as it comes by itself. */
  async #hear(liberty: Liberty): Promise<'is-long' | 'heard'> {
    const { exchange } = this;
    while (exchange.progress === 'under-way') {
      exchange.receive(await this.backing.backend.read());
      if (exchange.relayLength < LIMITS.relayLength || exchange.progress !== 'under-way') continue;
      if (liberty === 'locked') return 'is-long';
      await this.#relay(liberty);
    }
    return 'heard';
  }

  /** Gives the client what there is (D1), and waits until it may be given more. */
  async #relay(liberty: Liberty): Promise<void> {
    const { exchange } = this;
    const pieces = exchange.take();
    if (pieces.length === 0) return;
    const written = this.#write(pieces);
    if (exchange.isSubstituted && exchange.isSkipping) this.#fields.verdict = 'passing-over';
    if (liberty === 'open') this.journal.record({ state: 'open', request: exchange.request, ...asRecorded(exchange) });
    this.#snapshot();
    await written;
  }

  #write(pieces: readonly Buffer[]): Promise<void> {
    let written: Promise<void> = Promise.resolve();
    for (const piece of pieces) written = this.#io.write(piece);
    return written;
  }

  /** The end of an exchange: its last bytes, covered by the restart point that the caller takes next. */
  finish(): { readonly exchange: Exchange; readonly begun: TransactionStatus } {
    const { exchange } = this;
    const notifications = exchange.status === 'I' ? this.backing.takeNotifications() : [];
    this.#written = this.#write(beforeReady(exchange.take(), notifications));
    this.backing.backend.unread(exchange.leftover);
    this.#hasWritten = [...exchange.tags].some((tag) => WRITES.test(tag));
    this.#exchange = undefined;
    return { exchange, begun: this.#begun };
  }

  /**
   * The id of the open transaction, into `transactionId`; '' where it has none, and so has written nothing. Asked together with
   * a statement that writes, or behind one, while the client has something else to do; at the latest before the COMMIT.
   * Rejects with `BackendLost`.
   */
  async learnTransactionId(when: 'behind-a-statement' | 'before-commit'): Promise<void> {
    await this.#hearTransactionId();
    if (this.status !== 'T' || this.#fields.transactionId !== '') return;
    if (when === 'behind-a-statement' && !this.#hasWritten) return;
    this.backing.backend.write(ASK_TRANSACTION_ID);
    this.#isIdAwaited = true;
    await this.#hearTransactionId();
  }

  async #hearTransactionId(): Promise<void> {
    if (!this.#isIdAwaited) return;
    this.#isIdAwaited = false;
    const { rows, error } = await this.backing.busily(() => readAnswer(this.backing.backend));
    // Cancelled, perhaps: then the transaction has failed, and the client does not know. After an error of its own it does.
    if (error !== undefined && this.status === 'T') throw new BackendLost();
    this.#fields.transactionId = rows[0]?.[0] ?? '';
  }

  /** Another session at the database, outside of any transaction, in place of one that was lost. Rejects as `open` does. */
  async reopen(): Promise<void> {
    if (this.touched.size > 0) throw new SessionEnded(CANNOT_BE_RESTORED);
    this.#keepStatements();
    this.#isIdAwaited = false;
    this.backing.close();
    await this.backing.open(this.record);
  }

  /** What is asked is one COMMIT and nothing else, and nothing of the transaction outlives it in the session. */
  get isPlainCommit(): boolean {
    const leavesNothing = this.touched.size === 0 && !this.backing.book.hasChanged && !this.hasChangedSession;
    return isPlainCommit(this.exchange) && this.#unsent !== undefined && leavesNothing;
  }

  /** The request that is to commit, where it has not been sent (D3): whoever goes on with it finds it in `pending`. */
  askAgain(): void {
    if (this.isUnderWay) return;
    const request = nextRequest(this.#fields.pending);
    if (request.kind !== 'messages') return;
    for (const each of request.messages) this.exchange.ask(each);
    this.#unsent = request;
  }

  /** Nothing is under way any more, nor open: it was resolved otherwise, and what asked for it is dealt with. */
  closeTransaction(): void {
    this.#dropUnsent();
    this.#exchange = undefined;
    this.journal.clear();
    this.touched.clear();
    const fields = this.#fields;
    fields.journal = this.journal.bytes;
    if (this.backing.isThere) fields.unnamed = this.backing.book.unnamed;
    [fields.status, fields.verdict, fields.transactionId, fields.backendIdentity] = ['I', '', '', ''];
    fields.preparedAs = '';
  }

  /** What was asked will be asked again, of another session. */
  #takeBack(exchange: Exchange): void {
    const fields = this.#fields;
    if (this.#unsent === undefined) fields.pending = Buffer.concat([exchange.request, fields.pending]);
    this.#unsent = undefined;
  }

  /** What was asked is answered without having been sent. */
  #dropUnsent(): void {
    if (this.#unsent !== undefined) this.#fields.pending = this.#fields.pending.subarray(this.#unsent.length);
    this.#unsent = undefined;
  }

  /** Whether the client can be told of an error where it is: not in the midst of a message. */
  get isBetweenMessages(): boolean {
    return !this.#passage.isUnderWay && this.#exchange?.isMidMessage !== true;
  }

  /** A restart point behind an exchange, without leaving the stage. */
  async settle(): Promise<void> {
    this.#snapshot();
    await this.#hearTransactionId();
    await this.#written;
  }

  /** However a transaction ends, what was prepared in it stays prepared. */
  #keepStatements(): void {
    const { record } = this;
    record.statements = record.laterStatements ?? record.statements;
    record.laterStatements = undefined;
    this.#fields.session = encodeSession(record) ?? this.#fields.session;
    this.hasChangedSession = false;
  }

  /** B2: the open transaction is lost. Where the client waits for an answer it is told now, else by the next one. */
  async giveUp(): Promise<void> {
    const exchange = this.#exchange;
    this.#isIdAwaited = false;
    this.journal.clear();
    this.#keepStatements();
    await this.backing.fail(this.record);
    this.#fields.status = 'E';
    this.#fields.backendIdentity = this.backing.backend.identity;
    this.#exchange = undefined;
    const isRollback = exchange !== undefined && isPlainRollback(exchange);
    if (isRollback) this.#takeBack(exchange);
    if (isRollback || exchange?.isBegun !== true) {
      if (this.#fields.verdict !== 'passing-over') this.#fields.verdict = 'untold';
      return this.#snapshot();
    }
    this.#dropUnsent();
    this.#fields.verdict = exchange.isAsked ? 'told' : 'passing-over';
    const hasFailed = exchange.isSkipping && exchange.relayLength === 0; // the client knows: there is one error in a pipeline
    if (!hasFailed) void this.#io.write(errorResponse(NOT_CONTINUED));
    if (exchange.isAsked) void this.#io.write(readyForQuery('E'));
    this.#snapshot();
  }
}

/** ReadyForQuery ends an answer; what was notified goes before it. */
function beforeReady(answer: readonly Buffer[], notifications: readonly Buffer[]): readonly Buffer[] {
  if (notifications.length === 0) return answer;
  const bytes = Buffer.concat(answer);
  const at = bytes.length - READY_LENGTH;
  return [bytes.subarray(0, at), ...notifications, bytes.subarray(at)];
}

function asRecorded(exchange: Exchange): { readonly answerLength: number; readonly digest: Buffer } {
  const { length, digest } = exchange.given();
  return { answerLength: length, digest };
}
