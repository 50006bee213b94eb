// One exchange: what a client asks, up to a Query or a Sync, and what the database answers, up to ReadyForQuery.
//
// Pure: messages go in on both sides, and what is to be relayed comes out. Of most messages only the header is read; runs of
// them are relayed as they came. An exchange also knows
//   X1. what is still to be answered, so that it is known when the database has said all that it will say ('quiet');
//   X2. which statements and portals exist afterwards: those whose ParseComplete, BindComplete, CloseComplete has come;
//   X3. the digest of what the client is given, without what comes unasked for (notices, notifications, parameters).
// As a repetition (`expect`) it compares the answer with a digest and relays only what lies beyond it.

import { LIMITS } from '../limits.js';
import { classifyTag, type QueryClass } from '../sql/classify.js';
import {
  bodyOf,
  errorResponse,
  readErrorFields,
  readStatus,
  type Complaint,
  type ErrorFields,
} from '../wire/backend-messages.js';
import { BACKEND, FRONTEND, HEADER_LENGTH, readCString, type TransactionStatus } from '../wire/message.js';
import { AnswerDigest } from './answer-digest.js';
import { askedBy, type Asked, type Awaited } from './asked.js';
import { UNCLEAR, type StatementBook } from './statement-book.js';

/** The database said something that its protocol does not have there. */
export class BackendProtocolViolated extends Error {
  override readonly name = 'BackendProtocolViolated';
}

/** How far the answer has come. */
export type Progress =
  | 'under-way'
  /** All that was asked has been answered; the client has to say more (X1). */
  | 'quiet'
  /** ReadyForQuery: the exchange is over. */
  | 'ready'
  /** The database wants the client's data, or sends its own. */
  | 'copying'
  /** A message is coming that is too large to be collected: `passLargeMessages()`. */
  | 'large'
  /** The database has ended the session, and said why: `lastWords`. */
  | 'lost';

/** The part of an answer that a client has been given. */
export interface GivenAnswer {
  readonly length: number;
  readonly digest: Buffer;
}

const EMPTY: Buffer = Buffer.alloc(0);
/** What may be so long that it is relayed in pieces. */
const MAY_PASS = new Set<number>([
  BACKEND.dataRow,
  BACKEND.copyData,
  BACKEND.rowDescription,
  BACKEND.parameterDescription,
]);
/** What is told whatever became of the question. */
const BESIDE_THE_ANSWER = new Set<number>([
  BACKEND.readyForQuery,
  BACKEND.parameterStatus,
  BACKEND.notificationResponse,
  BACKEND.noticeResponse,
]);
/** At the end of a tag. */
const COUNTS = /(?: \d+)+$/;
const MAX_MESSAGE_LENGTH = 0x7fff_fff0;

export class Exchange {
  readonly #book: StatementBook;
  readonly #digest = new AnswerDigest();
  #awaited: Awaited[] = [];
  #request: Buffer[] = [];
  #requestLength = 0;
  #isBegun = false;
  #hasGiven = false;
  #syncs: 'none' | 'query' | 'sync' = 'none';
  /** After an error in the extended protocol everything up to the Sync is passed over. */
  #isSkipping = false;
  #isUnkept = false;
  #hasCopied = false;
  /** The end of the client's data has been sent along. */
  #isCopyFed = false;
  #namesStatements = false;
  #copy: 'none' | 'in' | 'out' = 'none';
  #rest: Buffer = EMPTY;
  #passingLength = 0;
  #large: 'wait' | 'pass' = 'wait';
  #isLargeWaiting = false;
  #status: TransactionStatus | undefined;
  #lastWords: ErrorFields | undefined;
  #relay: Buffer[] = [];
  #relayLength = 0;
  #expected: GivenAnswer | undefined;
  #comparison: 'none' | 'under-way' | 'equal' | 'different' = 'none';
  #substitute: Buffer | undefined;
  #isSubstituted = false;
  /** Said in place of the message that is being dropped. */
  #pending: Buffer | undefined;
  readonly #classes: QueryClass[] = [];
  readonly #tags = new Set<string>();

  constructor(book: StatementBook) {
    this.#book = book;
  }

