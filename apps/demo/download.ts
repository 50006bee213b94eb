// The download: a real curl, whose output is hashed, counted, and watched for gaps as it comes.

import { createHash } from 'node:crypto';
import { DemoFailed, UsageError } from './failure.js';
import { durationOf, touches, type Interval } from './interval.js';
import type { Programs, RunningProgram } from './programs.js';

/** Shorter gaps are not kept: there are thousands. */
const NOTABLE_GAP_MS = 0.1;

/** Rejects with `UsageError` where there is no curl. */
export async function checkCurl(programs: Programs): Promise<void> {
  const { stdout, ended } = programs.run('curl', ['--version']);
  stdout.resume();
  if ((await ended).status === 'ENOENT') throw new UsageError('curl is not installed, and the demo downloads with it');
}

export class Download {
  /** The SHA-256 of what came, in hexadecimal. Rejects with `DemoFailed` where curl was not content. */
  readonly finished: Promise<string>;
  readonly #curl: RunningProgram;
  readonly #hash = createHash('sha256');
  readonly #gaps: Interval[] = [];
  readonly #startedMs = performance.now();
  #receivedLength = 0;
  #lastMs = 0;
  #watchers: { readonly length: number; readonly resolve: () => void }[] = [];

  /** `paceLength`: bytes per second at which curl's output is read, if it is not to be read as it comes. */
  constructor(programs: Programs, url: string, paceLength: number | undefined) {
    // Neither a configuration file nor a proxy is part of the show.
    const quiet = ['--disable', '--silent', '--show-error', '--fail', '--no-buffer', '--noproxy', '*'];
    this.#curl = programs.run('curl', [...quiet, url]);
    const { stdout } = this.#curl;
    stdout.on('data', (chunk: Buffer) => {
      this.#take(chunk);
      if (paceLength === undefined) return;
      stdout.pause();
      const dueMs = this.#startedMs + (this.#receivedLength / paceLength) * 1000;
      setTimeout(() => stdout.resume(), dueMs - performance.now());
    });
    this.finished = this.#curl.ended.then(({ status, complaint }) => {
      if (status !== 0) throw new DemoFailed(complaint === '' ? `curl ended with status ${status}` : complaint);
      return this.#hash.digest('hex');
    });
    this.finished.catch(() => undefined);
  }

  get receivedLength(): number {
    return this.#receivedLength;
  }

  /** Since the start, until the last byte so far. */
  get elapsedMs(): number {
    return Math.max(this.#lastMs - this.#startedMs, 0);
  }

  /** Resolves when so many bytes have come, or nothing more will. */
  reached(length: number): Promise<void> {
    if (this.#receivedLength >= length) return Promise.resolve();
    const ended = this.#curl.ended.then(() => undefined);
    return Promise.race([ended, new Promise<void>((resolve) => this.#watchers.push({ length, resolve }))]);
  }

  /** The longest time without a byte that touches the interval, ms; 0 where all were too short to be kept. */
  longestGap(interval: Interval): number {
    const touching = this.#gaps.filter((gap) => touches(gap, interval));
    return Math.max(0, ...touching.map(durationOf));
  }

  longestGapOutside(intervals: readonly Interval[]): number {
    return Math.max(0, ...this.#gaps.filter((gap) => !intervals.some((some) => touches(gap, some))).map(durationOf));
  }

  #take(chunk: Buffer): void {
    const now = performance.now();
    if (this.#lastMs > 0 && now - this.#lastMs >= NOTABLE_GAP_MS)
      this.#gaps.push({ fromMs: this.#lastMs, untilMs: now });
    this.#hash.update(chunk);
    this.#receivedLength += chunk.length;
    // After the hash: what it costs is not the network's doing.
    this.#lastMs = performance.now();
    if (this.#watchers.length === 0) return;
    const due = this.#watchers.filter(({ length }) => length <= this.#receivedLength);
    this.#watchers = this.#watchers.filter(({ length }) => length > this.#receivedLength);
    for (const { resolve } of due) resolve();
  }
}
