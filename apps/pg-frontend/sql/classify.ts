// What a text of SQL may do to its session and to its transaction, as far as a front-end has to know before it passes it on.
//
// Wrong only to one side: what can't be read counts as a COMMIT, and as touching whatever it names. What a function does
// inside the server is not seen here, unless its name stands in the text.
//   C1. Most texts are one statement that begins with an ordinary word and has no noteworthy one: they are never lexed.
//   C2. The server runs nothing of a text that it can't parse, so of a wrong text only what is harmless is said too much.

import { type StandardConformingStrings } from './lexer.js';
import { addCommands, addFunctions, discardedBy, NOTEWORTHY, type SessionStateKind } from './session-state.js';
import { splitStatements, type Statement } from './split.js';
import { addStatement } from './statement-effect.js';
import { transactionEffect, type TransactionEffect } from './transaction-effect.js';
import { addTemporaryAndHeld } from './word-pairs.js';

export interface QueryClass {
  /** Statements that the server answers; at least one where the text is unclear. */
  readonly statementCount: number;
  /**
   * Whether the end of a transaction that lasts is in it. 'alone': the text is one COMMIT that opens no next transaction.
   * Two-phase commands and AND CHAIN are always 'among-others'.
   */
  readonly commits: 'none' | 'alone' | 'among-others' | 'unclear';
  /** Of the whole transaction; ROLLBACK TO does not count. */
  readonly rollsBack: 'none' | 'alone' | 'among-others';
  /** Whether BEGIN or START TRANSACTION stands in it. */
  readonly begins: boolean;
  /** What it may change or, of what only the session knows, ask for. */
  readonly touches: ReadonlySet<SessionStateKind>;
}

const SPACE = 32;
const NOTHING: ReadonlySet<SessionStateKind> = new Set();
const PLAIN: QueryClass = { statementCount: 1, commits: 'none', rollsBack: 'none', begins: false, touches: NOTHING };
/** Whatever follows these words, the statement itself ends no transaction and changes nothing of the session. */
const ORDINARY = /(?:select|insert|update|delete|with|values|merge|table)(?=[\s(*])/iy;
/** What counts as such where nothing else stands beside it. */
const ALONE: ReadonlySet<TransactionEffect> = new Set(['commits', 'rolls-back']);
const COMMITS: ReadonlySet<TransactionEffect> = new Set(['commits', 'commits-otherwise', 'rolls-back-and-chains']);
const ROLLS_BACK: ReadonlySet<TransactionEffect> = new Set(['rolls-back', 'rolls-back-and-chains']);

export function classifyQuery(text: string, standardConformingStrings: StandardConformingStrings): QueryClass {
  if (isPlain(text)) return PLAIN; // C1
  const split = splitStatements(text, standardConformingStrings);
  if (split.kind === 'unclear') return unclear(text);
  const { statements } = split;
  const effects = statements.map((statement) => transactionEffect(statement));
  const place = statements.length === 1 && ALONE.has(effects[0] ?? 'none') ? 'alone' : 'among-others';
  return {
    statementCount: statements.length,
    commits: effects.some((effect) => COMMITS.has(effect)) ? place : 'none',
    rollsBack: effects.some((effect) => ROLLS_BACK.has(effect)) ? place : 'none',
    begins: effects.includes('begins'),
    touches: touchedBy(text, statements, standardConformingStrings),
  };
}

function isPlain(text: string): boolean {
  ORDINARY.lastIndex = endOfBlanks(text, 0);
  if (!ORDINARY.test(text)) return false;
  const semicolon = text.indexOf(';');
  if (semicolon >= 0 && endOfBlanks(text, semicolon + 1) < text.length) return false;
  return !NOTEWORTHY.test(text);
}

function endOfBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= SPACE) at += 1;
  return at;
}

function unclear(text: string): QueryClass {
  const touches = new Set<SessionStateKind>();
  addFunctions(text, touches);
  addCommands(text, touches);
  return { statementCount: 1, commits: 'unclear', rollsBack: 'among-others', begins: true, touches };
}

function touchedBy(
  text: string,
  statements: readonly Statement[],
  standardConformingStrings: StandardConformingStrings,
): ReadonlySet<SessionStateKind> {
  const kinds = new Set<SessionStateKind>();
  for (const statement of statements) addStatement(statement, kinds);
  if (NOTEWORTHY.test(text)) {
    addFunctions(text, kinds);
    addTemporaryAndHeld(text, standardConformingStrings, kinds);
  }
  return kinds.size === 0 ? NOTHING : kinds;
}

/** What the tag of a CommandComplete message says of the session: less than the text does, but it is certain to have happened. */
export function classifyTag(tag: string): ReadonlySet<SessionStateKind> {
  return TAGS.get(tag) ?? NOTHING;
}

const TAGS = new Map<string, ReadonlySet<SessionStateKind>>([
  ['SET', new Set(['parameters', 'role'])],
  ['RESET', new Set(['parameters', 'role'])],
  ['PREPARE', new Set(['prepared'])],
  ['DEALLOCATE', new Set(['prepared'])],
  ['DEALLOCATE ALL', new Set(['prepared'])],
  ['LISTEN', new Set(['channels'])],
  ['UNLISTEN', new Set(['channels'])],
  ['NOTIFY', new Set(['notify'])],
  ['LOAD', new Set(['libraries'])],
  ['DECLARE CURSOR', new Set(['held-cursors'])],
  ['CLOSE CURSOR', new Set(['held-cursors'])],
  ['CLOSE CURSOR ALL', new Set(['held-cursors'])],
  ['DISCARD ALL', new Set(discardedBy('all'))],
  ['DISCARD TEMP', new Set(discardedBy('temp'))],
  ['DISCARD SEQUENCES', new Set(discardedBy('sequences'))],
]);
