// pgbench: the load that comes with PostgreSQL, and what it says of itself.

import { text } from 'node:stream/consumers';
import type { Programs } from '@migratory/demo/internal/programs.js';

/** A branch, 10 tellers and 100,000 accounts each: more branches than clients, which would else wait for each other's rows. */
const SCALE = 10;
const CLIENT_COUNT = 8;
/** As many as there are cores, which everything else shares with them. */
const THREAD_COUNT = 2;
/** For each client: some thirty thousand statements in all, until what runs most has been compiled. */
const WARM_UP_TRANSACTION_COUNT = 500;

/** Where pgbench connects to. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/** What a client does again and again, and how it asks. */
export interface Load {
  readonly name: string;
  readonly args: readonly string[];
}

export interface LoadResult {
  readonly transactionsPerSecond: number;
  /** Of one transaction, the mean. */
  readonly latencyMs: number;
}

export class Pgbench {
  readonly #programs: Programs;
  readonly #path: string;

  constructor(programs: Programs, path: string) {
    this.#programs = programs;
    this.#path = path;
  }

  /** Makes its tables in the database at this place. */
  async initialise(place: Place): Promise<void> {
    await this.#run(place, ['--initialize', '--quiet', '--scale', String(SCALE)]);
  }

  async warmUp(place: Place, load: Load): Promise<void> {
    await this.#load(place, load, ['--transactions', String(WARM_UP_TRANSACTION_COUNT)]);
  }

  async run(place: Place, load: Load, durationSeconds: number): Promise<LoadResult> {
    const said = await this.#load(place, load, ['--time', String(durationSeconds)]);
    return {
      transactionsPerSecond: numberIn(said, /^tps = ([\d.]+)/m),
      latencyMs: numberIn(said, /^latency average = ([\d.]+) ms$/m),
    };
  }

  #load(place: Place, load: Load, length: readonly string[]): Promise<string> {
    const size = ['--client', String(CLIENT_COUNT), '--jobs', String(THREAD_COUNT)];
    return this.#run(place, ['--no-vacuum', ...size, ...length, ...load.args]);
  }

  async #run({ host, port }: Place, args: readonly string[]): Promise<string> {
    const where = ['--host', host, '--port', String(port), '--username', 'postgres'];
    const { stdout, ended } = this.#programs.run(this.#path, [...where, ...args, 'postgres']);
    const [said, { status, complaint }] = await Promise.all([text(stdout), ended]);
    if (status !== 0) throw new Error(`pgbench ended with ${status}: ${complaint}`);
    return said;
  }
}

function numberIn(said: string, pattern: RegExp): number {
  const found = pattern.exec(said)?.[1];
  if (found === undefined) throw new Error(`pgbench said something else than expected: ${said.trim()}`);
  return Number(found);
}
