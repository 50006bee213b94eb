// What a command says: plain lines anywhere, with colours on a terminal that wants them.

import { styleText } from 'node:util';

export type Colour = 'good' | 'bad' | 'warn' | 'faint' | 'strong';

const STYLES = { good: 'green', bad: 'red', warn: 'yellow', faint: 'gray', strong: 'bold' } as const;

/** Where the text goes: a terminal, a pipe, a file. */
export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export class Screen {
  readonly #out: Output;
  readonly isTerminal: boolean;
  readonly #isColoured: boolean;

  /** `noColour`: the variable NO_COLOR; anything but nothing switches colours off. */
  constructor(out: Output, noColour: string | undefined) {
    this.#out = out;
    this.isTerminal = out.isTTY === true;
    this.#isColoured = this.isTerminal && (noColour ?? '') === '';
  }

  paint(colour: Colour, text: string): string {
    return this.#isColoured ? styleText(STYLES[colour], text) : text;
  }

  line(text = ''): void {
    this.#out.write(`${text}\n`);
  }

  /** As it is: a document, not a line. */
  text(text: string): void {
    this.#out.write(text);
  }
}
