// Names of parameters that no catalog lists: those that the client has made up, `app.user_id` and the like.
//
// pg_settings shows only parameters that the server or a loaded library defines. Of the others one has to know the name to
// ask for the value, so the names are gathered from the texts that set them.

import { Lexer, type StandardConformingStrings } from './lexer.js';
import { splitStatements, type Statement } from './split.js';

export interface CustomParameters {
  /** With a dot in them, in lower case: the server tells no case apart. Not every one needs to exist. */
  readonly names: ReadonlySet<string>;
  /** Whether set_config is given a name that does not stand in the text. */
  readonly others: 'none' | 'possible';
}

const NONE: CustomParameters = { names: new Set(), others: 'none' };
const MENTIONED = /set/i;
/** In DO blocks quotes are doubled. Repetitions are bounded: what is longer is no name. */
const SET_CONFIG = /set_config"?\s{0,99}\(\s{0,99}(?:'{1,4}([\w.$]{1,200})'{1,4}\s{0,99},|)/gi;
/** An UPDATE of a part of a column looks the same; nothing is lost by asking for it. */
const SET = /\bset\s{1,99}(?:(?:session|local)\s{1,99})?([\w$]{1,99}(?:\.[\w$]{1,99}){1,9})/gi;
/** SET SESSION, three names with dots between them, and what ends them. */
const MAX_TOKENS = 8;

export function customParametersOf(
  text: string,
  standardConformingStrings: StandardConformingStrings,
): CustomParameters {
  if (!MENTIONED.test(text)) return NONE;
  const names = new Set<string>();
  let others: CustomParameters['others'] = 'none';
  for (const [, name] of text.matchAll(SET_CONFIG)) {
    if (name === undefined) others = 'possible';
    else if (name.includes('.')) names.add(name.toLowerCase());
  }
  for (const [, name = ''] of text.matchAll(SET)) names.add(name.toLowerCase());
  const split = splitStatements(text, standardConformingStrings);
  for (const statement of split.kind === 'statements' ? split.statements : []) {
    const name = statement.leadingWords[0] === 'set' ? nameIn(statement, standardConformingStrings) : '';
    if (name.includes('.')) names.add(name);
  }
  return { names, others };
}

/** What SET sets, put together from words, quoted names and dots. */
function nameIn({ text }: Statement, standardConformingStrings: StandardConformingStrings): string {
  const lexer = new Lexer(text, standardConformingStrings);
  lexer.next();
  let name = '';
  for (let count = 0; count < MAX_TOKENS; count += 1) {
    const token = lexer.next();
    const found = text.slice(lexer.start, lexer.end).toLowerCase();
    const isDot = found === '.';
    if (!isDot && token !== 'word' && token !== 'name') break;
    if (found === 'to') break;
    const part = token === 'name' ? found.slice(1, -1).replaceAll('""', '"') : found;
    name = isDot || name.endsWith('.') ? name + part : part; // SESSION and LOCAL make room for what follows
  }
  return name;
}
