// The pool: sessions at the database, for each (user, database) those that nobody uses, reset and ready for the next client.
//
//   P1. A session that was in a transaction when its client left is closed, never used again: that it is gone is how the
//       transaction's next member knows that the transaction is dead.
//   P2. Only a client with the same startup parameters takes a session that was opened with them: RESET goes back to those.
//   P3. There are never more than `backendCount`; idle ones give way first, then clients wait, then they are refused.

import { LIMITS } from '../limits.js';
import type { Login } from '../session/session-record.js';
import { openBackend, type DatabaseAddress, type SocketBackend } from './backend-adapter.js';
import { DatabaseRefused, type Backend, type Database } from './database.js';

interface Idle {
  readonly key: string;
  readonly backend: SocketBackend;
  readonly timer: NodeJS.Timeout;
}

interface Waiting {
  readonly proceed: () => void;
}

export interface PoolCounters {
  opened: number;
  reused: number;
  refused: number;
}

export class BackendPool implements Database {
  readonly #address: DatabaseAddress;
  readonly #passwordOf: (user: string) => string | undefined;
  readonly #limit: number;
  readonly #idle: Idle[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #open = new Set<SocketBackend>();
  #openingCount = 0;
  readonly counters: PoolCounters = { opened: 0, reused: 0, refused: 0 };

  constructor(
    address: DatabaseAddress,
    passwordOf: (user: string) => string | undefined,
    limit: number = LIMITS.backendCount,
  ) {
    this.#address = address;
    this.#passwordOf = passwordOf;
    this.#limit = limit;
  }

  /** Sessions that are open, and those of them that nobody uses. */
  get size(): { readonly open: number; readonly idle: number } {
    return { open: this.#open.size, idle: this.#idle.length };
  }

  async open(login: Login, signal: AbortSignal): Promise<Backend> {
    const key = keyOf(login);
    for (;;) {
      if (signal.aborted) {
        this.#wakeOne(); // the place that this one was woken for is somebody else's
        throw signal.reason as Error;
      }
      const idle = this.#takeIdle(key);
      if (idle !== undefined) {
        this.counters.reused++;
        return idle;
      }
      if (this.#open.size + this.#openingCount < this.#limit || this.#evict()) return this.#openNew(key, login);
      await this.#untilOneIsFree(signal);
    }
  }

  #takeIdle(key: string): SocketBackend | undefined {
    for (let index = this.#idle.length - 1; index >= 0; index--) {
      const idle = this.#idle[index];
      if (idle?.key !== key) continue;
      this.#idle.splice(index, 1);
      clearTimeout(idle.timer);
      idle.backend.watch(undefined);
      if (idle.backend.isOpen) return idle.backend;
      idle.backend.close();
    }
    return undefined;
  }

  /** P3. Answers whether there was one to close. */
  #evict(): boolean {
    const idle = this.#idle.shift();
    if (idle === undefined) return false;
    clearTimeout(idle.timer);
    idle.backend.close();
    return true;
  }

  async #openNew(key: string, login: Login): Promise<SocketBackend> {
    this.#openingCount++;
    try {
      const backend = await openBackend(this.#address, login, this.#passwordOf(login.user));
      this.counters.opened++;
      this.#open.add(backend);
      backend.onEnd = () => this.#ended(backend);
      backend.onRelease = () => void this.#keep(key, backend);
      return backend;
    } catch (error) {
      this.counters.refused++;
      this.#wakeOne();
      throw error;
    } finally {
      this.#openingCount--;
    }
  }

  #ended(backend: SocketBackend): void {
    this.#open.delete(backend);
    this.#wakeOne();
  }

  async #keep(key: string, backend: SocketBackend): Promise<void> {
    if (!(await backend.reset())) return backend.close();
    const timer = setTimeout(() => this.#forget(backend), LIMITS.backendIdleMs).unref();
    this.#idle.push({ key, backend, timer });
    backend.watch(() => this.#forget(backend)); // an idle session that says something is about to end
    this.#wakeOne();
  }

  #forget(backend: SocketBackend): void {
    const index = this.#idle.findIndex((idle) => idle.backend === backend);
    if (index < 0) return;
    clearTimeout(this.#idle[index]?.timer);
    this.#idle.splice(index, 1);
    backend.close();
  }

  #wakeOne(): void {
    this.#waiting.shift()?.proceed();
  }

  async #untilOneIsFree(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const over = (settle: () => void): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', aborted);
        const index = this.#waiting.indexOf(waiting);
        if (index >= 0) this.#waiting.splice(index, 1);
        settle();
      };
      const waiting: Waiting = { proceed: () => over(resolve) };
      const aborted = (): void => over(() => reject(signal.reason as Error));
      const timer = setTimeout(() => {
        this.counters.refused++;
        over(() => reject(new DatabaseRefused(TOO_MANY)));
      }, LIMITS.backendWaitMs);
      signal.addEventListener('abort', aborted);
      this.#waiting.push(waiting);
    });
  }

  /** Closes what is open. */
  close(): void {
    for (const { timer } of this.#idle.splice(0)) clearTimeout(timer);
    for (const backend of [...this.#open]) backend.close();
  }
}

const TOO_MANY = {
  severity: 'FATAL',
  code: '53300',
  message: 'sorry, too many clients already',
  detail: 'All sessions at the database that this front-end may open are in use.',
} as const;

/** P2. */
function keyOf({ user, database, parameters }: Login): string {
  return JSON.stringify([user, database, Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1))]);
}
