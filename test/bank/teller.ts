// One client of the bank: transfer after transfer over one session, each written down as the client was told.
//
// What it is told has to be among what PostgreSQL may say to a client that did nothing wrong; all else is a violation.

import type { Draw } from '../sim/draw.js';
import { INITIAL_BALANCE } from './bank-tables.js';
import { ISOLATIONS, type Ledger, type Told } from './ledger.js';
import { Session, SessionLost, StatementFailed, type Place } from './session.js';
import { attempt } from './shapes.js';
import type { Tally } from './tally.js';
import type { Violation } from './verdict.js';

const MAX_AMOUNT = 50;
const STATEMENT_OF_ACCOUNTS_RATE = 0.02;
/** So often in a row no session could be opened. */
const OPEN_ATTEMPT_COUNT = 200;
const MAY_BE_RETRIED = /^(?:40001|40P01)$/;
/** The client rolled back itself, or lost its connection, which is judged with the others. */
const BY_ITSELF = /^(?:on purpose$|too little money$|lost: )/;
/** Too little money is a refusal as good as any: the replay of a transaction has to arrive at it again. */
const CHECK_VIOLATED = '23514';
/** What is left of a session whose server process was terminated. */
export const IS_LAST_WORD = /^(?:57P0[12]|08...|40001)$/;

/** A session that was lost, to be explained when all is over. */
export interface Loss {
  readonly port: number;
  readonly code: string;
  readonly message: string;
  readonly atMs: number;
  readonly teller: number;
}

/** What all tellers share. */
export interface Branch {
  readonly place: Place;
  readonly accountCount: number;
  readonly ledger: Ledger;
  readonly tally: Tally;
  readonly losses: Loss[];
  readonly violations: Violation[];
  /** Whether sessions may end under a client's feet. */
  readonly weather: 'fair' | 'foul';
  readonly isOpen: () => boolean;
  readonly opened: (port: number) => void;
  readonly closed: (port: number) => void;
}

export class Teller {
  readonly #id: number;
  readonly #branch: Branch;
  readonly #draw: Draw;
  #session: Session | undefined;
  #turn: number;

  constructor(id: number, branch: Branch, draw: Draw) {
    this.#id = id;
    this.#branch = branch;
    this.#draw = draw;
    this.#turn = id;
  }

  /** Until the branch closes. */
  async work(): Promise<void> {
    const { isOpen, tally } = this.#branch;
    while (isOpen()) {
      const session = await this.#standing();
      if (this.#draw.chance(STATEMENT_OF_ACCOUNTS_RATE)) await this.#addUp(session);
      else await this.#transfer(session);
    }
    const session = this.#session;
    if (session === undefined) return;
    if (session.loss !== undefined) this.#lost(session, session.loss);
    this.#branch.closed(session.port);
    await session.close();
    tally.count('clients', 'finished in order');
  }

  async #transfer(session: Session): Promise<void> {
    const { ledger, accountCount, tally } = this.#branch;
    const source = this.#draw.between(1, accountCount);
    const target = ((source - 1 + this.#draw.between(1, accountCount - 1)) % accountCount) + 1;
    const amount = this.#draw.between(1, MAX_AMOUNT);
    const isolation = ISOLATIONS[this.#turn++ % ISOLATIONS.length] ?? 'serializable';
    const transfer = { id: ledger.nextId(), source, target, amount, teller: this.#id, isolation };
    const { told, shape } = await attempt(session, transfer, this.#draw);
    ledger.record({ transfer, told, shape });
    tally.count('clients were told', told.kind === 'committed' ? told.kind : `${told.kind}: ${told.because}`);
    if (told.kind === 'committed') tally.count('acknowledged, by shape', shape);
    else if (told.kind === 'rolled back')
      this.#judge(told, `transfer ${transfer.id} (${shape}, ${isolation})`, transfer.id);
  }

  /** In one snapshot the money is always all there, account by account too. */
  async #addUp(session: Session): Promise<void> {
    const { accountCount, violations, tally } = this.#branch;
    const expected = accountCount * INITIAL_BALANCE;
    try {
      await session.say({ text: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' });
      const { rows: one } = await session.say({ text: 'SELECT sum(balance)::int AS sum FROM accounts' });
      const { rows: many } = await session.say({ text: 'SELECT id, balance FROM accounts', queryMode: 'extended' });
      await session.say({ text: 'COMMIT' });
      const sums = [
        (one as { sum: number }[])[0]?.sum ?? 0,
        (many as { balance: number }[]).reduce((sum, { balance }) => sum + balance, 0),
      ];
      tally.count('statements of accounts', 'taken');
      if (sums.some((sum) => sum !== expected)) {
        violations.push({ rule: 'B1', ids: [], what: `a client saw the sums ${sums.join(' and ')} in one snapshot` });
      }
    } catch (error) {
      if (error instanceof SessionLost) return;
      if (!(error instanceof StatementFailed)) throw error;
      tally.count('statements of accounts', error.code);
      this.#judge({ kind: 'rolled back', because: error.code }, 'a statement of accounts', 0);
      await session.say({ text: 'ROLLBACK' }).catch(() => session.abandon());
    }
  }

  /** A client that did nothing wrong is told these errors and no others. */
  #judge({ because }: Extract<Told, { kind: 'rolled back' }>, what: string, id: number): void {
    const { weather, violations } = this.#branch;
    if (BY_ITSELF.test(because)) return;
    if (MAY_BE_RETRIED.test(because) || because === CHECK_VIOLATED) return;
    if (weather === 'foul' && IS_LAST_WORD.test(because)) return;
    violations.push({ rule: 'answers', ids: [id], what: `${what} got ${because}` });
  }

  async #standing(): Promise<Session> {
    const { place, opened, closed, tally } = this.#branch;
    const session = this.#session;
    if (session !== undefined) {
      if (session.loss === undefined) return session;
      this.#lost(session, session.loss);
      closed(session.port);
      this.#session = undefined;
    }
    for (let tried = 1; ; tried++) {
      try {
        this.#session = await Session.open(place);
        opened(this.#session.port);
        return this.#session;
      } catch (error) {
        if (!(error instanceof SessionLost) || tried === OPEN_ATTEMPT_COUNT) throw error;
        tally.count('sessions not opened', error.code);
        place.pulse();
      }
    }
  }

  #lost({ port }: Session, { code, message }: SessionLost): void {
    this.#branch.losses.push({ port, code, message, atMs: performance.now(), teller: this.#id });
  }
}
