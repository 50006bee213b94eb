// Clients that append to lists and read them, a few at a time in one transaction, and write down what they saw.

import type { Draw } from '../../sim/draw.js';
import type { Isolation } from '../ledger.js';
import { plainly, say, STYLES, type Phrase, type Style } from '../phrases.js';
import { Session, SessionLost, StatementFailed, type Place, type Statement } from '../session.js';
import type { Tally } from '../tally.js';
import type { History, Operation, Transaction } from './history.js';
import type { Client } from 'pg';

/** So few lists are in use at a time that transactions meet. */
const ACTIVE_LIST_COUNT = 6;
/** A longer list gives way to a new one: each read of it is written down. */
const MAX_LIST_LENGTH = 48;
const MAX_OPERATION_COUNT = 5;
const APPEND_RATE = 0.5;
const ROLL_BACK_RATE = 0.05;
const IS_UNCERTAIN = /^(?:08|57P|40003)/;
const MAY_BE_TOLD = /^(?:40001|40P01)$/;

const READ: Phrase = { name: 'read_list', text: 'SELECT elements FROM lists WHERE key = $1' };
const APPEND: Phrase = {
  name: 'append',
  text: `INSERT INTO lists VALUES ($1, ARRAY[$2::int])
    ON CONFLICT (key) DO UPDATE SET elements = lists.elements || excluded.elements`,
};

export async function openLists(database: Client): Promise<void> {
  await database.query('DROP TABLE IF EXISTS lists; CREATE TABLE lists (key int PRIMARY KEY, elements int[] NOT NULL)');
}

export async function finalLists(database: Client): Promise<History['final']> {
  const { rows } = await database.query<{ key: number; elements: number[] }>('SELECT * FROM lists');
  return new Map(rows.map(({ key, elements }) => [key, elements]));
}

/** What all clients share: the lists in use, and what has happened. */
export class Notebook {
  readonly transactions: Transaction[] = [];
  readonly #appendCounts = Array<number>(ACTIVE_LIST_COUNT).fill(0);
  readonly #keys = Array.from({ length: ACTIVE_LIST_COUNT }, (_, index) => index);
  #lastValue = 0;
  #lastId = 0;

  nextId(): number {
    return ++this.#lastId;
  }

  draw(draw: Draw): Operation {
    const place = draw.below(ACTIVE_LIST_COUNT);
    const key = this.#keys[place] ?? 0;
    if (!draw.chance(APPEND_RATE)) return { kind: 'read', key, values: [] };
    const count = (this.#appendCounts[place] ?? 0) + 1;
    this.#appendCounts[place] = count % MAX_LIST_LENGTH;
    if (count === MAX_LIST_LENGTH) this.#keys[place] = key + ACTIVE_LIST_COUNT;
    return { kind: 'append', key, value: ++this.#lastValue };
  }
}

export interface Desk {
  readonly place: Place;
  readonly isolation: Isolation;
  readonly notebook: Notebook;
  readonly tally: Tally;
  /** What a client should never have been told. */
  readonly complaints: string[];
  readonly isOpen: () => boolean;
}

/** One client, until the desk closes. `opened` gets the port of its session. */
export async function write(desk: Desk, draw: Draw, opened: (port: number) => void): Promise<void> {
  const session = await Session.open(desk.place);
  opened(session.port);
  while (desk.isOpen()) await transact(session, desk, draw);
  await session.close();
}

async function transact(session: Session, desk: Desk, draw: Draw): Promise<void> {
  const { notebook, tally, complaints } = desk;
  const asked = Array.from({ length: draw.between(1, MAX_OPERATION_COUNT) }, () => notebook.draw(draw));
  const talk = new Talk(session, draw.pick(STYLES), asked);
  const [id, beganAtMs] = [notebook.nextId(), performance.now()];
  let told: Transaction['told'];
  try {
    told = await (asked.length === 1 && draw.chance(0.5) ? talk.alone(desk) : talk.together(desk, draw));
    tally.count('clients were told', told);
  } catch (error) {
    if (!(error instanceof StatementFailed) && !(error instanceof SessionLost)) throw error;
    const isLost = error instanceof SessionLost;
    told = talk.isDeciding && (isLost || IS_UNCERTAIN.test(error.code)) ? 'unknown' : 'aborted';
    tally.count('clients were told', `${told}: ${error.code}`);
    if (isLost || !MAY_BE_TOLD.test(error.code))
      complaints.push(`transaction ${id} got ${error.code} ${error.message}`);
    if (!isLost) await session.say({ text: 'ROLLBACK' });
  }
  notebook.transactions.push({ id, operations: talk.operations, told, beganAtMs, endedAtMs: performance.now() });
  if (session.loss !== undefined) throw session.loss;
}

/** One transaction's talk with the server. */
class Talk {
  isDeciding = false;
  readonly #session: Session;
  readonly #style: Style;
  readonly #asked: readonly Operation[];
  readonly #seen: Operation[] = [];

  constructor(session: Session, style: Style, asked: readonly Operation[]) {
    this.#session = session;
    this.#style = style;
    this.#asked = asked;
  }

  /** What was answered; an append counts even where its answer is missing. */
  get operations(): readonly Operation[] {
    return this.#seen;
  }

  /** A transaction of one statement. */
  async alone({ isolation }: Desk): Promise<Transaction['told']> {
    if (this.#session.defaultIsolation !== isolation) {
      await this.#session.say({ text: `SET default_transaction_isolation = '${isolation}'` });
      this.#session.defaultIsolation = isolation;
    }
    this.isDeciding = true;
    await this.#operate();
    return 'committed';
  }

  async together({ isolation }: Desk, draw: Draw): Promise<Transaction['told']> {
    await this.#session.say(this.#plainly(`BEGIN ISOLATION LEVEL ${isolation}`));
    await this.#operate();
    if (draw.chance(ROLL_BACK_RATE)) {
      await this.#session.say(this.#plainly('ROLLBACK'));
      return 'aborted';
    }
    this.isDeciding = true;
    const { command } = await this.#session.say(this.#plainly('COMMIT'));
    return command === 'COMMIT' ? 'committed' : 'aborted';
  }

  async #operate(): Promise<void> {
    for (const operation of this.#asked) {
      if (operation.kind === 'append') {
        this.#seen.push(operation);
        await this.#session.say(say(this.#style, APPEND, [operation.key, operation.value]));
      } else {
        const { rows } = await this.#session.say(say(this.#style, READ, [operation.key]));
        const [row] = rows as { elements: number[] }[];
        this.#seen.push({ ...operation, values: row?.elements ?? [] });
      }
    }
  }

  #plainly(text: string): Statement {
    return plainly(this.#style, text);
  }
}
