// From text to tokens. Comments and white space are between tokens; what is no token at all is not expressible.

import { NotExpressible, type Place } from './not-expressible.js';

export interface Token {
  readonly kind: 'word' | 'number' | 'text' | 'shell' | 'code' | 'option' | 'address' | 'symbol' | 'end';
  /** Without quotes; of an option the name. */
  readonly text: string;
  /** Of an option what follows `=`. */
  readonly value: string | undefined;
  readonly place: Place;
  /** What stands right before it, without white space between. */
  readonly isGlued: boolean;
}

type Pattern = readonly [kind: Token['kind'] | 'blank', expression: RegExp];

/** The first that matches wins. Of their groups the first is the text, the second the value. */
const PATTERNS: readonly Pattern[] = [
  ['blank', /[ \t\r\n\f\v]+/y],
  ['blank', /\/\/[^\n]*/y],
  ['blank', /\/\*[\s\S]*?\*\//y],
  ['code', /%\{([\s\S]*?)\}%/y],
  ['shell', /`((?:\\[\s\S]|[^`\\])*)`/y],
  ['text', /"((?:\\[\s\S]|[^"\\\n])*)"/y],
  ['option', /--([A-Za-z0-9_]+)(?:=((?:"[^"\n]*"|`[^`]*`|[^\s"`])*))?/y],
  ['address', /(\d+\.\d+\.\d+\.\d+)/y],
  ['address', /((?:[0-9a-fA-F]{1,4}:)+:(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4})*)?|::(?:[0-9a-fA-F:]+)?)/y],
  ['number', /(-?(?:\d*\.\d+|0[xX][0-9a-fA-F]+|\d+))(?![A-Za-z0-9_])/y],
  ['word', /([A-Za-z0-9_]+)/y],
  ['symbol', /(\.\.\.|[!$%&'()*+,\-./:;<=>?@[\\\]^{|}~#])/y],
];

/** All tokens of `text`, 'end' last. Throws `NotExpressible`. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let offset = 0;
  let line = 1;
  let lineStart = 0;
  let isGlued = false;
  while (offset < text.length) {
    const place = { line, column: offset - lineStart + 1 };
    // A line that begins with it; nowhere else is it a comment.
    const isHashLine = text[offset] === '#' && text.slice(lineStart, offset).trim() === '';
    const { kind, match } = isHashLine ? hashLine(text, offset) : firstMatch(text, offset, place);
    if (kind === 'blank') isGlued = false;
    else {
      tokens.push({ kind, text: match[1] ?? '', value: match[2], place, isGlued });
      isGlued = true;
    }
    for (let at = offset; at < offset + match[0].length; at++) {
      if (text[at] !== '\n') continue;
      line++;
      lineStart = at + 1;
    }
    offset += match[0].length;
  }
  tokens.push({
    kind: 'end',
    text: '',
    value: undefined,
    place: { line, column: offset - lineStart + 1 },
    isGlued: false,
  });
  return tokens;
}

interface Found {
  readonly kind: Token['kind'] | 'blank';
  readonly match: RegExpExecArray;
}

function hashLine(text: string, offset: number): Found {
  return { kind: 'blank', match: matchAt(/[^\n]+/y, text, offset) as RegExpExecArray };
}

function firstMatch(text: string, offset: number, place: Place): Found {
  for (const [kind, pattern] of PATTERNS) {
    const match = matchAt(pattern, text, offset);
    if (match !== null) return { kind, match };
  }
  throw new NotExpressible(place, unreadable(text.slice(offset, offset + 2)));
}

function matchAt(pattern: RegExp, text: string, offset: number): RegExpExecArray | null {
  pattern.lastIndex = offset;
  return pattern.exec(text);
}

function unreadable(start: string): string {
  if (start.startsWith('`')) return 'a command in backquotes that does not end';
  if (start.startsWith('"')) return 'a text in quotes that does not end on its line';
  return `a character that begins nothing: ${JSON.stringify(start.slice(0, 1))}`;
}
