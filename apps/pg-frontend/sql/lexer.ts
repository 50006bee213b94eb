// Tokens of SQL, as far as a reader needs them who wants to know where statements end and with which words they begin.
//
// The borders of tokens are those of PostgreSQL's own lexer (chapter "Lexical Structure" of its documentation), for every
// version at once where versions differ. What the server would refuse, or what two versions read differently, is 'unclear'.
// Each character is looked at a bounded number of times, so a text takes linear time whatever stands in it.
//   L1. An escape string goes on with its escapes behind a line break: E'a' and, on the next line, '\''.
//   L2. A dollar sign inside an identifier begins no dollar quote.
//   L3. An identifier that touches a number is an error from version 15, and before it a token of its own.

/** The session's setting: whether a backslash in an ordinary '...' string is a character like any other. */
export type StandardConformingStrings = 'on' | 'off';

/** A 'word' has no quotes: a key word or a plain identifier. A 'name' has them. */
export type Token = 'word' | 'name' | 'string' | 'number' | ';' | '(' | ')' | 'other' | 'end' | 'unclear';

/** In strings of bits a doubled quote is an end and a beginning. */
type StringKind = 'with-escapes' | 'without-escapes' | 'of-bits';

const TAB = 9;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const DOUBLE_QUOTE = 34;
const DOLLAR = 36;
const AMPERSAND = 38;
const QUOTE = 39;
const OPENING_PARENTHESIS = 40;
const CLOSING_PARENTHESIS = 41;
const STAR = 42;
const DASH = 45;
const DOT = 46;
const SLASH = 47;
const SEMICOLON = 59;
const BACKSLASH = 92;
const UNDERSCORE = 95;
const LETTER_B = 98;
const LETTER_E = 101;
const LETTER_N = 110;
const LETTER_U = 117;
const LETTER_X = 120;
/** The bit that makes a letter of ASCII a small one. */
const LOWER_CASE = 0x20;

/** What a character below 128 may be of an identifier; all others are letters, as for the server. */
const LETTER = 1;
const DIGIT = 2;
const kinds = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[A-Za-z_]/.test(character)) return LETTER;
  return /\d/.test(character) ? DIGIT : 0;
});

export class Lexer {
  /** The token that `next` has found last: from `start` to `end`, exclusive. */
  start = 0;
  end = 0;
  readonly #text: string;
  readonly #plainStrings: StringKind;

  constructor(text: string, standardConformingStrings: StandardConformingStrings) {
    this.#text = text;
    this.#plainStrings = standardConformingStrings === 'on' ? 'without-escapes' : 'with-escapes';
  }

  /** Blanks and comments are skipped. Behind 'unclear' nothing more is to be had. */
  next(): Token {
    const start = this.#skipBlanks(this.end);
    if (start === undefined) return 'unclear';
    this.start = start;
    this.end = start + 1;
    if (start >= this.#text.length) {
      this.end = start;
      return 'end';
    }
    const code = this.#text.charCodeAt(start);
    if (isLetter(code)) return this.#wordOrString(code);
    if (isDigit(code)) return this.#number(code);
    return this.#mark(code);
  }

