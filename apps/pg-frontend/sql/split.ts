// Statements of a text: where the server's parser sees one end and the next begin.
//
// A semicolon ends a statement, except between the parentheses of a rule's actions and in the body of a routine that is
// written in SQL itself (BEGIN ATOMIC ... END). In such a body END closes it exactly where a statement could begin: that
// tells it from the END of a CASE, and from a column that has this name.

import { Lexer, type StandardConformingStrings, type Token } from './lexer.js';

export interface Statement {
  /** Without blanks, comments and semicolons around it. */
  readonly text: string;
  /** Its words up to the first token that is none, in lower case, at most `MAX_LEADING_WORDS`. */
  readonly leadingWords: readonly string[];
  readonly tokenCount: number;
}

export type Split =
  /** Empty ones are left out, as the server leaves them out. */
  | { readonly kind: 'statements'; readonly statements: readonly Statement[] }
  /** Something has no end, or the server would refuse it, or its versions differ. */
  | { readonly kind: 'unclear' };

/** CREATE OR REPLACE FUNCTION is three, COMMIT TRANSACTION AND NO CHAIN five. */
const MAX_LEADING_WORDS = 6;
/** Longer words are none of interest. */
const MAX_WORD_LENGTH = 32;

const UNCLEAR: Split = { kind: 'unclear' };

export function splitStatements(text: string, standardConformingStrings: StandardConformingStrings): Split {
  const lexer = new Lexer(text, standardConformingStrings);
  const statements: Statement[] = [];
  let reader = new StatementReader(text);
  for (;;) {
    const token = lexer.next();
    if (token === 'unclear') return UNCLEAR;
    const outcome = token === 'end' ? reader.end() : reader.read(token, lexer.start, lexer.end);
    if (outcome === 'unclear') return UNCLEAR;
    if (outcome === 'goes-on') continue;
    const statement = reader.statement();
    if (statement !== undefined) {
      statements.push(statement);
      reader = new StatementReader(text);
    }
    if (token === 'end') return { kind: 'statements', statements };
  }
}

type Outcome = 'goes-on' | 'ended' | 'unclear';

/** Takes the tokens of one statement until it ends. */
class StatementReader {
  readonly #text: string;
  readonly #leadingWords: string[] = [];
  #start = 0;
  #end = 0;
  #tokenCount = 0;
  #parenthesisDepth = 0;
  /** How many bodies BEGIN ATOMIC has opened that no END has closed: a routine may be made in the body of another one. */
  #bodyDepth = 0;
  /** Of the statement itself, or of the one that is being read in its innermost body. */
  #innermost: Beginning = new Beginning();

  constructor(text: string) {
    this.#text = text;
  }

  read(token: Token, start: number, end: number): Outcome {
    if (token === ';' && this.#bodyDepth === 0 && this.#parenthesisDepth === 0) return 'ended';
    if (this.#tokenCount === 0) this.#start = start;
    this.#tokenCount += 1;
    this.#end = end;
    switch (token) {
      case '(':
        this.#parenthesisDepth += 1;
        break;
      case ')':
        this.#parenthesisDepth -= 1;
        if (this.#parenthesisDepth < 0) return 'unclear';
        break;
      case ';':
        if (this.#parenthesisDepth > 0) return this.#innermost.makes === 'rule' ? 'goes-on' : 'unclear';
        this.#innermost = new Beginning();
        return 'goes-on';
      default:
        break;
    }
    this.#note(token, token === 'word' && end - start <= MAX_WORD_LENGTH ? this.#word(start, end) : '');
    return 'goes-on';
  }

  end(): Outcome {
    return this.#bodyDepth === 0 && this.#parenthesisDepth === 0 ? 'ended' : 'unclear';
  }

  /** Undefined: nothing stood there. */
  statement(): Statement | undefined {
    if (this.#tokenCount === 0) return undefined;
    const text = this.#text.slice(this.#start, this.#end);
    return { text, leadingWords: this.#leadingWords, tokenCount: this.#tokenCount };
  }

  #word(start: number, end: number): string {
    const isBeginning = this.#tokenCount <= MAX_LEADING_WORDS;
    return isBeginning || this.#innermost.makes === 'routine' || this.#bodyDepth > 0
      ? this.#text.slice(start, end).toLowerCase()
      : '';
  }

  #note(token: Token, word: string): void {
    const isLeading = this.#leadingWords.length === this.#tokenCount - 1 && this.#tokenCount <= MAX_LEADING_WORDS;
    if (token === 'word' && isLeading) this.#leadingWords.push(word);
    if (this.#bodyDepth > 0 && this.#innermost.tokenCount === 0 && word === 'end') {
      this.#bodyDepth -= 1;
      this.#innermost = new Beginning('finished');
      return;
    }
    const opens = this.#innermost.take(word, this.#parenthesisDepth);
    if (opens === 'goes-on') return;
    this.#bodyDepth += 1;
    this.#innermost = new Beginning();
  }
}

/** What the first words of a statement say of the semicolons in it. */
class Beginning {
  tokenCount = 0;
  makes: 'unknown' | 'nothing' | 'rule' | 'routine';
  #lastWord = '';

  constructor(state: 'fresh' | 'finished' = 'fresh') {
    this.makes = state === 'fresh' ? 'unknown' : 'nothing';
    this.tokenCount = state === 'fresh' ? 0 : 1;
  }

  /** `word` is empty for anything else. */
  take(word: string, parenthesisDepth: number): 'goes-on' | 'opens-a-body' {
    this.tokenCount += 1;
    const before = this.#lastWord;
    this.#lastWord = parenthesisDepth === 0 ? word : '';
    if (this.makes === 'unknown') this.makes = this.#recognise(word);
    const opens = this.makes === 'routine' && before === 'begin' && this.#lastWord === 'atomic';
    return opens ? 'opens-a-body' : 'goes-on';
  }

  #recognise(word: string): 'unknown' | 'nothing' | 'rule' | 'routine' {
    if (this.tokenCount === 1) return word === 'create' ? 'unknown' : 'nothing';
    if (word === 'function' || word === 'procedure') return 'routine';
    if (word === 'rule') return 'rule';
    return word === 'or' || word === 'replace' ? 'unknown' : 'nothing';
  }
}
