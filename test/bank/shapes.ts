// The shapes that a transfer's transaction can have, and what its client is told in the end.
//
// A statement that may commit is `decide`d, every other one is said: where the connection is lost decides what the client
// may believe. A `ROLLBACK` in place of the `COMMIT` that was asked for is what PostgreSQL answers in a failed transaction.

import type { QueryResult } from 'pg';
import type { Draw } from '../sim/draw.js';
import type { Told, Transfer } from './ledger.js';
import {
  CREDIT,
  DEBIT,
  literally,
  NOTE,
  plainly,
  READ,
  READ_AND_LOCK,
  say,
  SET_BALANCE,
  STYLES,
  TRANSFER,
  type Phrase,
  type Style,
} from './phrases.js';
import { SessionLost, StatementFailed, type Session, type Statement } from './session.js';

const ON_PURPOSE = 'on purpose';
const ROLL_BACK_RATE = 0.03;
const SAVEPOINT_RATE = 0.15;
/** Most clients lock in the order of the ids; the others make deadlocks. */
const UNORDERED_RATE = 0.1;
const DIVISION_BY_ZERO = '22012';
/** Shapes that can be said in one style only. */
const ONE_TEXT = 'message';
const IS_UNCERTAIN = /^(?:08|57P|40003)/;

type Shape = (talk: Conversation) => Promise<Told>;

/** One transfer's talk with the server. */
class Conversation {
  isDeciding = false;

  constructor(
    readonly session: Session,
    readonly transfer: Transfer,
    readonly draw: Draw,
    readonly style: Style,
  ) {}

  say(statement: Statement): Promise<QueryResult> {
    return this.session.say(statement);
  }

  saying(phrase: Phrase, values: readonly number[]): Promise<QueryResult> {
    return this.say(say(this.style, phrase, values));
  }

  plainly(text: string): Promise<QueryResult> {
    return this.say(plainly(this.style, text));
  }

  async decide(statement: Statement, expected: string): Promise<Told> {
    this.isDeciding = true;
    const { command } = await this.session.say(statement);
    return command === expected ? { kind: 'committed' } : { kind: 'rolled back', because: `answered ${command}` };
  }

  get noteValues(): number[] {
    const { id, source, target, amount, teller } = this.transfer;
    return [id, source, target, amount, teller];
  }

  /** Debit and credit, in the order in which their rows get locked. */
  get postings(): [phrase: Phrase, values: number[]][] {
    const { source, target, amount } = this.transfer;
    const postings: [Phrase, number[]][] = [
      [DEBIT, [source, amount]],
      [CREDIT, [target, amount]],
    ];
    return source < target === this.draw.chance(1 - UNORDERED_RATE) ? postings : postings.reverse();
  }
}

const SHAPES: Readonly<Record<string, Shape>> = {
  'relative updates': async (talk) => {
    await begin(talk);
    await maybeSavepoint(talk);
    for (const [phrase, values] of talk.postings) await talk.saying(phrase, values);
    await maybeSavepoint(talk);
    await talk.saying(NOTE, talk.noteValues);
    return await end(talk);
  },

  'read, then write': async (talk) => {
    const { source, target, amount, isolation } = talk.transfer;
    await begin(talk);
    // Without a lock, only the higher levels keep what was read from being changed by somebody else.
    const doesLock = isolation === 'read committed' || talk.draw.chance(0.5);
    const { rows } = await talk.saying(doesLock ? READ_AND_LOCK : READ, [source, target]);
    const balances = new Map((rows as { id: number; balance: number }[]).map(({ id, balance }) => [id, balance]));
    const [had, has] = [balances.get(source) ?? 0, balances.get(target) ?? 0];
    if (had < amount) return await rollBack(talk, 'too little money');
    await talk.saying(SET_BALANCE, [source, had - amount]);
    await maybeSavepoint(talk);
    await talk.saying(SET_BALANCE, [target, has + amount]);
    await talk.saying(NOTE, talk.noteValues);
    return await end(talk);
  },

  'one statement': async (talk) => {
    await setDefaultIsolation(talk);
    return await talk.decide(say(talk.style, TRANSFER, talk.noteValues), 'INSERT');
  },

  'one message, no BEGIN': async (talk) => {
    await setDefaultIsolation(talk);
    return await talk.decide({ text: texts(talk).join('; ') }, 'INSERT');
  },

  'one message, BEGIN to COMMIT': async (talk) => {
    const whole = [`BEGIN ISOLATION LEVEL ${talk.transfer.isolation}`, ...texts(talk), 'COMMIT'];
    return await talk.decide({ text: whole.join('; ') }, 'COMMIT');
  },

  'two messages': async (talk) => {
    const [first, ...others] = texts(talk);
    await talk.say({ text: `BEGIN ISOLATION LEVEL ${talk.transfer.isolation}; ${first ?? ''}` });
    return await talk.decide({ text: [...others, 'COMMIT'].join('; ') }, 'COMMIT');
  },
};

