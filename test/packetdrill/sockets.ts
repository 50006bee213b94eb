// Sockets as scripts have them: numbers that stand for a listener or for a connection, with what POSIX remembers of each.

import type { HostConnection } from '@migratory/stack/internal/host/host-connection.js';
import type { Listener } from '@migratory/stack/internal/host/listener.js';
import type { ConnectionEvent } from '@migratory/stack/internal/migration/record.js';
import type { TcpConfig } from '@migratory/stack/internal/tcp/config.js';

/** Where no other time is given (RFC 9293 MUST-28). */
const KEEP_ALIVE_IDLE_MS = 7_200_000;

/** What a call on a socket waits for when nothing is there. */
export type Waiting = 'blocks' | 'fails';

export interface Socket {
  waiting: Waiting;
  /** What `setsockopt` has said before there was a connection. */
  options: Partial<TcpConfig>;
  /** SO_KEEPALIVE, and after what silence it begins. */
  keepAlive: { readonly mode: 'on' | 'off'; readonly idleMs: number };
  /** SO_LINGER with no time: closing resets. */
  closing: 'orderly' | 'reset';
  role: Role;
}

export type Role =
  | { readonly kind: 'none' }
  | { readonly kind: 'listener'; readonly listener: Listener; readonly backlog: Stream[] }
  | { readonly kind: 'stream'; readonly stream: Stream };

/** A connection, and what its application knows of it. */
export class Stream {
  connection: HostConnection | undefined;
  isOpen = false;
  /** Read from the connection and not yet by the script. */
  unread: Uint8Array[] = [];
  hasEnded = false;
  writing: 'open' | 'shut' = 'open';
  reading: 'open' | 'shut' = 'open';
  /** Bytes of the stream that have been written and read, for their pattern. */
  writtenLength = 0;
  readLength = 0;
  /** Why it was lost, told once (SO_ERROR). */
  failure: string | undefined;
  isOver = false;

  take(event: ConnectionEvent): void {
    switch (event.kind) {
      case 'open':
        this.isOpen = true;
        break;
      case 'end-of-input':
        this.hasEnded = true;
        break;
      case 'closed':
        this.isOver = true;
        this.hasEnded = true;
        this.failure = FAILURES.get(event.reason);
        break;
      default:
        break;
    }
  }

  /** Why it was lost; whoever asks again is told nothing. */
  takeFailure(): string {
    const failure = this.failure ?? '';
    this.failure = undefined;
    return failure;
  }

  get unreadLength(): number {
    return this.unread.reduce((length, chunk) => length + chunk.length, 0);
  }
}

const FAILURES: ReadonlyMap<string, string> = new Map([
  ['reset', 'ECONNRESET'],
  ['refused', 'ECONNREFUSED'],
  ['timed-out', 'ETIMEDOUT'],
]);

/** By the numbers that the script gives them. */
export class SocketTable {
  readonly #sockets = new Map<number, Socket>();

  add(number: number, role: Role, waiting: Waiting): Socket {
    const keepAlive = { mode: 'off', idleMs: KEEP_ALIVE_IDLE_MS } as const;
    const socket: Socket = { waiting, options: {}, keepAlive, closing: 'orderly', role };
    this.#sockets.set(number, socket);
    return socket;
  }

  get(number: number): Socket | undefined {
    return this.#sockets.get(number);
  }

  remove(number: number): void {
    this.#sockets.delete(number);
  }
}
