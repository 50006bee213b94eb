// One client's session at the database, wherever it happens to be served.
//
//   login -> opening -> idle <-> statement <-> transaction -> committing -> idle
//                                    |             |              |
//                           pinned, answering   resuming      resolving
//
// `idle` and `transaction` are open: there the session may move at any instant. What goes on in `statement`, `committing`
// and `resolving` can't be taken back: those are locked. In `answering`, which takes long, and in `pinned` the session can't be
// taken elsewhere: there a move is refused at once. Each stage is short; the work is in `session/`.

import {
  ConnectionContext,
  ConnectionMoved,
  Delegate,
  done,
  Failed,
  next,
  Service,
  ServiceStopping,
  Snapshot,
  Stage,
  StageTimedOut,
  type Next,
  type StageIo,
} from '@migratory/framework';
import { BackendLost, DatabaseRefused } from './database/database.js';
import { LIMITS } from './limits.js';
import { Login } from './login.js';
import { answerBy, commitAnswer, fateOf } from './session/commit.js';
import { Dialogue, type Outcome } from './session/dialogue.js';
import { SessionEnded } from './session/backing.js';
import { conclude } from './session/conclusion.js';
import { commitPrepared, isPrepared, prepare, preparedName } from './session/two-phase.js';
import { admit, parameterChanges, welcome } from './session/welcome.js';
import { SessionServices } from './session/session-services.js';
import { TRANSACTION_PINS, type Pin } from './session/session-fields.js';
import { encodeSession } from './session/session-record.js';
import { errorResponse, type Complaint, type ErrorFields } from './wire/backend-messages.js';

@Service({ name: 'postgres', version: 1 })
export class DatabaseSession {
  @Delegate({ then: 'opening' }) readonly login!: Login;
  /** What the session is between transactions: `session/session-record.ts`. */
  @Snapshot() session: Buffer = Buffer.alloc(0);
  /** What the client has sent and nobody has dealt with. */
  @Snapshot() pending: Buffer = Buffer.alloc(0);
  /** The Parse message of the unnamed prepared statement. */
  @Snapshot() unnamed: Buffer = Buffer.alloc(0);
  /** The open transaction: `session/journal.ts`. */
  @Snapshot() journal: Buffer = Buffer.alloc(0);
  /** Of the last ReadyForQuery. */
  @Snapshot() status: string = 'I';
  /** Which process of the database has, or had, the open transaction. */
  @Snapshot() backendIdentity: string = '';
  /** Of the open transaction, once it is to be committed. */
  @Snapshot() transactionId: string = '';
  /** The name under which it is, or will be, prepared. */
  @Snapshot() preparedAs: string = '';
  @Snapshot() verdict: string = '';
  /** Of the notifications that the client has been given: `session/notifications.ts`. */
  @Snapshot() notifiedCount: number = 0;
  @Snapshot({ type: Array }) pins: Pin[] = [];

  readonly #services: SessionServices;
  readonly #context: ConnectionContext;
  #dialogue: Dialogue | undefined;
  #unregister: (() => void) | undefined;

  constructor(services: SessionServices, context: ConnectionContext) {
    this.#services = services;
    this.#context = context;
  }

  @Stage({ entry: true })
  async arriving(): Promise<Next<DatabaseSession>> {
    return Promise.resolve(next('login'));
  }

  @Stage({ output: 'held' })
  async opening(io: StageIo): Promise<Next<DatabaseSession>> {
    if (this.login.outcome === '') return done();
    try {
      const { desk, log } = this.#services;
      this.session = encodeSession(admit(this.login.packet, desk)) ?? this.session;
      const dialogue = this.#enter(io);
      const { backing, record } = dialogue;
      await backing.open(record);
      await io.write(welcome(record, backing.backend.reported));
      this.session = encodeSession(record) ?? this.session;
      log.record(io.cid, { kind: 'logged-in', user: record.login.user, database: record.login.database });
    } catch (error) {
      await this.#farewell(io, error);
      return done();
    }
    return next('idle');
  }

  @Stage({ output: 'held' })
  async idle(io: StageIo): Promise<Next<DatabaseSession>> {
    const dialogue = this.#enter(io);
    try {
      const listens = dialogue.record.channels.length > 0;
      if (listens) await this.#back(dialogue, io);
      const awaited = [dialogue.awaitRequest(), ...(listens ? [dialogue.untilLost()] : [])];
      const request = await Promise.race(awaited);
      if (request === 'lost') return next('idle'); // so that it goes on listening
      if (isOver(request)) {
        this.#abandon();
        return done();
      }
    } catch (error) {
      await this.#farewell(io, error);
      return done();
    }
    return next('statement');
  }

