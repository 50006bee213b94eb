// Ends of a long run: Ctrl-C, SIGTERM, SIGHUP, or a key. The first one asks for an end in order, a second one does not wait.

import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type EndSignal = (typeof SIGNALS)[number];

export type End = { readonly kind: 'signal'; readonly signal: EndSignal } | { readonly kind: 'quit' };

export class Interruption {
  readonly #ended: Promise<End>;
  #resolve: (end: End) => void = () => undefined;
  #isEnding = false;

  /** Takes the process's signals from now on. */
  constructor() {
    this.#ended = new Promise((resolve) => (this.#resolve = resolve));
    for (const signal of SIGNALS) process.on(signal, () => this.end({ kind: 'signal', signal }));
  }

  /** Resolves when the end is asked for. */
  get ended(): Promise<End> {
    return this.#ended;
  }

  end(end: End): void {
    if (this.#isEnding) process.exit(statusOf(end));
    this.#isEnding = true;
    this.#resolve(end);
  }
}

/** What a shell says of a program that the signal ended; 0 for an end that was a user's wish. */
export function statusOf(end: End): number {
  return end.kind === 'quit' ? 0 : 128 + constants.signals[end.signal];
}
