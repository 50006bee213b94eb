// The database behind the service: one of the demo's own, or a server that runs already; the bank's tables in either.

import { Client } from 'pg';
import { DatabaseStartFailed, startEmbeddedDatabase, type EmbeddedDatabase } from '../embedded-database.js';
import { DemoFailed } from '../failure.js';
import type { Programs } from '../programs.js';
import { createTables, dropTables } from './tables.js';

/** As whom, and where, clients log in. */
interface Place {
  readonly url: string;
  /** For people. */
  readonly address: string;
  readonly user: string;
  readonly database: string;
}

export type BankDatabase =
  ({ readonly kind: 'own'; readonly processId: number } & Place) | ({ readonly kind: 'given' } & Place);

/** With its tables; both go when the programs are closed. Rejects with `UsageError` or `DemoFailed`. */
export async function openDatabase(programs: Programs, givenUrl: string | undefined): Promise<BankDatabase> {
  if (givenUrl !== undefined) {
    const created = createTables(givenUrl);
    programs.onClose(() =>
      created.then(
        () => dropTables(givenUrl),
        () => undefined,
      ),
    );
    await created;
    return { kind: 'given', ...placeOf(givenUrl) };
  }
  const { url, processId } = await startOwn(programs);
  await createTables(url);
  return { kind: 'own', processId, ...placeOf(url) };
}

async function startOwn(programs: Programs): Promise<EmbeddedDatabase> {
  const calledOff = new AbortController();
  const started = startEmbeddedDatabase({ signal: calledOff.signal });
  programs.onClose(async () => {
    calledOff.abort();
    await started.then(
      (database) => database.stop(),
      () => undefined,
    );
  });
  return started.catch((error: unknown) => {
    throw error instanceof DatabaseStartFailed ? new DemoFailed(error.message) : error;
  });
}

/** What the URL leaves out is completed as the driver does it. */
function placeOf(url: string): Place {
  const { host, port, user = 'postgres', database = user } = new Client({ connectionString: url });
  return { url, address: `TCP ${host}:${port}`, user, database };
}
