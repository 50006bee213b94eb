// What a server says: the messages that the front-end makes itself, and the little that it has to read of the database's.

import { BACKEND, cString, HEADER_LENGTH, int32, message, readCString, type TransactionStatus } from './message.js';

/** Fields of an ErrorResponse or NoticeResponse by their one-letter codes: S severity, C SQLSTATE, M message, D detail, H hint. */
export type ErrorFields = Readonly<Record<string, string>>;

/** What the front-end has to say to a client that something went wrong. */
export interface Complaint {
  readonly severity: 'ERROR' | 'FATAL';
  /** SQLSTATE. */
  readonly code: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
}

export function errorResponse({ severity, code, message: text, detail, hint }: Complaint): Buffer {
  const fields: ErrorFields = {
    S: severity,
    V: severity,
    C: code,
    M: text,
    ...(detail === undefined ? {} : { D: detail }),
    ...(hint === undefined ? {} : { H: hint }),
  };
  return encodeErrorFields(fields);
}

export function encodeErrorFields(fields: ErrorFields): Buffer {
  const body = Object.entries(fields).map(([letter, text]) => Buffer.from(`${letter}${text}\0`));
  return message(BACKEND.errorResponse, ...body, Buffer.of(0));
}

/** Of the body of an ErrorResponse or NoticeResponse; what is malformed is left out. */
export function readErrorFields(body: Buffer): ErrorFields {
  const fields: Record<string, string> = {};
  for (let at = 0; at < body.length && body[at] !== 0;) {
    const field = readCString(body, at + 1);
    if (field === undefined) break;
    fields[String.fromCharCode(body[at] ?? 0)] = field.text;
    at = field.end;
  }
  return fields;
}

/** `status` of a ReadyForQuery message. */
export function readStatus(body: Buffer): TransactionStatus | undefined {
  const status = String.fromCharCode(body[0] ?? 0);
  return status === 'I' || status === 'T' || status === 'E' ? status : undefined;
}

/** Name and value of a ParameterStatus. */
export function readParameter(body: Buffer): { readonly name: string; readonly value: string } | undefined {
  const name = readCString(body, 0);
  const value = name && readCString(body, name.end);
  return name && value && { name: name.text, value: value.text };
}

export function readyForQuery(status: TransactionStatus): Buffer {
  return message(BACKEND.readyForQuery, status);
}

export function commandComplete(tag: string): Buffer {
  return message(BACKEND.commandComplete, cString(tag));
}

export function parameterStatus(name: string, value: string): Buffer {
  return message(BACKEND.parameterStatus, cString(name), cString(value));
}

/** `processId` and `key` are the front-end's own: they stay the same wherever the session goes. */
export function backendKeyData(processId: number, key: Uint8Array): Buffer {
  return message(BACKEND.backendKeyData, int32(processId), key);
}

/** The newest minor version of protocol 3 that is spoken, and the options of the client that are not known. */
export function negotiateProtocolVersion(minorVersion: number, unknownOptions: readonly string[]): Buffer {
  return message(
    BACKEND.negotiateProtocolVersion,
    int32((3 << 16) | minorVersion),
    int32(unknownOptions.length),
    ...unknownOptions.map(cString),
  );
}

export const AUTHENTICATION_OK = message(BACKEND.authentication, int32(0));

/** The mechanisms that are offered. */
export function authenticationSasl(mechanisms: readonly string[]): Buffer {
  return message(BACKEND.authentication, int32(10), ...mechanisms.map(cString), Buffer.of(0));
}

export function authenticationSaslContinue(data: Uint8Array): Buffer {
  return message(BACKEND.authentication, int32(11), data);
}

export function authenticationSaslFinal(data: Uint8Array): Buffer {
  return message(BACKEND.authentication, int32(12), data);
}

/** The columns of a DataRow; null where SQL says so. Of our own queries, whose results are texts: bytes, in whatever encoding. */
export function readRow(body: Buffer): (string | null)[] {
  const count = body.readUInt16BE(0);
  const row: (string | null)[] = [];
  let at = 2;
  for (let index = 0; index < count; index++) {
    row.push(readValue(body, at));
    at += 4 + Math.max(0, body.readInt32BE(at));
  }
  return row;
}

/** A value behind its length, of our own queries, as above; of the body of a FunctionCallResponse the one at 0. */
export function readValue(body: Buffer, at: number): string | null {
  const length = body.readInt32BE(at);
  return length < 0 ? null : body.toString('latin1', at + 4, at + 4 + length);
}

/** The body of the whole message `bytes`. */
export function bodyOf(bytes: Buffer): Buffer {
  return bytes.subarray(HEADER_LENGTH);
}
