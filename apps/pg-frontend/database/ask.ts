// Questions of the front-end's own to a session that belongs to a client: one statement, answered by rows of texts.
//
// They leave nothing behind. A client's unnamed statement and portal outlive its own exchanges, and a simple Query would
// destroy them; so a question has a statement and a portal with names of their own, which it closes again. What comes besides
// an answer (notices, parameters that have changed) is the client's: whoever reads next finds it, as if it had come later.

import {
  bodyOf,
  readErrorFields,
  readParameter,
  readRow,
  readStatus,
  readValue,
  type ErrorFields,
} from '../wire/backend-messages.js';
import { query, SYNC } from '../wire/frontend-messages.js';
import { BACKEND, cString, FRONTEND, HEADER_LENGTH, int32, message, type TransactionStatus } from '../wire/message.js';
import type { Backend } from './database.js';

const NAME = cString('_migratory');
const NONE = Buffer.of(0, 0);
const ALL_ROWS = Buffer.of(0, 0, 0, 0);
/** Bind: no formats, no parameters, all results as texts. */
const BIND = message(FRONTEND.bind, NAME, NAME, NONE, NONE, NONE);
const EXECUTE = message(FRONTEND.execute, NAME, ALL_ROWS);
/** Also before a question: behind one that has failed nothing was closed. */
const CLOSE = Buffer.concat([message(FRONTEND.close, 'P', NAME), message(FRONTEND.close, 'S', NAME)]);
const ASIDES = new Set<number>([BACKEND.noticeResponse, BACKEND.parameterStatus, BACKEND.notificationResponse]);
const AFTER_PARSE = Buffer.concat([BIND, EXECUTE, CLOSE, SYNC]);

export interface Reply {
  /** Of a function that was called: one row with its result. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** The first error, if there was one. */
  readonly error: ErrorFields | undefined;
  /** Its ErrorResponse, as it came. */
  readonly errorResponse: Buffer | undefined;
  /** What came besides: notices, parameters, notifications, each as it came. */
  readonly asides: readonly Buffer[];
  readonly status: TransactionStatus;
}

/** The messages that ask one statement, to be sent between two exchanges of the client, or behind one; `readAnswer` reads the answer. */
export function question(sql: string): Buffer {
  const parse = message(FRONTEND.parse, NAME, Buffer.from(`${sql}\0`, 'latin1'), NONE);
  return Buffer.concat([CLOSE, parse, AFTER_PARSE]);
}

/**
 * The message that calls a function without parameters, named by the object id that it has in every database; its result comes
 * as text. Nothing is parsed or planned for it, as it is for a `question`.
 */
export function functionCall(objectId: number): Buffer {
  return message(FRONTEND.functionCall, int32(objectId), NONE, NONE, NONE);
}

/** Asks one statement, between two exchanges of the client. Rejects with `BackendLost`. */
export async function ask(backend: Backend, sql: string): Promise<Reply> {
  backend.write(question(sql));
  return readAnswer(backend);
}

/** The answer to a question. Rejects with `BackendLost`. */
export async function readAnswer(backend: Backend): Promise<Reply> {
  const reply = await readReply(backend);
  if (reply.asides.length > 0) backend.unread(Buffer.concat(reply.asides));
  return reply;
}

/** Runs statements as one simple Query, where there is nothing of a client's to destroy. Rejects with `BackendLost`. */
export async function run(backend: Backend, sql: string): Promise<Reply> {
  backend.write(query(sql));
  return readSetUp(backend);
}

/** A reply to what makes a session ready for a client: of what comes besides only the parameters matter. Rejects with `BackendLost`. */
export async function readSetUp(backend: Backend): Promise<Reply> {
  const reply = await readReply(backend);
  for (const aside of reply.asides) {
    const parameter = aside[0] === BACKEND.parameterStatus ? readParameter(bodyOf(aside)) : undefined;
    if (parameter !== undefined) backend.reported.set(parameter.name, parameter.value);
  }
  return reply;
}

/** Up to the next ReadyForQuery. Rejects with `BackendLost`. */
export async function readReply(backend: Backend): Promise<Reply> {
  const rows: (string | null)[][] = [];
  const asides: Buffer[] = [];
  let errorResponse: Buffer | undefined;
  let rest: Buffer = Buffer.alloc(0);
  for (;;) {
    const chunk = await backend.read();
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= HEADER_LENGTH) {
      const end = at + 1 + bytes.readInt32BE(at + 1);
      if (end > bytes.length) break;
      const whole = bytes.subarray(at, end);
      at = end;
      if (whole[0] === BACKEND.dataRow) rows.push(readRow(bodyOf(whole)));
      else if (whole[0] === BACKEND.functionCallResponse) rows.push([readValue(bodyOf(whole), 0)]);
      else if (whole[0] === BACKEND.errorResponse) errorResponse ??= whole;
      else if (ASIDES.has(whole[0] ?? 0)) asides.push(whole);
      else if (whole[0] === BACKEND.readyForQuery) {
        if (at < bytes.length) backend.unread(bytes.subarray(at));
        const error = errorResponse && readErrorFields(bodyOf(errorResponse));
        return { rows, error, errorResponse, asides, status: readStatus(bodyOf(whole)) ?? 'E' };
      }
    }
    rest = bytes.subarray(at);
  }
}
