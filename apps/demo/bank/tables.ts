// The bank's tables, in a schema of their own, made and read directly, not through the service.

import { Client } from 'pg';
import { DemoFailed, UsageError } from '../failure.js';
import { ACCOUNT_COUNT, ANSWER_MS, LOCK_WAIT_MS, OPENING_BALANCE } from './config.js';
import type { Account, Books, Transfer } from './ledger.js';

export const SCHEMA = 'migratory_demo';
const DUPLICATE_SCHEMA = '42P06';

/** No key on the transfers: one that is booked twice has to show, not to fail. */
const CREATE = `
  CREATE SCHEMA ${SCHEMA};
  CREATE TABLE ${SCHEMA}.accounts (id integer PRIMARY KEY, balance bigint NOT NULL);
  CREATE TABLE ${SCHEMA}.transfers (
    id bigint NOT NULL, from_account integer NOT NULL, to_account integer NOT NULL, amount bigint NOT NULL
  );
  INSERT INTO ${SCHEMA}.accounts SELECT id, ${OPENING_BALANCE} FROM generate_series(1, ${ACCOUNT_COUNT}) AS id`;

export function openingAccounts(): Account[] {
  return Array.from({ length: ACCOUNT_COUNT }, (_, index) => ({ id: index + 1, balance: OPENING_BALANCE }));
}

/** The tables with their accounts, all or nothing. Rejects with `UsageError` for a server that can't be used. */
export async function createTables(url: string): Promise<void> {
  await withClient(url, async (client) => {
    try {
      // Several statements in one message are one transaction.
      await client.query(CREATE);
    } catch (error) {
      if (codeOf(error) !== DUPLICATE_SCHEMA) throw error;
      throw new UsageError(`the database has a schema ${SCHEMA} already: drop it, or choose another database`);
    }
  }).catch((error: unknown) => {
    throw error instanceof UsageError ? error : new UsageError(`the database can't be used: ${messageOf(error)}`);
  });
}

export async function readBooks(url: string): Promise<Books> {
  return withClient(url, async (client) => {
    const accounts = await client.query<Row<Account>>(`SELECT id, balance FROM ${SCHEMA}.accounts ORDER BY id`);
    const transfers = await client.query<Row<Transfer>>(
      `SELECT id, from_account AS "from", to_account AS "to", amount FROM ${SCHEMA}.transfers ORDER BY id`,
    );
    return {
      accounts: accounts.rows.map(({ id, balance }) => ({ id: Number(id), balance: Number(balance) })),
      transfers: transfers.rows.map(({ id, from, to, amount }) => ({
        id: Number(id),
        from: Number(from),
        to: Number(to),
        amount: Number(amount),
      })),
    };
  });
}

/** Rejects with `DemoFailed`, which says what is left. */
export async function dropTables(url: string): Promise<void> {
  await withClient(url, async (client) => {
    await client.query(`SET client_min_messages = error; SET lock_timeout = ${LOCK_WAIT_MS}`);
    await client.query(`DROP SCHEMA ${SCHEMA} CASCADE`);
  }).catch((error: unknown) => {
    throw new DemoFailed(`the schema ${SCHEMA} is still there, and could not be dropped: ${messageOf(error)}`);
  });
}

/** The driver gives a bigint as text. */
type Row<Of> = { readonly [Name in keyof Of]: string | number };

async function withClient<Result>(url: string, use: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: ANSWER_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end();
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function messageOf(error: unknown): string {
  // A host with several addresses fails with all their failures, and without a message.
  if (error instanceof AggregateError) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
