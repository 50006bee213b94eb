// What a session is, between its transactions: all that a new session at the database has to be given to take its place.
//
// It changes seldom, so it is kept as the bytes that travel, and written anew only when it has changed.

import { LIMITS } from '../limits.js';

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
  /** Named Parse messages: those from before the open transaction, which are there when it is run again. */
  statements: readonly Buffer[];
  /** Those of now, where the open transaction has changed them: they survive it, however it ends. */
  laterStatements: readonly Buffer[] | undefined;
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
    laterStatements: undefined,
    sqlStatements: [],
    channels: [],
    reported: {},
  };
}

/** Undefined where it is too much to travel. */
export function encodeSession(record: SessionRecord): Buffer | undefined {
  const { cancelKey, statements, laterStatements = [] } = record;
  const count = Math.max(statements.length, laterStatements.length) + record.sqlStatements.length;
  if (count > LIMITS.preparedStatementCount) return undefined;
  const text = JSON.stringify({
    ...record,
    cancelKey: { processId: cancelKey.processId, key: cancelKey.key.toString('base64') },
    statements: encodeAll(statements),
    ...(record.laterStatements !== undefined && { laterStatements: encodeAll(laterStatements) }),
  });
  const bytes = Buffer.from(text);
  return bytes.length > LIMITS.sessionLength ? undefined : bytes;
}

/** Of what `encodeSession` has written, at this member or at another. */
export function decodeSession(bytes: Buffer): SessionRecord {
  const record = JSON.parse(bytes.toString()) as Omit<SessionRecord, 'cancelKey' | 'statements' | 'laterStatements'> & {
    readonly cancelKey: { readonly processId: number; readonly key: string };
    readonly statements: readonly string[];
    readonly laterStatements?: readonly string[];
  };
  return {
    ...record,
    authorization: record.authorization,
    role: record.role,
    cancelKey: { processId: record.cancelKey.processId, key: Buffer.from(record.cancelKey.key, 'base64') },
    statements: decodeAll(record.statements),
    laterStatements: record.laterStatements && decodeAll(record.laterStatements),
  };
}

function encodeAll(parses: readonly Buffer[]): string[] {
  return parses.map((parse) => parse.toString('base64'));
}

function decodeAll(texts: readonly string[]): Buffer[] {
  return texts.map((text) => Buffer.from(text, 'base64'));
}
