// The one statement of a text that has prepared another.
//
// The server keeps, for a statement that PREPARE has made, the whole text of the message that PREPARE stood in
// (pg_prepared_statements). What stood beside it has been run, and must not be run again.

import { Lexer, type StandardConformingStrings } from './lexer.js';
import { splitStatements } from './split.js';

/** The last one that gives this name; undefined where there is none, or the text is unclear. */
export function preparingStatement(
  text: string,
  name: string,
  standardConformingStrings: StandardConformingStrings,
): string | undefined {
  const split = splitStatements(text, standardConformingStrings);
  if (split.kind === 'unclear') return undefined;
  const preparing = split.statements.findLast(
    (statement) =>
      statement.leadingWords[0] === 'prepare' && nameIn(statement.text, standardConformingStrings) === name,
  );
  // One that stood alone is kept to the letter: pg_prepared_statements shows it.
  return preparing !== undefined && split.statements.length === 1 ? text : preparing?.text;
}

/** What PREPARE names, as the server keeps it. */
function nameIn(text: string, standardConformingStrings: StandardConformingStrings): string | undefined {
  const lexer = new Lexer(text, standardConformingStrings);
  lexer.next();
  const token = lexer.next();
  const found = text.slice(lexer.start, lexer.end);
  if (token === 'word') return found.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return token === 'name' && found.startsWith('"') ? found.slice(1, -1).replaceAll('""', '"') : undefined;
}