  /** Outside of a transaction block; or in one, where what goes on can't be gone on with elsewhere. */
  @Stage({ output: 'held', lock: true })
  async statement(io: StageIo): Promise<Next<DatabaseSession>> {
    return this.#converse(io, 'locked');
  }

  /** A statement that takes long, by its size or by what the client has still to say: no move waits for it. */
  @Stage({ output: 'held', lock: 'pinned' })
  async answering(io: StageIo): Promise<Next<DatabaseSession>> {
    return this.#converse(io, 'pinned');
  }

  async #converse(io: StageIo, liberty: 'locked' | 'pinned'): Promise<Next<DatabaseSession>> {
    const dialogue = this.#enter(io);
    try {
      await this.#back(dialogue, io);
      const outcome = await dialogue.converse(liberty);
      if (outcome === 'is-long') return next('answering');
      if (outcome === 'commits') return await this.#towardsCommit(dialogue);
      if (outcome === 'ended') {
        this.#abandon();
        return done();
      }
      await this.#conclude(dialogue, io);
    } catch (error) {
      if (!(await this.#survives(dialogue, error))) {
        await this.#farewell(io, error);
        return done();
      }
    }
    return this.#behindAnExchange();
  }

  #behindAnExchange(): Next<DatabaseSession> {
    if (this.pins.length > 0) return next('pinned');
    return this.status === 'I' ? next('idle') : next('transaction');
  }

  @Stage({ output: 'held' })
  async transaction(io: StageIo): Promise<Next<DatabaseSession>> {
    const dialogue = this.#enter(io);
    try {
      if (!dialogue.backing.isThere) return next('resuming');
      for (;;) {
        const outcome: Outcome = await dialogue.converse('open');
        if (outcome === 'needs-lock') return next('statement');
        if (outcome === 'commits') return await this.#towardsCommit(dialogue);
        if (outcome === 'ended') {
          this.#abandon();
          return done();
        }
        await this.#conclude(dialogue, io);
        if (this.pins.length > 0) return next('pinned');
        if (this.status === 'I') return next('idle');
        await dialogue.settle();
        await dialogue.learnTransactionId('behind-a-statement');
      }
    } catch (error) {
      if (!(await this.#survives(dialogue, error))) {
        await this.#farewell(io, error);
        return done();
      }
    }
    return next('transaction');
  }

  /** The transaction is run again, at a member that it has come to. A move waits for that, or it would never be there. */
  @Stage({ output: 'held', lock: true })
  async resuming(io: StageIo): Promise<Next<DatabaseSession>> {
    const dialogue = this.#enter(io);
    try {
      await this.#back(dialogue, io);
      // What the move has interrupted comes before the next one, or a long statement would never come to its end.
      const grace = this.#services.clock.wait(LIMITS.resumedGraceMs).then(() => 'quiet' as const);
      const request = dialogue.isUnderWay ? 'under-way' : await Promise.race([dialogue.awaitRequest(), grace]);
      if (request === 'under-way' || (request !== 'quiet' && !isOver(request))) return next('statement');
      if (request !== 'quiet') {
        this.#abandon();
        return done();
      }
    } catch (error) {
      if (!(await this.#survives(dialogue, error))) {
        await this.#farewell(io, error);
        return done();
      }
    }
    return next('transaction');
  }

  /** The session has something that can't be taken elsewhere. */
  @Stage({ output: 'held', lock: 'pinned' })
  async pinned(io: StageIo): Promise<Next<DatabaseSession>> {
    const dialogue = this.#enter(io);
    try {
      if (isOver(await dialogue.awaitRequest())) {
        this.#abandon();
        return done();
      }
    } catch (error) {
      await this.#farewell(io, error);
      return done();
    }
    return next('statement');
  }

  /** The restart point that comes next has what is needed to find out what became of the COMMIT. */
  async #towardsCommit(dialogue: Dialogue): Promise<Next<DatabaseSession>> {
    if (this.#commitsInTwoPhases(dialogue)) return next('preparing');
    try {
      await dialogue.learnTransactionId('before-commit');
    } catch (error) {
      if (error instanceof BackendLost) return next('resolving');
      throw error;
    }
    return next('committing');
  }

  /** The slides' third example: what is needed to find out what became of it is stored, then the transaction is committed. */
  @Stage({ output: 'held', lock: true })
  async committing(io: StageIo): Promise<Next<DatabaseSession>> {
    const dialogue = this.#enter(io);
    if (!dialogue.backing.isThere) return next('resolving'); // whether it was sent is not known here
    try {
      if ((await dialogue.converse('pinned', 'allowed')) === 'ended') {
        this.#abandon();
        return done();
      }
      await this.#conclude(dialogue, io);
    } catch (error) {
      if (error instanceof BackendLost) return next('resolving');
      await this.#farewell(io, error);
      return done();
    }
    return this.#behindAnExchange();
  }

  /** The session at the database was lost in the midst of a COMMIT: the database knows what became of it. */
  @Stage({ output: 'held', lock: true })
  async resolving(io: StageIo): Promise<Next<DatabaseSession>> {
    const dialogue = this.#enter(io);
    try {
      dialogue.askAgain();
      const fate = await fateOf(dialogue, this, this.#services);
      this.#services.log.record(io.cid, { kind: 'resolved', fate });
      const answer = commitAnswer(dialogue.exchange, fate);
      dialogue.closeTransaction();
      await io.write(answer);
    } catch (error) {
      await this.#farewell(io, error);
      return done();
    }
    return next('idle');
  }

  /** The slides' second example, where it is asked for: the transaction is prepared, by whoever has the session. */
  @Stage({ output: 'held' })
  async preparing(io: StageIo): Promise<Next<DatabaseSession>> {
    const dialogue = this.#enter(io);
    try {
      if (!dialogue.backing.isThere) {
        await dialogue.reopen();
        if (await isPrepared(dialogue, this)) return next('prepared');
        dialogue.backing.giveWay('idle');
        return next('transaction'); // where it is run again, and its COMMIT is found in what is pending
      }
      await dialogue.learnTransactionId('before-commit');
      if (this.transactionId === '') return next('committing'); // nothing was written
      this.preparedAs = preparedName(io.cid ?? this.#services.desk.newName(), io.epoch, this.transactionId);
      io.snapshot();
      const { errorResponse: refusal, asides } = await prepare(dialogue, this);
      for (const aside of asides) await io.write(aside);
      if (refusal === undefined) return next('prepared');
      const answer = answerBy(dialogue.exchange, refusal);
      dialogue.closeTransaction();
      await io.write(answer);
    } catch (error) {
      if (!(error instanceof BackendLost)) {
        await this.#farewell(io, error);
        return done();
      }
      dialogue.backing.close();
      return next('preparing');
    }
    return next('idle');
  }

  /** It is prepared: nothing but COMMIT PREPARED is left to do, as often as it takes. */
  @Stage({ output: 'held' })
  async prepared(io: StageIo): Promise<Next<DatabaseSession>> {
    const dialogue = this.#enter(io);
    try {
      const fate = await commitPrepared(dialogue, this, this.#services);
      dialogue.askAgain();
      const answer = commitAnswer(dialogue.exchange, fate);
      dialogue.closeTransaction();
      await io.write(answer);
    } catch (error) {
      await this.#farewell(io, error);
      return done();
    }
    return next('idle');
  }

  @Failed()
  async failed(io: StageIo, error: unknown): Promise<void> {
    await io.write(errorResponse(complaintOf(error, this.pins)));
    this.#abandon();
  }

  #commitsInTwoPhases(dialogue: Dialogue): boolean {
    return this.#services.commitMode === 'two-phase' && this.pins.length === 0 && dialogue.isPlainCommit;
  }

  #enter(io: StageIo): Dialogue {
    if (this.#dialogue === undefined) {
      const { cid, epoch } = io;
      const dialogue = new Dialogue(this.#services, this, this.#context.signal, { cid, epoch });
      this.#dialogue = dialogue;
      this.#unregister = this.#services.desk.register(dialogue.record.cancelKey, () => {
        this.#services.log.record(io.cid, { kind: 'cancelled' });
        if (!dialogue.backing.isBusy) dialogue.backing.cancel(); // what we ask is not the client's to cancel
      });
      this.#context.signal.addEventListener('abort', () => this.#abandon());
    }
    this.#dialogue.enter(io);
    return this.#dialogue;
  }

  /** A session at the database that is the client's, with its transaction where it was. */
  async #back(dialogue: Dialogue, io: StageIo): Promise<void> {
    const { backing, record } = dialogue;
    if (backing.isThere) return;
    if (this.#hasLostMore) throw new SessionEnded(STATE_LOST);
    if (this.status !== 'I') return this.#resume(dialogue, io);
    await backing.open(record);
    const changes = parameterChanges(record, backing.backend.reported);
    if (changes.length === 0) return;
    this.session = encodeSession(record) ?? this.session;
    void io.write(changes);
    io.snapshot();
  }

  /** The session at the database had what can't be had again by running the transaction once more, or not at all. */
  get #hasLostMore(): boolean {
    return this.pins.some((pin) => !TRANSACTION_PINS.has(pin));
  }

  async #resume(dialogue: Dialogue, io: StageIo): Promise<void> {
    if (this.pins.some((pin) => TRANSACTION_PINS.has(pin))) return this.#giveUp(dialogue);
    const { outcome, statements, durationMs, exchange, touched } = await dialogue.backing.resume(dialogue.record);
    this.#services.log.record(io.cid, {
      kind: 'resumed',
      epoch: io.epoch,
      statements,
      outcome,
      durationMs: Math.round(durationMs * 10) / 10,
    });
    for (const kind of touched) dialogue.touched.add(kind);
    this.transactionId = '';
    dialogue.goOnWith(exchange);
    if (outcome === 'different') await dialogue.giveUp();
    this.backendIdentity = dialogue.backing.backend.identity;
    io.snapshot();
  }

  async #conclude(dialogue: Dialogue, io: StageIo): Promise<void> {
    const hadPins = this.pins.length;
    const { exchange, begun } = dialogue.finish();
    await conclude(dialogue, this, exchange, begun);
    if (this.pins.length > hadPins) this.#services.log.record(io.cid, { kind: 'pinned', pins: this.pins });
    if (this.pins.length === 0 && hadPins > 0) this.#services.log.record(io.cid, { kind: 'unpinned' });
  }

  /** The session at the database was lost: whether the client can be told so by the failure of its transaction. */
  async #survives(dialogue: Dialogue, error: unknown): Promise<boolean> {
    if (!(error instanceof BackendLost) || this.status === 'I' || !dialogue.isBetweenMessages) return false;
    if (this.#hasLostMore) return false;
    await this.#giveUp(dialogue);
    return true;
  }

  async #giveUp(dialogue: Dialogue): Promise<void> {
    this.pins = this.pins.filter((pin) => !TRANSACTION_PINS.has(pin));
    await dialogue.giveUp();
  }

  async #farewell(io: StageIo, error: unknown): Promise<void> {
    const complaint = farewellOf(error, this.#dialogue?.lastWords);
    if (complaint === undefined) throw error;
    this.#services.log.record(io.cid, { kind: 'ended', code: complaint.code });
    this.#abandon();
    await io.write(errorResponse(complaint));
  }

  /** DISCARD ALL makes a session as new, but for what the client has made up itself. */
  #canBeReused({ isUnderWay, backing, record }: Dialogue): boolean {
    const isQuiet = this.status === 'I' && !isUnderWay && !backing.isBusy && this.pins.length === 0;
    return isQuiet && !Object.keys(record.parameters).some((name) => name.includes('.'));
  }

  /** What this member has of the session is let go of. */
  #abandon(): void {
    this.#unregister?.();
    this.#unregister = undefined;
    const dialogue = this.#dialogue;
    if (!dialogue?.backing.isThere) return;
    const hasMoved = this.#context.signal.reason instanceof ConnectionMoved;
    if (hasMoved && dialogue.backing.isListening && dialogue.record.channels.length > 0) {
      return dialogue.backing.giveWay(dialogue.isUnderWay ? 'under-way' : 'idle');
    }
    if (this.#canBeReused(dialogue)) return dialogue.backing.release();
    if (dialogue.isUnderWay) dialogue.backing.cancel();
    dialogue.backing.close();
  }
}

