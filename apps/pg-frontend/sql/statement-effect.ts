// What one statement may change of its session, by the words that it begins with.

import { addCommands, discardedBy, type SessionStateKind } from './session-state.js';
import type { Statement } from './split.js';

export function addStatement({ text, leadingWords, tokenCount }: Statement, kinds: Set<SessionStateKind>): void {
  const [first = '', second = ''] = leadingWords;
  switch (first) {
    case 'set':
      if (/\bseed\b/i.test(text)) kinds.add('random-seed'); // it stays set behind the end of the transaction
      if (!isForTheTransaction(leadingWords)) addSetting(text, leadingWords, kinds);
      return;
    case 'reset':
      addSetting(text, leadingWords, kinds);
      return;
    case 'prepare':
      if (second !== 'transaction' || tokenCount > 3) kinds.add('prepared'); // it may be a statement's name
      return;
    case 'discard':
      for (const kind of discardedBy(second)) kinds.add(kind);
      return;
    case 'do':
      addCommands(text, kinds);
      return;
    case 'copy':
      if (!/\bstd(?:in|out)\b/i.test(text)) kinds.add('outside-effects'); // a file of the server's, or a program
      return;
    default: {
      const kind = FIRST_WORDS.get(first);
      if (kind !== undefined) kinds.add(kind);
    }
  }
}

const FIRST_WORDS = new Map<string, SessionStateKind>([
  ['deallocate', 'prepared'],
  ['listen', 'channels'],
  ['unlisten', 'channels'],
  ['close', 'held-cursors'],
  ['load', 'libraries'],
  ['notify', 'notify'],
]);

/** SET LOCAL, SET TRANSACTION and SET CONSTRAINTS; but these words name parameters too, as in `SET local.x = 1`. */
function isForTheTransaction([, second = '', third = 'to']: readonly string[]): boolean {
  return (second === 'local' || second === 'transaction' || second === 'constraints') && third !== 'to';
}

function addSetting(text: string, leadingWords: readonly string[], kinds: Set<SessionStateKind>): void {
  const name = leadingWords.slice(leadingWords[1] === 'session' ? 2 : 1);
  const isRole = name[0] === 'role' || name[0] === 'authorization' || name[0] === 'session_authorization';
  if (!isRole) kinds.add('parameters');
  if (isRole || /role|authorization/i.test(text)) kinds.add('role'); // as a quoted name
}
