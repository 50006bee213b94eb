// Messages of PostgreSQL's protocol 3, as bytes: those that a client sends, and the frame of those that it gets.

const LENGTH_LENGTH = 4;
const PROTOCOL_VERSION = 196_608;

/** One message from the server. */
export interface Answer {
  /** Its first byte, as a character. */
  readonly type: string;
  readonly body: Buffer;
}

export function startup(user: string, database: string, application: string): Buffer {
  const pairs = { user, database, application_name: application };
  const text = Object.entries(pairs).map(([name, value]) => `${name}\0${value}\0`);
  return framed('', int32(PROTOCOL_VERSION), Buffer.from(`${text.join('')}\0`));
}

export function query(text: string): Buffer {
  return framed('Q', string(text));
}

export function parse(name: string, text: string): Buffer {
  return framed('P', string(name), string(text), int16(0));
}

/** All values as text, all columns as text. */
export function bind(statement: string, values: readonly number[]): Buffer {
  const parameters = values.flatMap((value) => [int32(String(value).length), Buffer.from(String(value))]);
  return framed('B', string(''), string(statement), int16(0), int16(values.length), ...parameters, int16(0));
}

export function describePortal(): Buffer {
  return framed('D', Buffer.from('P'), string(''));
}

export function execute(): Buffer {
  return framed('E', string(''), int32(0));
}

export function flush(): Buffer {
  return framed('H');
}

export function sync(): Buffer {
  return framed('S');
}

export function terminate(): Buffer {
  return framed('X');
}

/** Cuts messages from the front of the bytes. */
export function takeAnswers(bytes: Buffer): { readonly answers: readonly Answer[]; readonly rest: Buffer } {
  const answers: Answer[] = [];
  let at = 0;
  while (bytes.length - at > LENGTH_LENGTH) {
    const end = at + 1 + bytes.readUInt32BE(at + 1);
    if (end > bytes.length) break;
    answers.push({ type: String.fromCharCode(bytes[at] ?? 0), body: bytes.subarray(at + 1 + LENGTH_LENGTH, end) });
    at = end;
  }
  return { answers, rest: bytes.subarray(at) };
}

function framed(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(LENGTH_LENGTH + body.length), body]);
}

function string(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