function isOver(request: { readonly kind: string } | string): boolean {
  return typeof request === 'string' ? request === 'ended' : request.kind === 'terminate';
}

const STATE_LOST: Complaint = {
  severity: 'FATAL',
  code: '57P01',
  message: 'terminating connection because its session at the database was lost',
  detail: 'It had something that can not be restored, such as temporary tables or advisory locks.',
};

/** What a client is told when its session ends; undefined for errors that are ours. */
function farewellOf(error: unknown, lastWords: ErrorFields | undefined): Complaint | undefined {
  if (error instanceof SessionEnded || error instanceof DatabaseRefused)
    return { ...error.complaint, severity: 'FATAL' };
  if (!(error instanceof BackendLost)) return undefined;
  const { C: code = '08006', M: message = 'the session at the database was lost' } = lastWords ?? {};
  return { severity: 'FATAL', code, message };
}

/** What a client is told when a stage has failed. */
function complaintOf(error: unknown, pins: readonly Pin[]): Complaint {
  const known = farewellOf(error, undefined);
  if (known !== undefined) return known;
  if (error instanceof ServiceStopping) {
    const detail =
      pins.length === 0 ? undefined : `The session could not be moved to another server: ${pins.join(', ')}.`;
    return { ...SHUTDOWN, ...(detail !== undefined && { detail }) };
  }
  if (error instanceof StageTimedOut) return LOGIN_TIMED_OUT;
  return { severity: 'FATAL', code: 'XX000', message: 'internal error of the front-end' };
}

const SHUTDOWN: Complaint = {
  severity: 'FATAL',
  code: '57P01',
  message: 'terminating connection due to administrator command',
};

const LOGIN_TIMED_OUT: Complaint = {
  severity: 'FATAL',
  code: '57014',
  message: 'canceling authentication due to timeout',
};
