// What follows from an exchange that is over: whether a transaction is open, what of it was recorded, what the session has
// become, and whether it can move.

import { BackendLost } from '../database/database.js';
import { LIMITS } from '../limits.js';
import type { TransactionStatus } from '../wire/message.js';
import type { Dialogue } from './dialogue.js';
import type { Exchange } from './exchange.js';
import type { Backing } from './backing.js';
import { inspect, type Inspection } from './inspection.js';
import { encodeSession } from './session-record.js';
import { TRANSACTION_PINS, type Pin, type SessionFields } from './session-fields.js';

const EMPTY: Buffer = Buffer.alloc(0);
/** What the database can be asked for: as long as it pins the session it is asked again after each transaction. */
const ASKED_FOR = new Set<string>([
  'temporary-objects',
  'advisory-locks',
  'held-cursors',
  'unclear-statements',
  'unknown-state',
] satisfies Pin[]);
/** What pins a session from the moment that it is asked for, for good: the database can't be asked whether it still matters. */
const LASTING: Readonly<Record<string, Pin>> = {
  libraries: 'libraries',
  'sequence-values': 'sequence-values',
  'random-seed': 'random-seed',
  connections: 'connections',
  replication: 'replication',
  backup: 'backup',
};

/** `begun`: how things stood when the exchange began. */
export async function conclude(
  dialogue: Dialogue,
  fields: SessionFields,
  exchange: Exchange,
  begun: TransactionStatus,
): Promise<void> {
  const status = exchange.status ?? 'E';
  for (const kind of exchange.touches()) dialogue.touched.add(kind);
  fields.status = status;
  if (exchange.isSubstituted || fields.verdict === 'passing-over') fields.verdict = 'told';
  if (status === 'I') await closeTransaction(dialogue, fields);
  else recordStatement(dialogue, fields, exchange, begun);
  fields.journal = dialogue.journal.bytes;
}

/** The transaction goes on: whoever goes on with it elsewhere has to be able to run it again. */
function recordStatement(
  dialogue: Dialogue,
  fields: SessionFields,
  exchange: Exchange,
  begun: TransactionStatus,
): void {
  fields.backendIdentity = dialogue.backing.backend.identity;
  if (fields.verdict !== '') return;
  const pins = new Set(fields.pins);
  if (exchange.isUnkept) pins.add('transaction-size');
  if (exchange.hasCopied) pins.add('copy');
  if (dialogue.touched.has('snapshots')) pins.add('exported-snapshot');
  if (dialogue.touched.has('outside-effects')) pins.add('outside-effects');
  const commits = exchange.classes.some((each) => each.commits !== 'none' && each.commits !== 'unclear');
  const isProcedure = begun === 'I' && exchange.tags.has('CALL');
  if (commits || isProcedure) pins.add('transaction-chain');
  const { length, digest } = exchange.given();
  const recorded = dialogue.journal.record({
    state: 'complete',
    request: exchange.request,
    answerLength: length,
    digest,
  });
  if (recorded === 'full') pins.add('transaction-size');
  if (dialogue.backing.book.takeChange()) {
    dialogue.hasChangedSession = true;
    const { book } = dialogue.backing;
    dialogue.record.laterStatements = book.isTooMuchToTravel ? [] : book.named();
    const encoded = book.isTooMuchToTravel ? undefined : encodeSession(dialogue.record);
    if (encoded === undefined) pins.add('session-size');
    else fields.session = encoded;
  }
  if (pins.size !== fields.pins.length) fields.pins = [...pins];
}

async function closeTransaction(dialogue: Dialogue, fields: SessionFields): Promise<void> {
  const { backing, journal, record, touched } = dialogue;
  const { book } = backing;
  journal.clear();
  fields.verdict = '';
  fields.transactionId = '';
  fields.preparedAs = '';
  fields.backendIdentity = '';
  if (book.portals.size > 0) book.portals.clear();
  const unnamed = book.statements.get('')?.parse;
  const travels = unnamed === undefined || (unnamed.length > 0 && unnamed.length <= LIMITS.unnamedLength);
  fields.unnamed = travels ? (unnamed ?? EMPTY) : EMPTY;
  const hasChanged = book.takeChange() || dialogue.hasChangedSession;
  dialogue.hasChangedSession = false;
  if (touched.size === 0 && !hasChanged && fields.pins.length === 0 && travels) return;
  const pins = fields.pins.filter((pin) => !TRANSACTION_PINS.has(pin) && pin !== 'session-size');
  const mayHaveChanged = touched.size > 0 || pins.some((pin) => ASKED_FOR.has(pin));
  fields.pins = mayHaveChanged ? await lookAgain(dialogue, pins) : pins;
  touched.clear();
  record.statements = book.isTooMuchToTravel ? [] : book.named();
  record.laterStatements = undefined;
  record.reported = Object.fromEntries(backing.backend.reported);
  const isWhole = !book.isTooMuchToTravel && travels && record.statements.every((parse) => parse.length > 0);
  const encoded = isWhole ? encodeSession(record) : undefined;
  if (encoded === undefined) fields.pins = [...fields.pins, 'session-size'];
  else fields.session = encoded;
}

/** Asks the database what the session has become. Answers why it can't move. */
async function lookAgain({ backing, record, touched }: Dialogue, pins: readonly string[]): Promise<string[]> {
  const lasting = new Set(pins.filter((pin) => !ASKED_FOR.has(pin)));
  for (const kind of touched) {
    const pin = LASTING[kind];
    if (pin !== undefined) lasting.add(pin);
  }
  const { book } = backing;
  const own = Object.keys(record.parameters).filter((name) => name.includes('.'));
  const names = new Set([...own, ...book.customParameters]);
  if (book.hasUnknownParameters) lasting.add('unknown-parameters');
  if (touched.has('channels')) backing.attend();
  const seen = await inspected(backing, names);
  if (seen === undefined) return [...lasting, ...pins.filter((pin) => !lasting.has(pin)), 'unknown-state'];
  record.parameters = seen.parameters;
  record.role = seen.role;
  const isOwn = Buffer.from(seen.authorization, 'latin1').toString() === record.login.user;
  record.authorization = isOwn ? undefined : seen.authorization;
  record.sqlStatements = seen.sqlStatements;
  record.channels = await backing.listen(seen.channels);
  book.keep(seen.protocolStatements);
  return [...lasting, ...seen.pins];
}

/** What is over is over: a session that is lost now is missed by whoever needs it next. */
async function inspected(backing: Backing, names: ReadonlySet<string>): Promise<Inspection | undefined> {
  try {
    return await backing.busily(() => inspect(backing.backend, names));
  } catch (error) {
    if (error instanceof BackendLost) return undefined;
    throw error;
  }
}
