// How far a long run is: one line that renews itself on a terminal, else a plain line now and then.

const TERMINAL_INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 10_000;

export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #startedAt = process.hrtime.bigint();
  readonly #intervalMs: number;
  #nextAtMs: number;
  #shownLength = 0;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
    this.#intervalMs = stream.isTTY ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS;
    this.#nextAtMs = this.#intervalMs;
  }

  get seconds(): number {
    return Number(process.hrtime.bigint() - this.#startedAt) / 1e9;
  }

  /** Shows the line if it is time for one. */
  show(line: () => string): void {
    const elapsedMs = this.seconds * 1_000;
    if (elapsedMs < this.#nextAtMs) return;
    this.#nextAtMs = elapsedMs + this.#intervalMs;
    const text = line();
    if (!this.#stream.isTTY) {
      this.#stream.write(`${text}\n`);
      return;
    }
    this.#stream.write(`\r${text.padEnd(this.#shownLength)}`);
    this.#shownLength = text.length;
  }

  /** Makes room for what is printed next. */
  clear(): void {
    if (this.#shownLength === 0) return;
    this.#stream.write(`\r${' '.repeat(this.#shownLength)}\r`);
    this.#shownLength = 0;
  }
}
