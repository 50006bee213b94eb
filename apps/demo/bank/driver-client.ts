// A client that is the `pg` driver in our own process, for machines without psql.

import { Client, DatabaseError, type QueryResult } from 'pg';
import { DemoFailed } from '../failure.js';
import type { Login, Reply, SqlClient } from './client.js';

export class DriverClient implements SqlClient {
  readonly #name: string;
  readonly #client: Client;
  readonly #connected: Promise<unknown>;

  constructor(name: string, login: Login) {
    this.#name = name;
    this.#client = new Client({ ...login, ssl: false });
    // A lost session shows in the statement that meets it.
    this.#client.on('error', () => undefined);
    this.#connected = this.#client.connect();
    this.#connected.catch(() => undefined);
  }

  async execute(statement: string): Promise<Reply> {
    try {
      await this.#connected;
      return { kind: 'done', tag: tagOf(await this.#client.query(statement)) };
    } catch (error) {
      if (error instanceof DatabaseError && error.severity === 'ERROR') {
        return { kind: 'failed', sqlState: error.code ?? '' };
      }
      throw new DemoFailed(`${this.#name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}

/** The driver takes the command tag apart. */
function tagOf({ command, rowCount, oid }: QueryResult): string {
  if (rowCount === null) return command;
  return command === 'INSERT' ? `INSERT ${oid} ${rowCount}` : `${command} ${rowCount}`;
}
