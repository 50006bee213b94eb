// What a session is, between its transactions: all that a new session at the database has to be given to take its place.
//
// It changes seldom, so it is kept as the bytes that travel, and written anew only when it has changed.

import { LIMITS } from '../limits.js';
import type { QueryClass } from '../sql/classify.js';

/** As whom, and how, a client has logged in. */
export interface Login {
  readonly user: string;
  readonly database: string;
  /** Of the startup packet: application_name, client_encoding, options, ... */
  readonly parameters: Readonly<Record<string, string>>;
}

/** What cancels the session's queries, wherever it is. */
export interface CancelKey {
  readonly processId: number;
  readonly key: Buffer;
}

export interface SessionRecord {
  readonly login: Login;
  readonly cancelKey: CancelKey;
  /** Parameters that the client has set, by SET or set_config. */
  parameters: Readonly<Record<string, string>>;
  /** Of SET SESSION AUTHORIZATION and SET ROLE; undefined: as logged in. */
  authorization: string | undefined;
  role: string | undefined;
  /** Named Parse messages. */
  statements: readonly Buffer[];
  /** Texts of SQL's PREPARE. */
  sqlStatements: readonly string[];
  /** Of LISTEN. */
  channels: readonly string[];
  /** What the client has been told by ParameterStatus. */
  reported: Readonly<Record<string, string>>;
}

export function newSession(login: Login, cancelKey: CancelKey): SessionRecord {
  return {
    login,
    cancelKey,
    parameters: {},
    authorization: undefined,
    role: undefined,
    statements: [],
    sqlStatements: [],
    channels: [],
    reported: {},
  };
}

/** Undefined where it is too much to travel. */
export function encodeSession(record: SessionRecord): Buffer | undefined {
  if (record.statements.length + record.sqlStatements.length > LIMITS.preparedStatementCount) return undefined;
  const { cancelKey, statements } = record;
  const text = JSON.stringify({
    ...record,
    cancelKey: { processId: cancelKey.processId, key: cancelKey.key.toString('base64') },
    statements: statements.map((parse) => parse.toString('base64')),
  });
  const bytes = Buffer.from(text);
  return bytes.length > LIMITS.sessionLength ? undefined : bytes;
}

/** Of what `encodeSession` has written, at this member or at another. */
export function decodeSession(bytes: Buffer): SessionRecord {
  const record = JSON.parse(bytes.toString()) as Omit<SessionRecord, 'cancelKey' | 'statements'> & {
    readonly cancelKey: { readonly processId: number; readonly key: string };
    readonly statements: readonly string[];
  };
  return {
    ...record,
    authorization: record.authorization,
    role: record.role,
    cancelKey: { processId: record.cancelKey.processId, key: Buffer.from(record.cancelKey.key, 'base64') },
    statements: record.statements.map((parse) => Buffer.from(parse, 'base64')),
  };
}

/** Whether a class of statement, or a tag, may have changed what a session is. */
export function touchesSession({ touches }: Pick<QueryClass, 'touches'>): boolean {
  return touches.size > 0;
}