  /** Notes a whole message that is sent to the database. */
  ask(whole: Buffer): void {
    this.#isBegun = true;
    this.#keep(whole);
    if (!this.#isSkipping || whole[0] === FRONTEND.sync) this.#note(askedBy(whole, 'kept', this.#book, this.#awaited));
  }

  /** Notes a message that is too large to be kept, by its beginning: the transaction can't be run again. */
  askUnread(head: Buffer): void {
    this.#isBegun = true;
    this.#dropRequest();
    this.#note(askedBy(head, 'unread', this.#book, this.#awaited));
  }

  /** A client may say more and more before it waits for an answer: what could not be recorded is not kept either. */
  #keep(whole: Buffer): void {
    if (this.#isUnkept) return;
    this.#requestLength += whole.length;
    if (this.#requestLength > LIMITS.journalLength) this.#dropRequest();
    else this.#request.push(whole);
  }

  #dropRequest(): void {
    this.#isUnkept = true;
    this.#request = [];
  }

  #note({ awaited, executes, ends, says }: Asked): void {
    if (awaited !== undefined) this.#awaited.push(awaited);
    if (executes !== undefined) this.#noteClass(executes);
    if (ends !== undefined) this.#syncs = ends;
    if (says === 'named-statement') this.#namesStatements = true;
    if (says === 'end-of-copy') this.#isCopyFed = true;
  }

