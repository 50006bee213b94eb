// The front-end's own session at the database: over it the members tell each other which queries are to be cancelled.
//
// It may come and go; what is announced while it is away is lost, as a request to cancel may be with PostgreSQL itself.

import pg from 'pg';
import { LIMITS } from '../limits.js';
import type { DatabaseAccess } from './backend-adapter.js';
import { PREPARED_PREFIX } from '../session/two-phase.js';
import { quoteLiteral } from '../wire/frontend-messages.js';
import { DatabaseRefused } from './database.js';

const CHANNEL = 'migratory_cancel';
const RETRY_MS = 1000;

export class ControlSession {
  readonly #access: DatabaseAccess;
  readonly #heard: (announcement: string) => void;
  #client: pg.Client | undefined;
  #retry: NodeJS.Timeout | undefined;
  #tidying: NodeJS.Timeout | undefined;
  #state: 'open' | 'closed' = 'open';

  constructor(access: DatabaseAccess, heard: (announcement: string) => void) {
    this.#access = access;
    this.#heard = heard;
  }

  /** Rejects where the database can't be reached, or does not let us in. Afterwards it looks after itself. */
  async open(): Promise<void> {
    const { address, user, password, database } = this.#access;
    const client = new pg.Client({
      ...address,
      user,
      database,
      ...(password !== undefined && { password }),
      application_name: 'migratory-pg-frontend',
      connectionTimeoutMillis: LIMITS.backendConnectMs,
    });
    client.on('error', () => this.#reopen(client));
    client.on('end', () => this.#reopen(client));
    client.on('notification', ({ channel, payload = '' }) => {
      if (channel === CHANNEL) this.#heard(payload);
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
    } catch (error) {
      client.end().catch(() => undefined);
      const code = error instanceof pg.DatabaseError ? (error.code ?? '08001') : '08001';
      const message = error instanceof Error ? error.message || String(error) : String(error);
      throw new DatabaseRefused({ severity: 'FATAL', code, message });
    }
    this.#client = client;
  }

  #reopen(client: pg.Client): void {
    if (this.#client !== client || this.#state === 'closed') return;
    this.#client = undefined;
    this.#tryLater();
  }

  #tryLater(): void {
    this.#retry = setTimeout(() => {
      this.open().catch(() => this.#tryLater());
    }, RETRY_MS).unref();
  }

  /**
   * From now on prepared transactions that nobody has come back for are rolled back: their sessions are lost. Rejects with
   * `DatabaseRefused` where the database can't prepare any.
   */
  async tidyPrepared(told: (names: readonly string[]) => void): Promise<void> {
    const client = this.#client;
    const { rows } = (await client?.query<{ count: number }>(
      "SELECT pg_catalog.current_setting('max_prepared_transactions')::pg_catalog.int4 AS count",
    )) ?? { rows: [] };
    if (rows[0]?.count === 0) {
      const message =
        '--commit two-phase needs max_prepared_transactions to be more than 0 at the database: set it, restart the database';
      throw new DatabaseRefused({ severity: 'FATAL', code: '55000', message });
    }
    const look = async (): Promise<void> => {
      const names = await this.rollBackOrphans(LIMITS.orphanAgeMs).catch(() => []);
      if (names.length > 0) told(names);
    };
    this.#tidying = setInterval(() => void look(), LIMITS.orphanCheckMs).unref();
    await look();
  }

  /** Answers the names of those that were rolled back. A session that is alive after all asks what became of its own. */
  async rollBackOrphans(ageMs: number): Promise<string[]> {
    const found = await this.#client?.query<{ gid: string }>(
      `SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE database = pg_catalog.current_database()
        AND pg_catalog.starts_with(gid, $1) AND prepared < pg_catalog.now() - $2 * interval '1 ms'`,
      [PREPARED_PREFIX, ageMs],
    );
    const names: string[] = [];
    for (const { gid } of found?.rows ?? []) {
      const done = this.#client?.query(`ROLLBACK PREPARED ${quoteLiteral(gid)}`).then(() => names.push(gid));
      await done?.catch(() => undefined); // somebody else's, or just gone
    }
    return names;
  }

  announce(announcement: string): void {
    this.#client?.query('SELECT pg_catalog.pg_notify($1, $2)', [CHANNEL, announcement]).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    clearTimeout(this.#retry);
    clearInterval(this.#tidying);
    await this.#client?.end().catch(() => undefined);
  }
}