/** Drawn as often as they stand here. */
const SHAPE_NAMES = [
  ...Array<string>(5).fill('relative updates'),
  ...Array<string>(5).fill('read, then write'),
  ...Object.keys(SHAPES).slice(2),
];

/** One attempt at a transfer; its shape is drawn. Leaves no transaction open, unless the session is lost. */
export async function attempt(
  session: Session,
  transfer: Transfer,
  draw: Draw,
): Promise<{ readonly told: Told; readonly shape: string }> {
  const name = draw.pick(SHAPE_NAMES);
  const talk = new Conversation(session, transfer, draw, draw.pick(STYLES));
  const shape = name.includes(ONE_TEXT) ? name : `${name}, ${talk.style}`;
  try {
    return { told: (await SHAPES[name]?.(talk)) ?? { kind: 'rolled back', because: 'no such shape' }, shape };
  } catch (error) {
    if (!(error instanceof StatementFailed) && !(error instanceof SessionLost)) throw error;
    const isUncertain = talk.isDeciding && (error instanceof SessionLost || IS_UNCERTAIN.test(error.code));
    const left = error instanceof StatementFailed ? await leaveTransaction(session) : '';
    const because = error instanceof SessionLost ? `lost: ${error.code}` : `${error.code}${left}`;
    return { told: { kind: isUncertain ? 'unknown' : 'rolled back', because }, shape };
  }
}

async function begin(talk: Conversation): Promise<void> {
  const { isolation } = talk.transfer;
  switch (talk.draw.below(3)) {
    case 0:
      await talk.plainly(`BEGIN ISOLATION LEVEL ${isolation}`);
      return;
    case 1:
      await talk.plainly('BEGIN');
      await talk.plainly(`SET TRANSACTION ISOLATION LEVEL ${isolation}`);
      return;
    default:
      await setDefaultIsolation(talk);
      await talk.plainly('START TRANSACTION');
  }
}

/** Said only where it changes something: the session has to keep it, wherever it goes. */
async function setDefaultIsolation({ session, transfer: { isolation } }: Conversation): Promise<void> {
  if (session.defaultIsolation === isolation) return;
  await session.say({ text: `SET default_transaction_isolation = '${isolation}'` });
  session.defaultIsolation = isolation;
}

/** Something that is undone at once: a posting that would ruin the books, or an error. */
async function maybeSavepoint(talk: Conversation): Promise<void> {
  if (!talk.draw.chance(SAVEPOINT_RATE)) return;
  await talk.plainly('SAVEPOINT before_mistake');
  if (talk.draw.chance(0.5)) {
    await talk.saying(CREDIT, [talk.transfer.target, 1_000_000]);
  } else {
    await talk.plainly('SELECT 1 / 0').catch((error: unknown) => {
      if (!(error instanceof StatementFailed) || error.code !== DIVISION_BY_ZERO) throw error;
    });
  }
  await talk.plainly('ROLLBACK TO SAVEPOINT before_mistake');
  if (talk.draw.chance(0.5)) await talk.plainly('RELEASE SAVEPOINT before_mistake');
}

async function end(talk: Conversation): Promise<Told> {
  if (talk.draw.chance(ROLL_BACK_RATE)) return await rollBack(talk, ON_PURPOSE);
  return await talk.decide(plainly(talk.style, 'COMMIT'), 'COMMIT');
}

async function rollBack(talk: Conversation, because: string): Promise<Told> {
  await talk.plainly('ROLLBACK');
  return { kind: 'rolled back', because };
}

/** Answers what was wrong with it: a ROLLBACK is never refused, least of all in a failed transaction. */
async function leaveTransaction(session: Session): Promise<string> {
  try {
    const { command } = await session.say({ text: 'ROLLBACK' });
    return command === 'ROLLBACK' ? '' : `, and ROLLBACK was answered ${command}`;
  } catch (error) {
    if (error instanceof SessionLost) return '';
    if (!(error instanceof StatementFailed)) throw error;
    session.abandon();
    return `, and ROLLBACK got ${error.code}`;
  }
}

function texts(talk: Conversation): string[] {
  return [...talk.postings.map(([phrase, values]) => literally(phrase, values)), literally(NOTE, talk.noteValues)];
}
