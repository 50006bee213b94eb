// A message of PostgreSQL's protocol, version 3: a type byte, a length that counts itself, a body.
//
// The codes are those of the documentation's chapter "Message Formats". The two directions use some letters for different
// things, so each has a table of its own.

/** Type byte and length. */
export const HEADER_LENGTH = 5;

const code = (letter: string): number => letter.charCodeAt(0);

/** What a client sends. */
export const FRONTEND = {
  bind: code('B'),
  close: code('C'),
  copyData: code('d'),
  copyDone: code('c'),
  copyFail: code('f'),
  describe: code('D'),
  execute: code('E'),
  flush: code('H'),
  functionCall: code('F'),
  parse: code('P'),
  /** Also SASLInitialResponse and SASLResponse. */
  password: code('p'),
  query: code('Q'),
  sync: code('S'),
  terminate: code('X'),
} as const;

/** What a server sends. */
export const BACKEND = {
  authentication: code('R'),
  backendKeyData: code('K'),
  bindComplete: code('2'),
  closeComplete: code('3'),
  commandComplete: code('C'),
  copyBothResponse: code('W'),
  copyData: code('d'),
  copyDone: code('c'),
  copyInResponse: code('G'),
  copyOutResponse: code('H'),
  dataRow: code('D'),
  emptyQueryResponse: code('I'),
  errorResponse: code('E'),
  functionCallResponse: code('V'),
  negotiateProtocolVersion: code('v'),
  noData: code('n'),
  noticeResponse: code('N'),
  notificationResponse: code('A'),
  parameterDescription: code('t'),
  parameterStatus: code('S'),
  parseComplete: code('1'),
  portalSuspended: code('s'),
  readyForQuery: code('Z'),
  rowDescription: code('T'),
} as const;

/** Of a ReadyForQuery: outside of a transaction block, in one, in a failed one. */
export type TransactionStatus = 'I' | 'T' | 'E';

/** A whole message out of its type and the pieces of its body. */
export function message(type: number, ...body: readonly (Uint8Array | string)[]): Buffer {
  const pieces = body.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece));
  const length = pieces.reduce((sum, piece) => sum + piece.length, 4);
  const header = Buffer.allocUnsafe(HEADER_LENGTH);
  header[0] = type;
  header.writeInt32BE(length, 1);
  return Buffer.concat([header, ...pieces]);
}

/** A text, ended by a zero byte. */
export function cString(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

export function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
}

/** The text from `at` up to the next zero byte, and where it ends; undefined where there is none. */
export function readCString(
  bytes: Buffer,
  at: number,
  encoding: BufferEncoding = 'utf8',
): { readonly text: string; readonly end: number } | undefined {
  const end = bytes.indexOf(0, at);
  return end < 0 ? undefined : { text: bytes.toString(encoding, at, end), end: end + 1 };
}
