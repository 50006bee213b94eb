// The front-end's own session at the database: over it the members tell each other which queries are to be cancelled.
//
// It may come and go; what is announced while it is away is lost, as a request to cancel may be with PostgreSQL itself.

import pg from 'pg';
import { LIMITS } from '../limits.js';
import type { DatabaseAccess } from './backend-adapter.js';
import { DatabaseRefused } from './database.js';

const CHANNEL = 'migratory_cancel';
const RETRY_MS = 1000;

export class ControlSession {
  readonly #access: DatabaseAccess;
  readonly #heard: (announcement: string) => void;
  #client: pg.Client | undefined;
  #retry: NodeJS.Timeout | undefined;
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

  announce(announcement: string): void {
    this.#client?.query('SELECT pg_catalog.pg_notify($1, $2)', [CHANNEL, announcement]).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    clearTimeout(this.#retry);
    await this.#client?.end().catch(() => undefined);
  }
}
