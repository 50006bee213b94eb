// What a session has become at the database, asked of the database itself, between two transactions.
//
// Asked only where a statement's text or tag says that something may have changed: it takes about a millisecond.

import { ask } from '../database/ask.js';
import type { Backend } from '../database/database.js';
import type { Pin } from './session-fields.js';

const INSPECTION = `SELECT
  (SELECT pg_catalog.json_object_agg(name, setting) FROM pg_catalog.pg_settings WHERE source = 'session'),
  pg_catalog.current_setting('role'),
  session_user,
  EXISTS (SELECT FROM pg_catalog.pg_class WHERE relnamespace = pg_catalog.pg_my_temp_schema())
    OR EXISTS (SELECT FROM pg_catalog.pg_proc WHERE pronamespace = pg_catalog.pg_my_temp_schema())
    OR EXISTS (SELECT FROM pg_catalog.pg_type WHERE typnamespace = pg_catalog.pg_my_temp_schema()),
  EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND pid = pg_catalog.pg_backend_pid()),
  EXISTS (SELECT FROM pg_catalog.pg_cursors WHERE is_holdable),
  (SELECT pg_catalog.json_agg(statement) FROM pg_catalog.pg_prepared_statements WHERE from_sql),
  (SELECT pg_catalog.json_agg(channel) FROM pg_catalog.pg_listening_channels() AS channel)`;

export interface Inspection {
  readonly parameters: Readonly<Record<string, string>>;
  readonly role: string | undefined;
  readonly sessionUser: string;
  readonly pins: readonly Pin[];
  readonly sqlStatements: readonly string[];
  readonly channels: readonly string[];
}

/** Undefined where the database would not say. Rejects with `BackendLost`. */
export async function inspect(backend: Backend): Promise<Inspection | undefined> {
  const { rows, error } = await ask(backend, INSPECTION);
  const [row] = rows;
  if (error !== undefined || row === undefined) return undefined;
  const [parameters, role, sessionUser, hasTemporary, hasLocks, hasCursors, sqlStatements, channels] = row;
  const pins: Pin[] = [];
  if (hasTemporary === 't') pins.push('temporary-objects');
  if (hasLocks === 't') pins.push('advisory-locks');
  if (hasCursors === 't') pins.push('held-cursors');
  return {
    parameters: (parse(parameters) ?? {}) as Record<string, string>,
    role: role === 'none' || role === null ? undefined : role,
    sessionUser: sessionUser ?? '',
    pins,
    sqlStatements: (parse(sqlStatements) ?? []) as string[],
    channels: (parse(channels) ?? []) as string[],
  };
}

function parse(json: string | null | undefined): unknown {
  return json === null || json === undefined ? undefined : JSON.parse(json);
}
