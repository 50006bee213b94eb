// Questions of the front-end's own to a session that belongs to a client: one statement, answered by rows of texts.
//
// They leave nothing behind. A client's unnamed statement and portal outlive its own exchanges, and a simple Query would
// destroy them; so a question has a statement and a portal with names of their own, which it closes again.

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
const AFTER_PARSE = Buffer.concat([BIND, EXECUTE, CLOSE, SYNC]);

export interface Reply {
  /** Of a function that was called: one row with its result. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** The first error, if there was one. */
  readonly error: ErrorFields | undefined;
  readonly status: TransactionStatus;
}

/** The messages that ask one statement, to be sent between two exchanges of the client, or behind one; `readReply` reads the answer. */
export function question(sql: string): Buffer {
  const parse = message(FRONTEND.parse, NAME, Buffer.from(`${sql}\0`, 'latin1'), NONE);
  return Buffer.concat([CLOSE, parse, AFTER_PARSE]);
}

/**
 * The message that calls a function without parameters, named by the object id that it has in every database; its result comes
 * as text. Nothing is parsed or planned for it: a tenth of what `question` costs.
 */
export function functionCall(objectId: number): Buffer {
  return message(FRONTEND.functionCall, int32(objectId), NONE, NONE, NONE);
}

/** Asks one statement, between two exchanges of the client. Rejects with `BackendLost`. */
export async function ask(backend: Backend, sql: string): Promise<Reply> {
  backend.write(question(sql));
  return readReply(backend);
}

/** Runs statements as one simple Query, where there is nothing of a client's to destroy. Rejects with `BackendLost`. */
export async function run(backend: Backend, sql: string): Promise<Reply> {
  backend.write(query(sql));
  return readReply(backend);
}

/** Up to the next ReadyForQuery. */
export async function readReply(backend: Backend): Promise<Reply> {
  const rows: (string | null)[][] = [];
  let error: ErrorFields | undefined;
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
      else if (whole[0] === BACKEND.errorResponse) error ??= readErrorFields(bodyOf(whole));
      else if (whole[0] === BACKEND.parameterStatus) note(backend, whole);
      else if (whole[0] === BACKEND.readyForQuery) {
        if (at < bytes.length) backend.unread(bytes.subarray(at));
        return { rows, error, status: readStatus(bodyOf(whole)) ?? 'E' };
      }
    }
    rest = bytes.subarray(at);
  }
}

function note(backend: Backend, whole: Buffer): void {
  const parameter = readParameter(bodyOf(whole));
  if (parameter !== undefined) backend.reported.set(parameter.name, parameter.value);
}
