// Reads tokens one after the other; whatever is not there as expected is not expressible, with its place.

import { NotExpressible } from './not-expressible.js';
import type { Token } from './tokens.js';

export class TokenReader {
  readonly #tokens: readonly Token[];
  #index = 0;

  /** The last token is 'end'. */
  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get next(): Token {
    return this.peek(0);
  }

  /** The token that follows after `count` others; beyond the end there is only the end. */
  peek(count: number): Token {
    return this.#tokens[Math.min(this.#index + count, this.#tokens.length - 1)] as Token;
  }

  take(): Token {
    const token = this.next;
    this.#index++;
    return token;
  }

  isSymbol(text: string): boolean {
    return this.next.kind === 'symbol' && this.next.text === text;
  }

  isWord(text: string): boolean {
    return this.next.kind === 'word' && this.next.text === text;
  }

  /** Takes that symbol if it is the next token. */
  skipSymbol(text: string): 'taken' | 'absent' {
    if (!this.isSymbol(text)) return 'absent';
    this.take();
    return 'taken';
  }

  skipWord(text: string): 'taken' | 'absent' {
    if (!this.isWord(text)) return 'absent';
    this.take();
    return 'taken';
  }

  symbol(text: string): void {
    if (this.skipSymbol(text) === 'absent') throw this.unexpected(`'${text}'`);
  }

  word(what: string): string {
    if (this.next.kind !== 'word') throw this.unexpected(what);
    return this.take().text;
  }

  /** A number from 0 to `largest`. */
  whole(what: string, largest: number): number {
    const { place } = this.next;
    if (this.next.kind !== 'number') throw this.unexpected(what);
    const value = Number(this.take().text);
    if (!Number.isInteger(value) || value < 0 || value > largest) {
      throw new NotExpressible(place, `${what} is a whole number from 0 to ${largest}`);
    }
    return value;
  }

  unexpected(wanted: string): NotExpressible {
    const { kind, text, place } = this.next;
    return new NotExpressible(place, `expected ${wanted}, found ${kind === 'end' ? 'the end' : `'${text}'`}`);
  }
}
