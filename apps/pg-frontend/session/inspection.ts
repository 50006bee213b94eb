// What a session has become at the database, asked of the database itself, between two transactions.
//
// Asked only where a statement's text or tag says that something may have changed: it takes about a millisecond, most of it for
// pg_settings. No name is looked up in the client's search_path. Texts are bytes, in the client's encoding (latin1).

import { ask } from '../database/ask.js';
import type { Backend } from '../database/database.js';
import type { StandardConformingStrings } from '../sql/lexer.js';
import { preparingStatement } from '../sql/prepared-text.js';
import { quoteLiteral } from '../wire/frontend-messages.js';
import type { Pin } from './session-fields.js';

/** Objects in the session's temporary schema depend on it, but for the schemas that initdb has made. */
const TEMPORARY = `CASE WHEN pg_catalog.pg_my_temp_schema() OPERATOR(pg_catalog.=) 0 THEN false
  WHEN pg_catalog.pg_my_temp_schema() OPERATOR(pg_catalog.>=) 16384 THEN EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d WHERE d.refclassid OPERATOR(pg_catalog.=) 2615
      AND d.refobjid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema())
  ELSE EXISTS (
    SELECT FROM pg_catalog.pg_class AS c WHERE c.relnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()
    UNION ALL SELECT FROM pg_catalog.pg_proc AS p WHERE p.pronamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()
    UNION ALL SELECT FROM pg_catalog.pg_type AS t WHERE t.typnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema())
  END`;

/** The parameters of a transaction have the source 'session' too. */
const PARAMETERS = `(SELECT pg_catalog.json_object_agg(s.name, s.setting) FROM pg_catalog.pg_settings AS s
  WHERE s.source OPERATOR(pg_catalog.=) 'session' AND s.name OPERATOR(pg_catalog.<>) ALL (
    '{transaction_isolation,transaction_read_only,transaction_deferrable}'::pg_catalog.text[]))`;

const PREPARED = `(SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
  p.name, CASE WHEN p.from_sql THEN p.statement END)) FROM pg_catalog.pg_prepared_statements AS p)`;

const REST = `pg_catalog.current_setting('role'),
  pg_catalog.current_setting('session_authorization'),
  EXISTS (SELECT FROM pg_catalog.pg_locks AS l WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory'
    AND l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()),
  EXISTS (SELECT FROM pg_catalog.pg_cursors AS c WHERE c.is_holdable),
  (SELECT pg_catalog.json_agg(c) FROM pg_catalog.pg_listening_channels() AS c)`;

export interface Inspection {
  readonly parameters: Readonly<Record<string, string>>;
  readonly role: string | undefined;
  readonly authorization: string;
  readonly pins: readonly Pin[];
  /** Texts that prepare again what SQL's PREPARE has prepared. */
  readonly sqlStatements: readonly string[];
  /** Names of statements of the extended protocol. */
  readonly protocolStatements: ReadonlySet<string>;
  readonly channels: readonly string[];
}

/**
 * `customNames`: parameters that no catalog lists and that a text has named. Undefined where the database would not say.
 * Rejects with `BackendLost`.
 */
export async function inspect(backend: Backend, customNames: Iterable<string>): Promise<Inspection | undefined> {
  const custom = [...customNames].map((name) => `(SELECT pg_catalog.current_setting(${quoteLiteral(name)}, true))`);
  const columns = [PARAMETERS, TEMPORARY, PREPARED, REST, ...custom];
  const { rows, error } = await ask(backend, `SELECT ${columns.join(', ')}`);
  const [row] = rows;
  if (error !== undefined || row === undefined) return undefined;
  const [parameters, hasTemporary, prepared, role, authorization, hasLocks, hasCursors, channels, ...values] = row;
  const pins: Pin[] = [];
  if (hasTemporary === 't') pins.push('temporary-objects');
  if (hasLocks === 't') pins.push('advisory-locks');
  if (hasCursors === 't') pins.push('held-cursors');
  const statements = (parse(prepared) ?? []) as (readonly [string, string | null])[];
  const strings = backend.reported.get('standard_conforming_strings') === 'off' ? 'off' : 'on';
  const sqlStatements = preparing(statements, strings);
  if (sqlStatements === undefined) pins.push('unclear-statements');
  return {
    parameters: { ...((parse(parameters) ?? {}) as Record<string, string>), ...named(customNames, values) },
    role: role === 'none' || role === null ? undefined : role,
    authorization: authorization ?? '',
    pins,
    sqlStatements: sqlStatements ?? [],
    protocolStatements: new Set(statements.flatMap(([name, text]) => (text === null ? [name] : []))),
    channels: (parse(channels) ?? []) as string[],
  };
}

function named(names: Iterable<string>, values: readonly (string | null)[]): Record<string, string> {
  return Object.fromEntries(
    [...names].flatMap((name, index) => {
      const value = values[index];
      return value === null || value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Undefined where one can't be found in the text that the database keeps for it. */
function preparing(
  statements: readonly (readonly [string, string | null])[],
  strings: StandardConformingStrings,
): string[] | undefined {
  const texts = statements.flatMap(([name, text]) => (text === null ? [] : [preparingStatement(text, name, strings)]));
  return texts.includes(undefined) ? undefined : (texts as string[]);
}

function parse(json: string | null | undefined): unknown {
  return json === null || json === undefined ? undefined : JSON.parse(json);
}
