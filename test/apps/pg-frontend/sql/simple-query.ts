// The simple query protocol, bare: one connection that says what the server answered, message by message.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Answer {
  /** The tag of each CommandComplete. */
  readonly tags: readonly string[];
  readonly emptyCount: number;
  /** The SQLSTATE of the error, or empty. */
  readonly error: string;
  /** Of ReadyForQuery: idle, in a transaction, in a failed one. */
  readonly status: string;
}

export class SimpleConnection {
  readonly #socket: Socket;
  #input = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(host: string, port: number): Promise<SimpleConnection> {
    const socket = connect({ host, port });
    await once(socket, 'connect');
    const connection = new SimpleConnection(socket);
    const parameters = Buffer.from('user\0postgres\0database\0postgres\0client_encoding\0UTF8\0\0');
    const head = Buffer.alloc(8);
    head.writeInt32BE(8 + parameters.length, 0);
    head.writeInt32BE(3 << 16, 4);
    socket.write(Buffer.concat([head, parameters]));
    await connection.#answer();
    return connection;
  }

  query(text: string): Promise<Answer> {
    const body = Buffer.from(`${text}\0`);
    const head = Buffer.alloc(5);
    head.write('Q');
    head.writeInt32BE(4 + body.length, 1);
    this.#socket.write(Buffer.concat([head, body]));
    return this.#answer();
  }

  close(): void {
    this.#socket.destroy();
  }

  async #answer(): Promise<Answer> {
    const tags: string[] = [];
    let emptyCount = 0;
    let error = '';
    for (;;) {
      const { type, body } = await this.#message();
      if (type === 'C') tags.push(body.toString('utf8', 0, body.length - 1));
      if (type === 'I') emptyCount += 1;
      if (type === 'E') error = /(?:^|\0)C(\w{5})/.exec(body.toString('utf8'))?.[1] ?? 'unknown';
      if (type === 'Z') return { tags, emptyCount, error, status: body.toString() };
    }
  }

  async #message(): Promise<{ type: string; body: Buffer }> {
    while (this.#input.length < 5 || this.#input.length < 1 + this.#input.readInt32BE(1)) {
      const [data] = (await once(this.#socket, 'data')) as [Buffer];
      this.#input = Buffer.concat([this.#input, data]);
    }
    const length = 1 + this.#input.readInt32BE(1);
    const message = this.#input.subarray(0, length);
    this.#input = this.#input.subarray(length);
    return { type: message.toString('latin1', 0, 1), body: message.subarray(5) };
  }
}
