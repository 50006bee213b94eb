// A client's session with the database, however it gets there: what it says, what it is told, and whether it still stands.
//
// An error that leaves the session alive is `StatementFailed`; everything after which nobody answers any more is
// `SessionLost`. Which of the two it was decides what a client may believe of its transaction.

import { once } from 'node:events';
import { Socket } from 'node:net';
import { Client, DatabaseError, type QueryResult } from 'pg';

/** Longer than any pause that a move, a lock or a member's death may cost: beyond it a client counts as hanging. */
const ANSWER_LIMIT_MS = 60_000;
const CONNECT_LIMIT_MS = 30_000;
/** What `pg` says when it has given up waiting. */
const GAVE_UP = 'Query read timeout';

/** The server refused a statement; the session goes on. */
export class StatementFailed extends Error {
  override readonly name = 'StatementFailed';
  constructor(
    /** SQLSTATE. */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** The session is gone, or did not answer in time (code `hung`). */
export class SessionLost extends Error {
  override readonly name = 'SessionLost';
  constructor(
    /** SQLSTATE of the last words, or the socket's error, or `closed`. */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export interface Statement {
  readonly text: string;
  readonly values?: (number | string)[];
  /** Of a prepared statement. */
  readonly name?: string;
  /** The extended protocol, even without parameters. */
  readonly queryMode?: 'extended';
}

/** Where sessions are opened, and who is told of each step that one takes. */
export interface Place {
  readonly url: string;
  readonly application: string;
  readonly pulse: () => void;
}

export class Session {
  /** Of the client's side: by it the gateway's list knows the connection. */
  readonly port: number;
  /** What the session's own default was last set to; empty for the server's. */
  defaultIsolation = '';
  readonly #client: Client;
  readonly #pulse: () => void;
  #lost: SessionLost | undefined;

  /** Rejects with `SessionLost`. */
  static async open(place: Place): Promise<Session> {
    const socket = new Socket();
    const client = new Client({
      connectionString: place.url,
      application_name: place.application,
      query_timeout: ANSWER_LIMIT_MS,
      connectionTimeoutMillis: CONNECT_LIMIT_MS,
      stream: () => socket,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
    } catch (error) {
      socket.destroy();
      throw lossOf(error);
    }
    return new Session(client, socket, place.pulse);
  }

  private constructor(client: Client, socket: Socket, pulse: () => void) {
    this.#client = client;
    this.#pulse = pulse;
    this.port = socket.localPort ?? 0;
    client.on('error', (error) => (this.#lost ??= lossOf(error)));
    socket.on('close', () => (this.#lost ??= new SessionLost('closed', 'the connection was closed')));
    this.#socket = socket;
  }

  readonly #socket: Socket;

  get loss(): SessionLost | undefined {
    return this.#lost;
  }

  /** The answer to the last statement of the text. Rejects with `StatementFailed` or `SessionLost`. */
  async say(statement: Statement): Promise<QueryResult> {
    if (this.#lost !== undefined) throw this.#lost;
    this.#pulse();
    const { values, ...rest } = statement;
    try {
      const asked = this.#client.query({ ...rest, ...(values === undefined ? {} : { values }) });
      this.#pulse();
      const answer = (await asked) as QueryResult | QueryResult[];
      this.#pulse();
      return Array.isArray(answer) ? (answer.at(-1) as QueryResult) : answer;
    } catch (error) {
      this.#pulse();
      if (error instanceof DatabaseError && error.severity !== 'FATAL' && error.severity !== 'PANIC') {
        throw new StatementFailed(error.code ?? '', error.message);
      }
      this.#lost ??= lossOf(error);
      this.#socket.destroy();
      throw this.#lost;
    }
  }

  /** Its answers can't be believed any more. */
  abandon(): void {
    this.#lost ??= new SessionLost('abandoned', 'its answers were out of step');
    this.#socket.destroy();
  }

  async close(): Promise<void> {
    if (this.#lost !== undefined || this.#socket.destroyed) return;
    const gone = once(this.#socket, 'close');
    this.#client.end().catch(() => undefined);
    await gone;
  }
}

function lossOf(error: unknown): SessionLost {
  if (!(error instanceof Error)) return new SessionLost('unknown', String(error));
  if (error.message === GAVE_UP) return new SessionLost('hung', `no answer within ${ANSWER_LIMIT_MS / 1000} s`);
  const { code } = error as NodeJS.ErrnoException;
  const detail = error instanceof DatabaseError ? (error.detail ?? '') : '';
  return new SessionLost(code ?? 'closed', `${error.message} ${detail}`.trim());
}
