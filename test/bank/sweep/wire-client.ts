// A client that decides itself which bytes it sends when, and shows every message that it got.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { takeAnswers, terminate, type Answer } from './messages.js';

/** Longer than any move takes. */
const ANSWER_LIMIT_MS = 20_000;

/** The server answered with an error, ended the connection, or did not answer in time. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
}

export class WireClient {
  readonly #socket: Socket;
  readonly #answers: Answer[] = [];
  #rest: Buffer = Buffer.alloc(0);
  /** How many answers have been waited for. */
  #seenCount = 0;
  #news: () => void = () => undefined;

  static async connect(host: string, port: number): Promise<WireClient> {
    const socket = connect({ host, port, noDelay: true, timeout: ANSWER_LIMIT_MS });
    await once(socket, 'connect');
    return new WireClient(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    for (const event of ['end', 'error', 'close', 'timeout']) socket.on(event, () => this.#news());
    socket.on('timeout', () => socket.destroy());
    socket.on('data', (data: Buffer) => {
      const { answers, rest } = takeAnswers(Buffer.concat([this.#rest, data]));
      this.#answers.push(...answers);
      this.#rest = rest;
      this.#news();
    });
  }

  /** Of this side, by which the gateway's list knows the connection. */
  get port(): number {
    return this.#socket.localPort ?? 0;
  }

  get answers(): readonly Answer[] {
    return this.#answers;
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Resolves when a message of each of these types has come, in that order. Rejects with `WrongAnswer`. */
  async answered(types: string): Promise<void> {
    for (const type of types) {
      for (;;) {
        const answer = this.#answers[this.#seenCount];
        if (answer === undefined) await this.#more(type);
        else {
          this.#seenCount++;
          if (answer.type === 'E') throw new WrongAnswer(`an error: ${readable(answer)}`);
          if (answer.type === type) break;
        }
      }
    }
  }

  /** Ends the session, in order where that is possible. */
  async close(): Promise<void> {
    if (this.#socket.destroyed) return;
    const gone = once(this.#socket, 'close');
    this.#socket.end(terminate());
    await gone;
  }

  async #more(type: string): Promise<void> {
    if (this.#socket.destroyed || this.#socket.readableEnded) {
      throw new WrongAnswer(`the connection ended before a message of type ${type}`);
    }
    await new Promise<void>((resolve) => (this.#news = resolve));
  }
}

/** An ErrorResponse as text, without its severity and places. */
function readable({ body }: Answer): string {
  const fields = body.toString().split('\0');
  return fields.filter((field) => /^[CMD]/.test(field)).join(' ');
}
