// What the demo shows: plain lines anywhere, and on a terminal colours and one line that lives.

export type Colour = 'strong' | 'faint' | 'good' | 'bad' | 'member-1' | 'member-2';

const CODES: Readonly<Record<Colour, string>> = {
  strong: '1',
  faint: '2',
  good: '1;32',
  bad: '1;31',
  'member-1': '36',
  'member-2': '35',
};
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_LINE = '\r\x1b[2K';
const DEFAULT_COLUMNS = 80;

/** Where the text goes: a terminal, a pipe, a file. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export class Screen {
  readonly #out: Output;
  readonly #isTerminal: boolean;
  readonly #isColoured: boolean;
  #isLive = false;

  constructor(out: Output, noColour: string | undefined) {
    this.#out = out;
    this.#isTerminal = out.isTTY === true;
    this.#isColoured = this.#isTerminal && (noColour ?? '') === '';
  }

  get isTerminal(): boolean {
    return this.#isTerminal;
  }

  get columns(): number {
    const { columns = 0 } = this.#out;
    // Some terminals do not know, and say 0.
    return columns > 0 ? columns : DEFAULT_COLUMNS;
  }

  paint(colour: Colour, text: string): string {
    return this.#isColoured ? `\x1b[${CODES[colour]}m${text}\x1b[0m` : text;
  }

  member(id: number, text: string): string {
    return this.paint(id % 2 === 1 ? 'member-1' : 'member-2', text);
  }

  /** One cell of a bar or a trail; told apart without colours as well. */
  memberCell(id: number): string {
    return this.member(id, id % 2 === 1 ? '█' : '▓');
  }

  line(text = ''): void {
    const before = this.#isLive ? CLEAR_LINE : '';
    this.#out.write(`${before}${text === '' ? '' : `  ${text}`}\n`);
  }

  /** Draws the living line anew; does nothing where there is no terminal. */
  live(text: string): void {
    if (!this.#isTerminal) return;
    const start = this.#isLive ? CLEAR_LINE : HIDE_CURSOR;
    this.#isLive = true;
    this.#out.write(`${start}  ${text}`);
  }

  /** Leaves the living line where it is, and gives the cursor back. */
  settle(): void {
    if (this.#isLive) this.#out.write(`\n${SHOW_CURSOR}`);
    this.#isLive = false;
  }
}
