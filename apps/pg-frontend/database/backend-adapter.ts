// One session at the database: `pg` opens it and logs in; then its byte stream is taken over, and nothing is decoded any more.
//
// `pg` decodes rows as texts and speaks the client's side only, so it can't relay. Its way in (TLS, SCRAM, passwords) is what
// we want of it. The startup packet is written by us: it has the client's own parameters, in its order.

import { connect as connectSocket, type Socket } from 'node:net';
import pg from 'pg';
import { LIMITS } from '../limits.js';
import type { Login } from '../session/session-record.js';
import type { Complaint } from '../wire/backend-messages.js';
import { query, startupPacket, TERMINATE } from '../wire/frontend-messages.js';
import { int32 } from '../wire/message.js';
import { readSetUp } from './ask.js';
import { BackendLost, BackendReleased, DatabaseRefused, type Backend } from './database.js';

const CANCEL_REQUEST = 80_877_102;
/** Which process serves this session, and since when. */
const IDENTITY_QUERY = `SELECT pid || '/' || extract(epoch FROM backend_start)
  FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid())`;
const EMPTY: Buffer = Buffer.alloc(0);

/** Where the database is, and how to get in: the parts of a connection string that are the same for all users. */
export type DatabaseAddress = Pick<pg.ClientConfig, 'host' | 'port' | 'ssl'>;

/** How the front-end reaches the database. */
export interface DatabaseAccess {
  readonly address: DatabaseAddress;
  /** The front-end's own login. */
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
}

/** Reads `postgres://user:password@host:port/database?sslmode=...`, as `pg` does. */
export function parseDatabaseUrl(url: string): DatabaseAccess {
  const { host, port, ssl, user = '', password, database = '' } = new pg.Client({ connectionString: url });
  return { address: { host, port, ssl }, user, password: password ?? undefined, database };
}

/** What `pg` does not tell its types of. */
interface PgInternals {
  readonly connection: {
    stream: Socket;
    startup: (configuration: unknown) => void;
    on(event: 'parameterStatus', told: (message: { parameterName: string; parameterValue: string }) => void): void;
  };
  readonly processID: number;
  readonly secretKey: number;
}

/** Rejects with `DatabaseRefused`. */
export async function openBackend(
  address: DatabaseAddress,
  login: Login,
  password: string | undefined,
): Promise<SocketBackend> {
  const { user, database, parameters } = login;
  const client = new pg.Client({
    ...address,
    user,
    database,
    password: password ?? '',
    connectionTimeoutMillis: LIMITS.backendConnectMs,
  });
  client.on('error', () => undefined); // whoever reads is told
  const { connection } = client as unknown as PgInternals;
  const reported = new Map<string, string>();
  connection.startup = () => void connection.stream.write(startupPacket(0, { user, database, ...parameters }));
  connection.on('parameterStatus', ({ parameterName, parameterValue }) => reported.set(parameterName, parameterValue));
  try {
    await client.connect();
    const { rows } = await client.query<[string]>({ text: IDENTITY_QUERY, rowMode: 'array' });
    const { processID, secretKey } = client as unknown as PgInternals;
    const cancelPacket = Buffer.concat([int32(16), int32(CANCEL_REQUEST), int32(processID), int32(secretKey)]);
    return new SocketBackend(connection.stream, rows[0]?.[0] ?? '', reported, { address, packet: cancelPacket });
  } catch (error) {
    client.end().catch(() => undefined);
    throw new DatabaseRefused(complaintOf(error));
  }
}

/** What the database said in its refusal, or why it could not be asked. */
function complaintOf(error: unknown): Complaint {
  if (error instanceof pg.DatabaseError) {
    const { code = '08006', message, detail, hint } = error;
    return { severity: 'FATAL', code, message, ...(detail && { detail }), ...(hint && { hint }) };
  }
  const reason = error instanceof Error ? ('code' in error && String(error.code)) || error.message : String(error);
  return { severity: 'FATAL', code: '08001', message: 'the database could not be reached', detail: reason };
}

/** How a query of the session is cancelled. */
interface CancelWay {
  readonly address: DatabaseAddress;
  readonly packet: Buffer;
}

export class SocketBackend implements Backend {
  readonly identity: string;
  readonly reported: Map<string, string>;
  readonly #socket: Socket;
  readonly #cancelWay: CancelWay;
  #unread: Buffer = EMPTY;
  /** What has come and nobody has read. */
  #arrived: Buffer[] = [];
  #arrivedLength = 0;
  #reading: { readonly resolve: (chunk: Buffer) => void; readonly reject: (error: Error) => void } | undefined;
  #watcher: (() => void) | undefined;
  #state: 'open' | 'lost' | 'released' = 'open';
  /** What becomes of it when nobody needs it any more; the pool says so. */
  onRelease: (backend: SocketBackend) => void = (backend) => backend.close();
  onEnd: () => void = () => undefined;

