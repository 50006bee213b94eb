// A database for one way: new and empty, and of the same name each time, so that nothing is left of the way before.

import pg from 'pg';
import type { EmbeddedDatabase } from '@migratory/demo/internal/embedded-database.js';

export const FRESH_DATABASE = 'clients';

/** On the direct way, whoever is still connected to the one before. */
export async function renewDatabase({ url }: EmbeddedDatabase): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(`DROP DATABASE IF EXISTS ${FRESH_DATABASE} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${FRESH_DATABASE}`);
  } finally {
    await client.end();
  }
}
