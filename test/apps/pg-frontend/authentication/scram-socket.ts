// Logging in to a real PostgreSQL one SCRAM message at a time, whatever the messages are: what it answers is the measure.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** In the words of `told`: a challenge, a proof, a refusal or a complaint. */
export type Answer = string;

const PROTOCOL = 196_608;
const SASL_CONTINUE = 11;
const SASL_FINAL = 12;

export class ScramSocket {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Resolves when the server has asked for SASL. */
  static async open(port: number, user: string): Promise<ScramSocket> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const opened = new ScramSocket(socket);
    const body = Buffer.from(`\0\0\0\0user\0${user}\0database\0postgres\0\0`);
    body.writeInt32BE(PROTOCOL);
    socket.write(withLength('', body));
    await opened.#next();
    return opened;
  }

  first(message: Uint8Array): Promise<Answer> {
    const length = Buffer.alloc(4);
    length.writeInt32BE(message.length);
    return this.#ask(Buffer.concat([Buffer.from('SCRAM-SHA-256\0'), length, message]));
  }

  final(message: Uint8Array): Promise<Answer> {
    return this.#ask(Buffer.from(message));
  }

  close(): void {
    this.#socket.destroy();
  }

  async #ask(body: Buffer): Promise<Answer> {
    this.#socket.write(withLength('p', body));
    const answer = await this.#next();
    if (answer.type === 'E') return complaintOf(answer.body);
    const data = answer.body.subarray(4).toString('latin1');
    switch (answer.body.readInt32BE()) {
      case SASL_CONTINUE:
        return `challenge ${data}`;
      case SASL_FINAL:
        return `proven ${data}`;
      default:
        throw new Error(`unexpected answer ${answer.body.toString('latin1')}`);
    }
  }

  async #next(): Promise<{ readonly type: string; readonly body: Buffer }> {
    for (;;) {
      const end = this.#received.length < 5 ? Infinity : 1 + this.#received.readInt32BE(1);
      if (this.#received.length >= end) {
        const message = this.#received.subarray(0, end);
        this.#received = this.#received.subarray(end);
        return { type: message.toString('latin1', 0, 1), body: message.subarray(5) };
      }
      const [data] = (await once(this.#socket, 'data')) as [Buffer];
      this.#received = Buffer.concat([this.#received, data]);
    }
  }
}

function withLength(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + body.length);
  return Buffer.concat([Buffer.from(type), length, body]);
}

function complaintOf(body: Buffer): Answer {
  const fields = new Map(
    body
      .toString('latin1')
      .split('\0')
      .map((field) => [field.slice(0, 1), field.slice(1)]),
  );
  if (fields.get('C') === '28P01') return 'refused';
  return [fields.get('C'), fields.get('M'), fields.get('D')].filter((part) => part !== undefined).join(' | ');
}