  constructor(socket: Socket, identity: string, reported: Map<string, string>, cancelWay: CancelWay) {
    this.identity = identity;
    this.reported = reported;
    this.#socket = socket;
    this.#cancelWay = cancelWay;
    for (const event of ['data', 'readable', 'error', 'close', 'end', 'drain']) socket.removeAllListeners(event);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#arrive(chunk));
    socket.on('error', () => this.#lost());
    socket.on('end', () => this.#lost());
    socket.on('close', () => this.#lost());
  }

  get isOpen(): boolean {
    return this.#state === 'open' && !this.#socket.destroyed;
  }

  write(bytes: Uint8Array): void {
    if (this.#state === 'open') this.#socket.write(bytes);
  }

  async drained(): Promise<void> {
    const socket = this.#socket;
    if (!socket.writableNeedDrain || socket.destroyed) return;
    await new Promise<void>((resolve) => {
      const over = (): void => {
        socket.off('drain', over).off('close', over);
        resolve();
      };
      socket.on('drain', over).on('close', over);
    });
  }

  async read(): Promise<Buffer> {
    const chunk = this.tryRead();
    if (chunk !== undefined) return chunk;
    return new Promise((resolve, reject) => {
      this.#reading = { resolve, reject };
    });
  }

  tryRead(): Buffer | undefined {
    if (this.#state === 'released') throw new BackendReleased('the session was given back');
    if (this.#unread.length > 0) {
      const chunk = this.#unread;
      this.#unread = EMPTY;
      return chunk;
    }
    const chunk = this.#arrived.shift();
    if (chunk !== undefined) {
      this.#arrivedLength -= chunk.length;
      if (this.#arrivedLength === 0 && this.#socket.isPaused()) this.#socket.resume();
      return chunk;
    }
    if (this.#state === 'lost') throw new BackendLost();
    return undefined;
  }

  unread(bytes: Buffer): void {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([bytes, this.#unread]);
  }

  watch(arrived: (() => void) | undefined): void {
    this.#watcher = arrived;
    if (arrived !== undefined && (this.#unread.length > 0 || this.#arrivedLength > 0)) arrived();
  }

  /** The socket flows, which is cheaper than to be asked; where nobody reads it is stopped before it is too much. */
  #arrive(chunk: Buffer): void {
    const reading = this.#reading;
    if (reading !== undefined) {
      this.#reading = undefined;
      reading.resolve(chunk);
    } else if (this.#state === 'open') {
      this.#arrived.push(chunk);
      this.#arrivedLength += chunk.length;
      if (this.#arrivedLength >= LIMITS.backendUnreadLength) this.#socket.pause();
      this.#watcher?.();
    }
  }

  #lost(): void {
    if (this.#state !== 'open') return;
    this.#state = 'lost';
    this.onEnd();
    const reading = this.#reading;
    this.#reading = undefined;
    reading?.reject(new BackendLost());
    this.#watcher?.();
  }

  cancel(): void {
    const { host = '127.0.0.1', port = 5432 } = this.#cancelWay.address;
    const way = host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
    const socket = connectSocket(way);
    socket.on('error', () => undefined);
    socket.setTimeout(LIMITS.backendConnectMs, () => socket.destroy());
    socket.end(this.#cancelWay.packet);
    socket.resume();
  }

  release(): void {
    if (this.isOpen) this.onRelease(this);
    else this.close();
  }

  /** DISCARD ALL. Answers whether it is as new. */
  async reset(): Promise<boolean> {
    try {
      this.write(query('DISCARD ALL'));
      const { error, status } = await readSetUp(this);
      return error === undefined && status === 'I' && this.isOpen;
    } catch {
      return false;
    }
  }

  close(): void {
    const wasOpen = this.#state === 'open';
    this.#state = 'released';
    const reading = this.#reading;
    this.#reading = undefined;
    this.#watcher = undefined;
    reading?.reject(new BackendReleased('the session was given back'));
    if (wasOpen) {
      this.#arrived = [];
      this.#arrivedLength = 0;
      this.#socket.end(TERMINATE);
      this.#socket.resume(); // what still comes is taken and dropped, or the server would wait
      this.onEnd();
    }
  }
}
