// Temporary objects and cursors WITH HOLD: what only two words side by side tell from columns of the same names.

import { Lexer, type StandardConformingStrings } from './lexer.js';
import type { SessionStateKind } from './session-state.js';

/** What TEMP and TEMPORARY stand behind where they are no names: CREATE OR REPLACE, GLOBAL and LOCAL, SELECT INTO. */
const BEFORE_TEMPORARY = new Set(['create', 'replace', 'local', 'global', 'into']);
const MAX_WORD_LENGTH = 'temporary'.length;

export function addTemporaryAndHeld(
  text: string,
  standardConformingStrings: StandardConformingStrings,
  kinds: Set<SessionStateKind>,
): void {
  if (!/temp|hold/i.test(text)) return;
  const lexer = new Lexer(text, standardConformingStrings);
  let before = '';
  for (let token = lexer.next(); token !== 'end' && token !== 'unclear'; token = lexer.next()) {
    const isShort = lexer.end - lexer.start <= MAX_WORD_LENGTH;
    const word = token === 'word' && isShort ? text.slice(lexer.start, lexer.end).toLowerCase() : '';
    if ((word === 'temp' || word === 'temporary') && BEFORE_TEMPORARY.has(before)) kinds.add('temporary');
    if (word === 'hold' && before === 'with') kinds.add('held-cursors');
    before = word;
  }
}
