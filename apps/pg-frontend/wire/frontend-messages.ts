// What a client says: where its messages end, and the little that the front-end has to read of them.
//
// Texts and names are read as latin1, byte by byte: whatever the client's encoding is, the words of SQL are ASCII, and names
// are only compared.

import { LIMITS } from '../limits.js';
import { cString, FRONTEND, HEADER_LENGTH, int32, message, readCString } from './message.js';

/** The kinds of messages that a client may send once it is logged in. */
const KNOWN = new Set<number>(Object.values(FRONTEND).filter((type) => type !== FRONTEND.password));
/** Those that may be long, as in PostgreSQL's SocketBackend(). */
const MAY_BE_LONG = new Set<number>([
  FRONTEND.query,
  FRONTEND.functionCall,
  FRONTEND.bind,
  FRONTEND.parse,
  FRONTEND.copyData,
]);

/** Where a message ends. */
export type Extent =
  | { readonly kind: 'whole'; readonly type: number; readonly length: number }
  /** Its end has not come yet. */
  | { readonly kind: 'begun'; readonly type: number; readonly length: number }
  /** Not even its header has come. */
  | { readonly kind: 'nothing' }
  /** `message` is PostgreSQL's own; it ends the session. */
  | { readonly kind: 'malformed'; readonly message: string };

const NOTHING: Extent = { kind: 'nothing' };

/** Of the message that begins at `at`; `length` counts its header too. */
export function extentOf(bytes: Buffer, at: number): Extent {
  const type = bytes[at];
  if (type === undefined) return NOTHING;
  if (!KNOWN.has(type)) return { kind: 'malformed', message: `invalid frontend message type ${type}` };
  if (bytes.length - at < HEADER_LENGTH) return NOTHING;
  const claimed = bytes.readInt32BE(at + 1);
  const limit = MAY_BE_LONG.has(type) ? LIMITS.messageLength : LIMITS.smallMessageLength;
  if (claimed < 4 || claimed > limit) return { kind: 'malformed', message: 'invalid message length' };
  const length = claimed + 1;
  return { kind: at + length <= bytes.length ? 'whole' : 'begun', type, length };
}

/** The text of a Query; undefined where it has no end. */
export function readQuery(whole: Buffer): string | undefined {
  return readCString(whole, HEADER_LENGTH, 'latin1')?.text;
}

/** Statement name and text of a Parse. */
export function readParse(whole: Buffer): { readonly name: string; readonly text: string } | undefined {
  const name = readCString(whole, HEADER_LENGTH, 'latin1');
  const text = name && readCString(whole, name.end, 'latin1');
  return name && text && { name: name.text, text: text.text };
}

/** Whether the statement that it prepares has a name. */
export function isNamedParse(whole: Buffer): boolean {
  return whole[0] === FRONTEND.parse && whole.length > HEADER_LENGTH && whole[HEADER_LENGTH] !== 0;
}

/** The names at the head of a Bind. */
export function readBind(whole: Buffer): { readonly portal: string; readonly statement: string } | undefined {
  const portal = readCString(whole, HEADER_LENGTH, 'latin1');
  const statement = portal && readCString(whole, portal.end, 'latin1');
  return portal && statement && { portal: portal.text, statement: statement.text };
}

/** The portal of an Execute. */
export function readExecute(whole: Buffer): string | undefined {
  return readCString(whole, HEADER_LENGTH, 'latin1')?.text;
}

/** What a Describe or Close names. */
export function readNamed(whole: Buffer): { readonly kind: 'statement' | 'portal'; readonly name: string } | undefined {
  const letter = String.fromCharCode(whole[HEADER_LENGTH] ?? 0);
  const name = readCString(whole, HEADER_LENGTH + 1, 'latin1');
  if (name === undefined || (letter !== 'S' && letter !== 'P')) return undefined;
  return { kind: letter === 'S' ? 'statement' : 'portal', name: name.text };
}

/** The data of a SASLInitialResponse, with the mechanism that the client has chosen; undefined where it is malformed. */
export function readSaslInitial(body: Buffer): { readonly mechanism: string; readonly data: Buffer } | undefined {
  const mechanism = readCString(body, 0);
  if (mechanism === undefined || body.length < mechanism.end + 4) return undefined;
  const length = body.readInt32BE(mechanism.end);
  const data = body.subarray(mechanism.end + 4);
  return length === data.length ? { mechanism: mechanism.text, data } : undefined;
}

/** `text`: bytes, as everything here that is the client's. */
export function query(text: string): Buffer {
  return message(FRONTEND.query, Buffer.from(`${text}\0`, 'latin1'));
}

export const SYNC = message(FRONTEND.sync);
export const FLUSH = message(FRONTEND.flush);
export const TERMINATE = message(FRONTEND.terminate);

/** `parameters` with `user` and `database` among them. */
export function startupPacket(minorVersion: number, parameters: Readonly<Record<string, string>>): Buffer {
  const body = Buffer.concat([
    int32((3 << 16) | minorVersion),
    ...Object.entries(parameters).flatMap(([name, value]) => [cString(name), cString(value)]),
    Buffer.of(0),
  ]);
  return Buffer.concat([int32(body.length + 4), body]);
}

/** Text in a string constant, whatever standard_conforming_strings says. */
export function quoteLiteral(text: string): string {
  const quoted = text.replaceAll("'", "''");
  return quoted.includes('\\') ? ` E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`;
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
