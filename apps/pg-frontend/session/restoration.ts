// From a session as it was to a new session at the database that a client can't tell from it.

import { ask, readSetUp, run } from '../database/ask.js';
import type { Backend } from '../database/database.js';
import { quoteIdentifier, quoteLiteral, readParse, SYNC } from '../wire/frontend-messages.js';
import type { Arrival, HandOverChannel } from './hand-over.js';
import type { SessionRecord } from './session-record.js';
import type { StatementBook } from './statement-book.js';

/** How a session listens that can move: `notifications.ts`. */
export interface Listening {
  /** Its own, besides the client's. */
  readonly channel: HandOverChannel;
  /** What the session before it is told; undefined where there is none. */
  readonly arrival: Arrival | undefined;
}

/**
 * Parameters, roles, prepared statements, channels. A statement that can't be prepared any more (its table is gone) is left
 * out: the client is told so when it uses it. Answers what could not be restored. Rejects with `BackendLost`.
 */
export async function restore(
  backend: Backend,
  book: StatementBook,
  record: SessionRecord,
  unnamed: Buffer,
  listening: Listening | undefined,
): Promise<string | undefined> {
  const { parameters, authorization, role, statements, sqlStatements, channels } = record;
  const identity = [
    ...(authorization === undefined ? [] : [`SET SESSION AUTHORIZATION ${quoteIdentifier(authorization)}`]),
    ...(role === undefined ? [] : [`SET ROLE ${quoteIdentifier(role)}`]),
  ];
  const settings = Object.entries(parameters).map(
    ([name, value]) => `pg_catalog.set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, false)`,
  );
  const setUp = [...(settings.length === 0 ? [] : [`SELECT ${settings.join(', ')}`]), ...identity];
  if (setUp.length > 0) {
    const { error } = await run(backend, setUp.join('; '));
    if (error !== undefined) return error.M ?? 'a parameter could not be set';
  }
  for (const text of sqlStatements) await run(backend, text);
  await prepare(backend, book, [...statements, ...(unnamed.length === 0 ? [] : [unnamed])]);
  if (channels.length === 0) return undefined;
  return listen(backend, channels, listening);
}

/** The marker comes behind the LISTEN, so whatever is notified behind it is heard here. */
async function listen(
  backend: Backend,
  channels: readonly string[],
  listening: Listening | undefined,
): Promise<string | undefined> {
  const own = listening === undefined ? [] : [listening.channel.name];
  const texts = [...channels, ...own].map((channel) => `LISTEN ${quoteIdentifier(channel)}`);
  const { error } = await run(backend, texts.join('; '));
  if (error !== undefined || listening?.arrival === undefined) return error?.M;
  const announced = await run(backend, listening.channel.arrivalStatement(listening.arrival));
  return announced.error?.M;
}

/** All at once; each with a Sync of its own, so that one that fails leaves the others alone. */
async function prepare(backend: Backend, book: StatementBook, parses: readonly Buffer[]): Promise<void> {
  if (parses.length === 0) return;
  backend.write(Buffer.concat(parses.flatMap((parse) => [parse, SYNC])));
  for (const parse of parses) {
    const { error } = await readSetUp(backend);
    const read = readParse(parse);
    if (error === undefined && read !== undefined) {
      book.add(read.name, { parse, query: book.classify(read.text) });
    }
  }
  book.takeChange(); // nothing has changed for the client
}

/** Whether a process of the database, known by its identity, is still in a transaction. Rejects with `BackendLost`. */
export async function isInTransaction(backend: Backend, identity: string): Promise<boolean> {
  const { rows } = await ask(backend, `SELECT 1 ${inTransaction(identity)}`);
  return rows.length > 0;
}

/** Ends that process. Rejects with `BackendLost`. */
export async function terminate(backend: Backend, identity: string): Promise<void> {
  await ask(backend, `SELECT pg_catalog.pg_terminate_backend(pid) ${inTransaction(identity)}`);
}

function inTransaction(identity: string): string {
  const [processId = '0', start = '0'] = identity.split('/');
  return `FROM pg_catalog.pg_stat_get_activity(${Number(processId)})
    WHERE extract(epoch FROM backend_start) = ${Number(start).toFixed(6)} AND xact_start IS NOT NULL`;
}
