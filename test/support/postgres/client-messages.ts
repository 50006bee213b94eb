// What a client says, and how a test reads what it is told.

import { readCString } from '@migratory/pg-frontend/internal/wire/message.js';
import { bodyOf, readErrorFields } from '@migratory/pg-frontend/internal/wire/backend-messages.js';
import {
  BACKEND,
  cString,
  FRONTEND,
  HEADER_LENGTH,
  int32,
  message,
} from '@migratory/pg-frontend/internal/wire/message.js';

const NONE = Buffer.of(0, 0);

export function parse(name: string, text: string): Buffer {
  return message(FRONTEND.parse, cString(name), cString(text), NONE);
}

export function bind(portal: string, statement: string): Buffer {
  return message(FRONTEND.bind, cString(portal), cString(statement), NONE, NONE, NONE);
}

export function describe(kind: 'S' | 'P', name: string): Buffer {
  return message(FRONTEND.describe, kind, cString(name));
}

export function close(kind: 'S' | 'P', name: string): Buffer {
  return message(FRONTEND.close, kind, cString(name));
}

export function execute(portal: string): Buffer {
  return message(FRONTEND.execute, cString(portal), int32(0));
}

export function copyData(text: string): Buffer {
  return message(FRONTEND.copyData, text);
}

export const COPY_DONE = message(FRONTEND.copyDone);

export function copyFail(reason: string): Buffer {
  return message(FRONTEND.copyFail, cString(reason));
}

/** Whole messages, one after the other. */
function messagesIn(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at + HEADER_LENGTH <= bytes.length;) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    messages.push(bytes.subarray(at, end));
    at = end;
  }
  return messages;
}

/** What a client has been told, in short: letters, with tags, SQLSTATEs, statuses and the texts of rows. */
export function told(bytes: Buffer): string[] {
  return messagesIn(bytes).map((whole) => {
    const letter = whole.toString('latin1', 0, 1);
    const body = bodyOf(whole);
    switch (whole[0]) {
      case BACKEND.commandComplete:
        return `${letter} ${readCString(body, 0)?.text ?? ''}`;
      case BACKEND.errorResponse: {
        const { S = '', C = '' } = readErrorFields(body);
        return `${letter} ${S} ${C}`;
      }
      case BACKEND.readyForQuery:
        return `${letter} ${body.toString('latin1')}`;
      case BACKEND.dataRow:
        return `${letter} ${body.toString('latin1', 6)}`;
      default:
        return letter;
    }
  });
}
