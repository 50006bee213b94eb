// Moves all sessions of a gateway again and again, and counts how the moves ended.

import { setTimeout as later } from 'node:timers/promises';
import type { Gateway } from '@migratory/gateway/gateway';

const SECOND_MS = 1000;

export type MoveCounts = Readonly<Record<string, number>>;

export class Mover {
  readonly #gateway: Gateway;
  readonly #pauseMs: number;
  readonly #counts: Record<string, number> = {};
  #running: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;

  constructor(gateway: Gateway, movesPerSecond: number) {
    this.#gateway = gateway;
    this.#pauseMs = SECOND_MS / movesPerSecond;
  }

  /** All sessions, once. */
  async moveAll(): Promise<void> {
    await this.#gateway.move(undefined, undefined, (answer) => {
      const why =
        answer.kind === 'stayed'
          ? `stayed: ${answer.report.refusals.map(({ reason }) => reason).join(', ')}`
          : answer.kind === 'impossible'
            ? `impossible: ${answer.cause}`
            : answer.kind;
      this.#counts[why] = (this.#counts[why] ?? 0) + 1;
    });
  }

  start(): void {
    if (this.#running !== undefined) return;
    const stop = new AbortController();
    this.#running = { stop, ended: this.#goOn(stop.signal) };
  }

  /** Resolves when the last move has ended, with how all of them ended since the mover was made. */
  async stop(): Promise<MoveCounts> {
    this.#running?.stop.abort();
    await this.#running?.ended;
    this.#running = undefined;
    return this.#counts;
  }

  async #goOn(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const began = performance.now();
      await this.moveAll();
      // At least as long as the moves took: a move that is refused as busy has waited for a lock, and meanwhile nothing flowed.
      const tookMs = performance.now() - began;
      const pauseMs = Math.max(this.#pauseMs - tookMs, tookMs);
      await later(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
