// A client of the front-end's session on whole stacks in memory, that asks and waits for the end of each answer.

import { connect, type TestClient } from '@migratory/framework/testing';
import { DatabaseSession } from '@migratory/pg-frontend/internal/database-session.js';
import { HEADER_LENGTH } from '@migratory/pg-frontend/internal/wire/message.js';
import { told } from './client-messages.js';
import { containerOf, SERVICE_LIMITS, STARTUP, type SessionOptions } from './rehearsed-session.js';

/** What a client was told, in short (see `told`); `status` is 'closed' where the stream ended before ReadyForQuery. */
export interface Answer {
  readonly told: readonly string[];
  readonly status: string;
}

export class SessionClient {
  readonly client: TestClient;

  private constructor(client: TestClient) {
    this.client = client;
  }

  static async connect(options: SessionOptions): Promise<SessionClient> {
    const container = containerOf(options);
    return new SessionClient(await connect(DatabaseSession, { container, limits: SERVICE_LIMITS }));
  }

  login(): Promise<Answer> {
    return this.ask(STARTUP);
  }

  /** Sends messages, and reads up to ReadyForQuery. */
  async ask(...messages: readonly Uint8Array[]): Promise<Answer> {
    await this.client.write(Buffer.concat(messages)).catch(() => undefined); // it may have been closed
    return this.answer();
  }

  async answer(): Promise<Answer> {
    const { told, isThere } = await this.#readUpTo('Z');
    return { told, status: isThere ? (told.at(-1)?.slice(2) ?? '') : 'closed' };
  }

  /** Sends messages, and reads up to the first one of this letter. */
  async answerBy(letter: string, ...messages: readonly Uint8Array[]): Promise<readonly string[]> {
    await this.client.write(Buffer.concat(messages));
    return (await this.#readUpTo(letter)).told;
  }

  async #readUpTo(letter: string): Promise<{ readonly told: readonly string[]; readonly isThere: boolean }> {
    const lines: string[] = [];
    for (;;) {
      const header = await this.client.readExactly(HEADER_LENGTH);
      if (header === undefined) return { told: lines, isThere: false };
      const length = header.readInt32BE(1) - 4;
      const body = length === 0 ? Buffer.alloc(0) : await this.client.readExactly(length);
      const [line = ''] = told(Buffer.concat([header, body ?? Buffer.alloc(0)]));
      lines.push(line);
      if (line.startsWith(`${letter} `)) return { told: lines, isThere: true };
    }
  }

  /** Ends the client's stream. Answers what was still said: nothing, where every request was answered once. */
  async leave(): Promise<readonly string[]> {
    await this.client.end().catch(() => undefined);
    return told(await this.client.readAll());
  }

  close(): Promise<void> {
    return this.client.close();
  }
}