  #mark(code: number): Token {
    switch (code) {
      case QUOTE:
        return this.#string(this.end, this.#plainStrings);
      case DOUBLE_QUOTE:
        return this.#name(this.end);
      case DOLLAR:
        return this.#dollar();
      case OPENING_PARENTHESIS:
        return '(';
      case CLOSING_PARENTHESIS:
        return ')';
      case SEMICOLON:
        return ';';
      default:
        return 'other';
    }
  }

  /** The position of the first character that is in no comment and no blank; undefined in a comment without an end. */
  #skipBlanks(from: number): number | undefined {
    const text = this.#text;
    let at = from;
    for (;;) {
      const code = text.charCodeAt(at);
      if (isBlank(code)) at += 1;
      else if (code === DASH && text.charCodeAt(at + 1) === DASH) at = endOfLine(text, at);
      else if (code === SLASH && text.charCodeAt(at + 1) === STAR) {
        const behind = endOfComment(text, at);
        if (behind === undefined) return undefined;
        at = behind;
      } else return at;
    }
  }

  #wordOrString(code: number): Token {
    const text = this.#text;
    const following = text.charCodeAt(this.end);
    if (following === QUOTE) {
      const kind = this.#kindOfString(code | LOWER_CASE);
      if (kind !== undefined) return this.#string(this.end + 1, kind);
    }
    if (following === AMPERSAND && (code | LOWER_CASE) === LETTER_U) {
      const quote = text.charCodeAt(this.end + 1);
      if (quote === QUOTE) return this.#unicodeString(this.end + 2);
      if (quote === DOUBLE_QUOTE) return this.#name(this.end + 2);
    }
    this.end = endOfWord(text, this.end);
    return 'word';
  }

  /** Undefined: the letter is a word of its own. */
  #kindOfString(letter: number): StringKind | undefined {
    switch (letter) {
      case LETTER_E:
        return 'with-escapes';
      case LETTER_B:
      case LETTER_X:
        return 'of-bits';
      case LETTER_N:
        return this.#plainStrings;
      default:
        return undefined;
    }
  }

  /** The server refuses them where a backslash is an escape everywhere. */
  #unicodeString(from: number): Token {
    return this.#plainStrings === 'without-escapes' ? this.#string(from, 'without-escapes') : 'unclear';
  }

  /** `from` is behind the opening quote. */
  #string(from: number, kind: StringKind): Token {
    const text = this.#text;
    let at = from;
    for (;;) {
      const quote = kind === 'with-escapes' ? unescapedQuote(text, at) : text.indexOf("'", at);
      if (quote < 0) return 'unclear';
      at = quote + 1;
      if (kind !== 'of-bits' && text.charCodeAt(at) === QUOTE) at += 1;
      else {
        const continued = continuation(text, at); // L1
        if (continued === undefined) break;
        at = continued;
      }
    }
    this.end = at;
    return 'string';
  }

  #name(from: number): Token {
    const text = this.#text;
    let at = text.indexOf('"', from);
    while (at >= 0 && text.charCodeAt(at + 1) === DOUBLE_QUOTE) at = text.indexOf('"', at + 2);
    if (at < 0) return 'unclear';
    this.end = at + 1;
    return 'name';
  }

  #number(first: number): Token {
    const text = this.#text;
    let at = endOfDigits(text, this.end);
    const radix = first === 48 && at === this.end ? text.charAt(at) : '';
    if (radix !== '' && 'xXoObB'.includes(radix)) {
      const end = endOfWord(text, at);
      if (end === at + 1) return 'unclear';
      this.end = end;
      return 'number';
    }
    if (text.charCodeAt(at) === DOT && text.charCodeAt(at + 1) !== DOT) at = endOfDigits(text, at + 1);
    at = endOfExponent(text, at);
    if (isLetter(text.charCodeAt(at))) return 'unclear'; // L3
    this.end = at;
    return 'number';
  }

  /** A parameter ($1), a string in dollar quotes, or a dollar sign that has no business there. */
  #dollar(): Token {
    const text = this.#text;
    const behind = this.end;
    const code = text.charCodeAt(behind);
    if (isDigit(code)) {
      while (isDigit(text.charCodeAt(this.end))) this.end += 1;
      return isLetter(text.charCodeAt(this.end)) ? 'unclear' : 'other'; // L3
    }
    let at = behind;
    if (isLetter(code)) while (isLetterOrDigit(text.charCodeAt(at))) at += 1;
    if (text.charCodeAt(at) !== DOLLAR) return 'unclear';
    const delimiter = text.slice(this.start, at + 1);
    const closing = text.indexOf(delimiter, at + 1);
    if (closing < 0) return 'unclear';
    this.end = closing + delimiter.length;
    return 'string';
  }
}

function isLetter(code: number): boolean {
  return code < 128 ? kinds[code] === LETTER : code >= 128; // behind the end it is NaN, and neither
}

function isLetterOrDigit(code: number): boolean {
  return code < 128 ? kinds[code] !== 0 : code >= 128;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function isNewline(code: number): boolean {
  return code === LINE_FEED || code === CARRIAGE_RETURN;
}

function isBlank(code: number): boolean {
  return code === SPACE || (code >= TAB && code <= CARRIAGE_RETURN);
}

function endOfWord(text: string, from: number): number {
  let at = from;
  for (let code = text.charCodeAt(at); isLetterOrDigit(code) || code === DOLLAR; code = text.charCodeAt(at)) at += 1; // L2
  return at;
}

/** Underscores between them belong to the number, from version 16. */
function endOfDigits(text: string, from: number): number {
  let at = from;
  for (let code = text.charCodeAt(at); isDigit(code) || code === UNDERSCORE; code = text.charCodeAt(at)) at += 1;
  return at;
}

/** `from`, where there is none. */
function endOfExponent(text: string, from: number): number {
  if ((text.charCodeAt(from) | LOWER_CASE) !== LETTER_E) return from;
  const sign = text.charAt(from + 1);
  const digits = sign === '+' || sign === '-' ? from + 2 : from + 1;
  return isDigit(text.charCodeAt(digits)) ? endOfDigits(text, digits) : from;
}

/** Of a comment that begins with two dashes. */
function endOfLine(text: string, from: number): number {
  let at = from;
  while (at < text.length && !isNewline(text.charCodeAt(at))) at += 1;
  return at;
}

/** Comments nest. */
function endOfComment(text: string, from: number): number | undefined {
  let depth = 1;
  for (let at = from + 2; at + 1 < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code !== STAR && code !== SLASH) continue;
    const following = text.charCodeAt(at + 1);
    if (code === SLASH && following === STAR) depth += 1;
    else if (code === STAR && following === SLASH) depth -= 1;
    else continue;
    if (depth === 0) return at + 2;
    at += 1;
  }
  return undefined;
}

function unescapedQuote(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at += 1;
  }
  return -1;
}

/** Where a string goes on that has ended before `from`: blanks with a line break among them, and a quote. */
function continuation(text: string, from: number): number | undefined {
  let hasNewline = false;
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (isNewline(code)) hasNewline = true;
    if (isBlank(code)) at += 1;
    else if (code === DASH && text.charCodeAt(at + 1) === DASH) at = endOfLine(text, at);
    else break;
  }
  return hasNewline && text.charCodeAt(at) === QUOTE ? at + 1 : undefined;
}
