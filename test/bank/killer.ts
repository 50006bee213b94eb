// The nemesis that kills: front-ends end, in order or suddenly, and start again; sessions of the database are terminated.
//
// One deed at a time, so some member is always there. Like the mover it has no timer, but acts on a pulse.

import type { Client } from 'pg';
import type { Draw } from '../sim/draw.js';
import type { Frontend } from '../support/postgres/world.js';
import { connectDirectly } from './arena.js';
import type { Tally } from './tally.js';

const LEAST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 2_500;
/** A client may notice so late that its member died: it probes a silent member for some time. */
const LATE_NOTICE_MS = 30_000;

const DEEDS = ['SIGTERM', 'SIGKILL', 'terminate', 'terminate'] as const;

export interface KillerOptions {
  readonly frontends: readonly Frontend[];
  readonly databaseUrl: string;
  readonly application: string;
  readonly draw: Draw;
  readonly tally: Tally;
}

export class Killer {
  readonly #options: KillerOptions;
  readonly #database: Client;
  readonly #killedAtMs = new Map<number, number[]>();
  #dueAtMs = performance.now() + LONGEST_PAUSE_MS;
  #deed: Promise<void> | undefined;
  #failure: Error | undefined;

  static async start(options: KillerOptions): Promise<Killer> {
    return new Killer(options, await connectDirectly(options.databaseUrl));
  }

  private constructor(options: KillerOptions, database: Client) {
    this.#options = options;
    this.#database = database;
  }

  pulse(): void {
    if (this.#deed !== undefined || performance.now() < this.#dueAtMs || this.#failure !== undefined) return;
    this.#deed = this.#act()
      .catch((error: unknown) => (this.#failure = error instanceof Error ? error : new Error(String(error))))
      .then(() => {
        this.#deed = undefined;
        this.#dueAtMs = performance.now() + this.#options.draw.between(LEAST_PAUSE_MS, LONGEST_PAUSE_MS);
      });
  }

  /** Ends when all front-ends run again. Rejects if one of them did not come back. */
  async settle(): Promise<void> {
    this.#dueAtMs = Infinity;
    await this.#deed;
    await this.#database.end();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Whether a connection that was lost at that time on that member can have been lost by its sudden death. */
  hasKilled(member: number, atMs: number): boolean {
    return (this.#killedAtMs.get(member) ?? []).some(
      (killedAt) => killedAt <= atMs && atMs - killedAt < LATE_NOTICE_MS,
    );
  }

  async #act(): Promise<void> {
    const { draw, frontends, tally } = this.#options;
    const deed = frontends.length === 0 ? 'terminate' : draw.pick(DEEDS);
    if (deed === 'terminate') return await this.#terminate();
    const frontend = draw.pick(frontends);
    if (deed === 'SIGKILL') {
      this.#killedAtMs.set(frontend.id, [...(this.#killedAtMs.get(frontend.id) ?? []), performance.now()]);
    }
    tally.count('deeds', `front-end ended by ${deed}`);
    await frontend.stop(deed);
    await frontend.start();
  }

  async #terminate(): Promise<void> {
    const { draw, tally, application } = this.#options;
    const text = 'SELECT pid FROM pg_stat_activity WHERE application_name = $1 ORDER BY pid';
    const { rows } = await this.#database.query<{ pid: number }>(text, [application]);
    if (rows.length === 0) return;
    await this.#database.query('SELECT pg_terminate_backend($1)', [draw.pick(rows).pid]);
    tally.count('deeds', 'database session terminated');
  }
}
