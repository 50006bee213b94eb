// A client that sends whatever bytes it is told to, well-formed or not, and reads the server's messages one by one.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Place } from '../clients/suite.js';

const PROTOCOL_3 = 196_608;
const HEADER_LENGTH = 5;
/** Nothing in these tests takes longer; what does, hangs. */
const ANSWER_MS = 30_000;

export interface ServerMessage {
  readonly kind: 'message';
  /** The message's letter. */
  readonly type: string;
  readonly body: Buffer;
}

export type Heard = ServerMessage | { readonly kind: 'end' };

/** Four bytes, big-endian. */
export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
}

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value & 0xffff);
  return bytes;
}

/** Zero-terminated. */
export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

/** A message with its letter and its true length. */
export function message(type: string, ...parts: readonly Buffer[]): Buffer {
  return lyingMessage(type, 4 + parts.reduce((sum, { length }) => sum + length, 0), ...parts);
}

/** A message that says to be as long as it is told. */
export function lyingMessage(type: string, length: number, ...parts: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(type, 'latin1'), int32(length), ...parts]);
}

export function startup(parameters: Readonly<Record<string, string>>, version = PROTOCOL_3): Buffer {
  const pairs = Object.entries(parameters).flatMap(([name, value]) => [text(name), text(value)]);
  const body = Buffer.concat([int32(version), ...pairs, Buffer.alloc(1)]);
  return Buffer.concat([int32(body.length + 4), body]);
}

export const query = (sql: string): Buffer => message('Q', text(sql));
export const SYNC = message('S');
const TERMINATE = message('X');

export class RawClient {
  readonly socket: Socket;
  #bytes: Buffer[] = [];
  #length = 0;
  #ended = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => {
      this.#bytes.push(data);
      this.#length += data.length;
      this.#wake();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake();
    };
    socket.once('end', end);
    socket.once('close', end);
  }

  static async connect({ host, port }: Place): Promise<RawClient> {
    const socket = connect({ host, port, allowHalfOpen: true });
    const client = new RawClient(socket);
    await once(socket, 'connect');
    return client;
  }

  /** Connected and logged in without a password, up to ReadyForQuery. */
  static async login(place: Place, parameters: Readonly<Record<string, string>> = {}): Promise<RawClient> {
    const client = await RawClient.connect(place);
    client.send(startup({ user: 'postgres', database: 'postgres', ...parameters }));
    const heard = await client.until('Z');
    if (heard.at(-1)?.kind !== 'message') throw new Error(`no login: ${describe(heard)}`);
    return client;
  }

  send(...parts: readonly Buffer[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(parts));
  }

  /** As a writer does who minds the other side: resolves when there is room again, or the connection is over. */
  async sendSlowly(bytes: Buffer): Promise<void> {
    if (this.socket.destroyed || this.socket.write(bytes)) return;
    const given = new AbortController();
    await Promise.race([
      once(this.socket, 'drain', { signal: given.signal }),
      once(this.socket, 'close', { signal: given.signal }),
    ]).catch(() => undefined);
    given.abort();
  }

  /** The next message, or the end. Rejects where neither comes in time. */
  async next(): Promise<Heard> {
    await this.#atLeast(HEADER_LENGTH);
    if (this.#length < HEADER_LENGTH) return { kind: 'end' };
    const header = this.#joined();
    const length = header.readInt32BE(1);
    await this.#atLeast(1 + length);
    if (this.#length < 1 + length) return { kind: 'end' };
    const bytes = this.#joined();
    this.#bytes = [bytes.subarray(1 + length)];
    this.#length -= 1 + length;
    return { kind: 'message', type: bytes.toString('latin1', 0, 1), body: bytes.subarray(HEADER_LENGTH, 1 + length) };
  }

  /** One byte that is no message: the answer to SSLRequest and its like. Empty at the end. */
  async nextByte(): Promise<string> {
    await this.#atLeast(1);
    if (this.#length < 1) return '';
    const bytes = this.#joined();
    this.#bytes = [bytes.subarray(1)];
    this.#length -= 1;
    return bytes.toString('latin1', 0, 1);
  }

  /** Everything up to the first message of this type, or the end, which are the last element. */
  async until(type: string): Promise<Heard[]> {
    const heard: Heard[] = [];
    for (;;) {
      const one = await this.next();
      heard.push(one);
      if (one.kind === 'end' || one.type === type) return heard;
    }
  }

  /** Everything up to the end. */
  untilEnd(): Promise<Heard[]> {
    return this.until('');
  }

  /** As an impolite program ends. */
  vanish(): void {
    this.socket.resetAndDestroy();
  }

  async end(): Promise<void> {
    if (this.socket.closed) return;
    const closed = once(this.socket, 'close');
    this.socket.end(TERMINATE);
    this.socket.resume();
    await closed;
  }

  #joined(): Buffer {
    const [first] = this.#bytes;
    const bytes = this.#bytes.length === 1 && first !== undefined ? first : Buffer.concat(this.#bytes);
    this.#bytes = [bytes];
    return bytes;
  }

  async #atLeast(length: number): Promise<void> {
    while (this.#length < length && !this.#ended) {
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error('the server neither answers nor closes')), ANSWER_MS);
        this.#wake = () => {
          clearTimeout(late);
          resolve();
        };
      });
    }
  }
}

/** The fields of an ErrorResponse or NoticeResponse by their letters. */
export function fieldsOf({ body }: ServerMessage): Readonly<Record<string, string>> {
  const fields = body
    .toString()
    .split('\0')
    .filter((field) => field !== '');
  return Object.fromEntries(fields.map((field) => [field.slice(0, 1), field.slice(1)]));
}

/** What was heard in short: letters, errors with severity and code, ReadyForQuery with its status, and the end. */
export function describe(heard: readonly Heard[]): string {
  const words = heard.map((one) => {
    if (one.kind === 'end') return 'end';
    const { S: severity, C: code } = one.type === 'E' ? fieldsOf(one) : {};
    if (one.type === 'E') return `${severity ?? ''} ${code ?? ''}`;
    return one.type === 'Z' ? `Z${one.body.toString()}` : one.type;
  });
  return words.join(', ');
}
