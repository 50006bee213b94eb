// The bank's tables, and what is in them when all is over.

import type { Client } from 'pg';
import type { Isolation } from './ledger.js';

/** So little that some transfers find too little money. */
export const INITIAL_BALANCE = 200;

export interface TransferRow {
  readonly id: number;
  readonly source: number;
  readonly target: number;
  readonly amount: number;
  readonly teller: number;
  /** The level that the transaction really had, as the server says. */
  readonly isolation: Isolation;
}

/** All that the database knows. */
export interface Books {
  readonly rows: readonly TransferRow[];
  readonly balances: ReadonlyMap<number, number>;
  /** Transactions that were prepared and neither committed nor rolled back. */
  readonly preparedCount: number;
}

/** `database` is a session straight to the server. */
export async function openBank(database: Client, accountCount: number): Promise<void> {
  await database.query(`
    DROP TABLE IF EXISTS accounts, transfers;
    CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL CHECK (balance >= 0));
    CREATE TABLE transfers (id int PRIMARY KEY, source int NOT NULL, target int NOT NULL, amount int NOT NULL,
      teller int NOT NULL, isolation text NOT NULL DEFAULT current_setting('transaction_isolation'));
    INSERT INTO accounts SELECT id, ${INITIAL_BALANCE} FROM generate_series(1, ${accountCount}) AS id;
    ANALYZE accounts;
  `);
}

/**
 * Waits until the last session of that application has gone, or is kept for the next client: nothing can be added to the
 * books any more.
 */
export async function waitUntilQuiet(database: Client, application: string): Promise<void> {
  const text = `SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = $1
    AND NOT (state = 'idle' AND query = 'DISCARD ALL') AND pg_sleep(0.05) IS NOT NULL`;
  for (;;) {
    const { rows } = await database.query<{ count: number }>(text, [application]);
    if (rows[0]?.count === 0) return;
  }
}

export async function readBooks(database: Client): Promise<Books> {
  const transfers = await database.query<TransferRow>('SELECT * FROM transfers ORDER BY id');
  const accounts = await database.query<{ id: number; balance: number }>('SELECT * FROM accounts');
  const prepared = await database.query('SELECT 1 FROM pg_prepared_xacts');
  return {
    rows: transfers.rows,
    balances: new Map(accounts.rows.map(({ id, balance }) => [id, balance])),
    preparedCount: prepared.rows.length,
  };
}
