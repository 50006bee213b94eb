// What the demo shows: plain lines anywhere, and on a terminal colours and one line that lives.

import { barCells, formatLength, formatSpeed, type Stretch } from './text.js';

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
const MAX_BAR_WIDTH = 48;
const BESIDE_BAR_WIDTH = 52;
const MIN_BAR_WIDTH = 8;

/** Where the text goes: a terminal, a pipe, a file. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Where the download is. */
export interface Progress {
  readonly receivedLength: number;
  readonly totalLength: number;
  readonly elapsedMs: number;
  /** In the order of the bytes; the last one is the member that serves now. */
  readonly stretches: readonly Stretch[];
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

  paint(colour: Colour, text: string): string {
    return this.#isColoured ? `\x1b[${CODES[colour]}m${text}\x1b[0m` : text;
  }

  member(id: number, text: string): string {
    return this.paint(id % 2 === 1 ? 'member-1' : 'member-2', text);
  }

  line(text = ''): void {
    const before = this.#isLive ? CLEAR_LINE : '';
    this.#out.write(`${before}${text === '' ? '' : `  ${text}`}\n`);
  }

  /** Draws the living line anew; does nothing where there is no terminal. */
  live(progress: Progress): void {
    if (!this.#isTerminal) return;
    const start = this.#isLive ? CLEAR_LINE : HIDE_CURSOR;
    this.#isLive = true;
    this.#out.write(`${start}  ${this.#progressLine(progress)}`);
  }

  /** Leaves the living line where it is, and gives the cursor back. */
  settle(): void {
    if (this.#isLive) this.#out.write(`\n${SHOW_CURSOR}`);
    this.#isLive = false;
  }

  #progressLine({ receivedLength, totalLength, elapsedMs, stretches }: Progress): string {
    const room = (this.#out.columns ?? 80) - BESIDE_BAR_WIDTH;
    const width = Math.max(MIN_BAR_WIDTH, Math.min(MAX_BAR_WIDTH, room));
    const cells = barCells(stretches, receivedLength, totalLength, width).map((member) => {
      if (member === undefined) return this.paint('faint', '·');
      // Told apart without colours as well.
      return this.member(member, member % 2 === 1 ? '█' : '▓');
    });
    const percent = `${Math.floor((receivedLength / totalLength) * 100)} %`.padStart(5);
    const speed = formatSpeed(receivedLength, elapsedMs).padStart(11);
    const now = stretches.at(-1)?.member;
    const serving = now === undefined ? '' : this.member(now, `served by member ${now}`);
    return `${cells.join('')} ${percent} ${formatLength(receivedLength).padStart(9)} ${speed}  ${serving}`;
  }
}