  /** Of statements like the one before only one more counts, and of too many nothing is known. */
  #noteClass(executes: QueryClass): void {
    const classes = this.#classes;
    const known = classes.length < LIMITS.distinctStatementCount ? executes : UNCLEAR;
    if (classes.length < 2 || classes.at(-1) !== known) classes.push(known);
  }

  /** Something has been asked. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  /** Named statements come or go by it. */
  get namesStatements(): boolean {
    return this.#namesStatements;
  }

  /** A part of it was not kept: a large request, a long one, or the data of a COPY. */
  get isUnkept(): boolean {
    return this.#isUnkept;
  }

  /** A COPY was part of it. */
  get hasCopied(): boolean {
    return this.#hasCopied;
  }

  /** What is known of the statements that were to be executed so far; of several alike in a row there are two. */
  get classes(): readonly QueryClass[] {
    return this.#classes;
  }

  /** The tags of the commands that have been completed, without counts of rows: INSERT, SELECT, DEALLOCATE ALL. */
  get tags(): ReadonlySet<string> {
    return this.#tags;
  }

  /** Kinds of session state that it may have changed. */
  touches(): ReadonlySet<string> {
    const kinds = new Set<string>();
    for (const { touches } of this.#classes) for (const kind of touches) kinds.add(kind);
    for (const tag of this.#tags) for (const kind of classifyTag(tag)) kinds.add(kind);
    return kinds;
  }

  /** All that was asked so far, as it was sent; nothing where it was not kept. */
  get request(): Buffer {
    const [first = EMPTY] = this.#request;
    if (this.#request.length > 1) this.#request = [Buffer.concat(this.#request)];
    return this.#request[0] ?? first;
  }

  /** The client has said the last of what it asks. */
  get isAsked(): boolean {
    return this.#syncs !== 'none';
  }

  /** The client's messages up to the Sync are passed over. */
  get isSkipping(): boolean {
    return this.#isSkipping;
  }

  get isCopyingIn(): boolean {
    return this.#copy === 'in';
  }

  /** Of the ReadyForQuery that ended it. */
  get status(): TransactionStatus | undefined {
    return this.#status;
  }

  /** What the client is given of the answer, with what `take` has not fetched yet. */
  given(): GivenAnswer {
    return { length: this.#digest.length, digest: this.#digest.value() };
  }

  get progress(): Progress {
    if (this.#status !== undefined) return 'ready';
    if (this.#lastWords !== undefined) return 'lost';
    if (this.#isLargeWaiting) return 'large';
    if (this.#copy !== 'none') return 'copying';
    if (this.#syncs === 'none' && this.#awaited.length === 0) return 'quiet';
    return 'under-way';
  }

  /** Fields of the FATAL error with which the database has ended the session; the client is not told by us. */
  get lastWords(): ErrorFields | undefined {
    return this.#lastWords;
  }

  /** The client has a part of a message, whose rest must follow. */
  get isMidMessage(): boolean {
    return this.#passingLength > 0;
  }

  /** From now on messages of any size are relayed in pieces. */
  passLargeMessages(): void {
    this.#large = 'pass';
    if (!this.#isLargeWaiting) return;
    this.#isLargeWaiting = false;
    this.receive(EMPTY);
  }

  /** It is a repetition: so much of the answer has been given, and must be the same again. */
  expect(given: GivenAnswer): void {
    this.#large = 'pass';
    this.#expected = given;
    this.#comparison = given.length === 0 ? 'equal' : 'under-way';
  }

  /** Of a repetition: whether the answer is what it was. */
  get comparison(): 'none' | 'under-way' | 'equal' | 'different' {
    return this.#comparison;
  }

  /**
   * The transaction at the database is a failed one that the client does not know of yet: it is told `complaint` in place of
   * the first error, or of the ROLLBACK that answers its COMMIT.
   */
  substitute(complaint: Complaint): void {
    this.#substitute = errorResponse(complaint);
  }

  get isSubstituted(): boolean {
    return this.#isSubstituted;
  }

  /** The client is told so in the middle of an answer: everything up to the Sync is passed over from now on. */
  fail(): void {
    this.#awaited = [];
    this.#isSkipping = this.#syncs === 'none';
  }

  /** What is to be relayed to the client, in order; the next call answers what has come since. */
  take(): readonly Buffer[] {
    const relay = this.#relay;
    if (relay.length > 0) this.#hasGiven = true;
    this.#relay = [];
    this.#relayLength = 0;
    return relay;
  }

  /** The client has something of the answer. */
  get hasGiven(): boolean {
    return this.#hasGiven;
  }

  /** Bytes that `take` would answer. */
  get relayLength(): number {
    return this.#relayLength;
  }

  /** What came behind ReadyForQuery: it belongs to nobody's question. */
  get leftover(): Buffer {
    return this.#status === undefined ? EMPTY : this.#rest;
  }

  /** Bytes of the database, in order. Throws `BackendProtocolViolated`. */
  receive(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = Math.min(this.#passingLength, bytes.length);
    this.#passingLength -= at;
    let from = 0; // where the run begins that goes on as it came
    while (this.#status === undefined) {
      const end = this.#endOf(bytes, at);
      if (end === undefined) break;
      const fate = end > bytes.length ? 'answer' : this.#read(bytes.subarray(at, end));
      if (fate !== 'answer' || this.#comparison === 'under-way') {
        this.#answer(bytes.subarray(from, fate === 'answer' ? end : at));
        if (fate === 'aside' && this.#comparison !== 'under-way') this.#aside(bytes.subarray(at, end));
        from = end;
      }
      at = end;
    }
    this.#passingLength += Math.max(0, at - bytes.length);
    at = Math.min(at, bytes.length);
    this.#answer(bytes.subarray(Math.min(from, at), at));
    this.#rest = bytes.subarray(at);
  }

  /** Where the message at `at` ends, if it is there, or may be relayed in pieces. */
  #endOf(bytes: Buffer, at: number): number | undefined {
    if (bytes.length - at < HEADER_LENGTH) return undefined;
    const length = bytes.readInt32BE(at + 1);
    if (length < 4 || length > MAX_MESSAGE_LENGTH) throw new BackendProtocolViolated(`a message of ${length} bytes`);
    const end = at + 1 + length;
    if (end <= bytes.length) return end;
    if (length <= LIMITS.collectedAnswerLength || !MAY_PASS.has(bytes[at] ?? 0)) return undefined;
    if (this.#large === 'pass') {
      if (bytes[at] === BACKEND.rowDescription) this.#completes('describe');
      return end;
    }
    this.#isLargeWaiting = true;
    return undefined;
  }

  /** Reads a whole message: part of the answer, something aside that the client is told all the same, or nothing for it. */
  #read(whole: Buffer): 'answer' | 'aside' | 'dropped' {
    if (this.#isSubstituted && !BESIDE_THE_ANSWER.has(whole[0] ?? 0)) return 'dropped';
    switch (whole[0]) {
      case BACKEND.dataRow:
      case BACKEND.copyData:
        return 'answer';
      case BACKEND.commandComplete:
        return this.#completed(whole);
      case BACKEND.emptyQueryResponse:
      case BACKEND.portalSuspended:
        this.#completes('execute');
        return 'answer';
      case BACKEND.readyForQuery:
        this.#status = readStatus(bodyOf(whole));
        if (this.#status === undefined) throw new BackendProtocolViolated('an unknown transaction status');
        return 'answer';
      case BACKEND.errorResponse:
        return this.#failed(whole);
      case BACKEND.rowDescription:
      case BACKEND.noData:
        this.#completes('describe');
        return 'answer';
      case BACKEND.parseComplete:
      case BACKEND.bindComplete:
      case BACKEND.closeComplete:
        this.#settle(this.#awaited.shift());
        return 'answer';
      case BACKEND.copyInResponse:
        this.#copy = 'in';
        this.#hasCopied = true;
        // While it copies the database passes over a Sync; only one behind the client's data counts.
        if (this.#syncs === 'sync' && !this.#isCopyFed) this.#syncs = 'none';
        return 'answer';
      case BACKEND.copyOutResponse:
      case BACKEND.copyBothResponse:
        this.#copy = 'out';
        this.#hasCopied = true;
        return 'answer';
      case BACKEND.parameterStatus:
        this.#book.noteParameter(whole);
        return 'aside';
      case BACKEND.noticeResponse:
      case BACKEND.notificationResponse:
        return 'aside';
      default:
        return 'answer';
    }
  }

  #completed(whole: Buffer): 'answer' | 'dropped' {
    const tag = readCString(whole, HEADER_LENGTH)?.text ?? '';
    this.#tags.add(tag.replace(COUNTS, ''));
    this.#copy = 'none';
    this.#completes('execute');
    if (tag === 'DISCARD ALL' || tag === 'DEALLOCATE ALL') this.#book.removeAll();
    const isDenied = tag === 'ROLLBACK' && this.#classes.some(isCommit);
    return isDenied && this.#trySubstitute() ? 'dropped' : 'answer';
  }

  #failed(whole: Buffer): 'answer' | 'dropped' {
    const fields = readErrorFields(bodyOf(whole));
    if (fields.V === 'FATAL' || fields.V === 'PANIC') {
      this.#lastWords = fields;
      return 'dropped';
    }
    this.#copy = 'none';
    // A simple Query's error is followed by ReadyForQuery; one in the extended protocol only by the Sync's.
    const [failed] = this.#awaited;
    if (failed?.kind === 'parse' && failed.name === '') this.#book.remove(''); // it had replaced the one before
    if (this.#awaited.length > 0 || this.#syncs === 'none') {
      this.#isSkipping = this.#syncs !== 'sync';
      if (this.#syncs === 'query') this.#syncs = 'none';
      this.#awaited = [];
    }
    return this.#trySubstitute() ? 'dropped' : 'answer';
  }

  #trySubstitute(): boolean {
    if (this.#substitute === undefined || this.#isSubstituted) return false;
    this.#isSubstituted = true;
    this.#awaited = [];
    this.#isSkipping = this.#syncs === 'none';
    this.#pending = this.#substitute;
    return true;
  }

  #completes(kind: Awaited['kind']): void {
    if (this.#awaited[0]?.kind === kind) this.#awaited.shift();
  }

  /** X2. */
  #settle(awaited: Awaited | undefined): void {
    switch (awaited?.kind) {
      case 'parse':
        this.#book.add(awaited.name, { parse: awaited.parse, query: awaited.query });
        break;
      case 'bind':
        this.#book.portals.set(awaited.portal, awaited.query);
        break;
      case 'close':
        if (awaited.of === 'statement') this.#book.remove(awaited.name);
        else this.#book.portals.delete(awaited.name);
        break;
      default:
        break;
    }
  }

  /** A run of the answer (X3). */
  #answer(run: Buffer): void {
    if (run.length > 0) this.#count(run);
    if (this.#pending === undefined) return;
    this.#count(this.#pending);
    this.#pending = undefined;
  }

  #count(run: Buffer): void {
    this.#digest.add(run);
    if (this.#comparison !== 'under-way') return this.#aside(run);
    const { length, digest } = this.#expected ?? { length: 0, digest: EMPTY };
    if (this.#digest.length < length) {
      if (this.#status !== undefined) this.#comparison = 'different';
      return;
    }
    const isEqual = this.#digest.length === length && this.#digest.value().equals(digest);
    this.#comparison = isEqual ? 'equal' : 'different';
  }

  #aside(run: Buffer): void {
    this.#relay.push(run);
    this.#relayLength += run.length;
  }
}

/** A ROLLBACK that answers it was not asked for. */
function isCommit({ commits, rollsBack }: QueryClass): boolean {
  return commits === 'unclear' || (commits !== 'none' && rollsBack === 'none');
}
