// The pool: sessions at the database, for each (user, database) those that nobody uses, reset and ready for the next client.
//
//   P1. A session that was in a transaction when its client left is closed, never used again: that it is gone is how the
//       transaction's next member knows that the transaction is dead.
//   P2. Only a client with the same startup parameters takes a session that was opened with them: RESET goes back to those.
//   P3. There are never more than `backendCount`; idle ones give way first, then clients wait, then they are refused.
//   P4. Who waits is served in the order of coming, before whoever comes later: what becomes free is given to the first at once,
//       not fought for. So nobody waits for longer than `backendWaitMs`.

import { LIMITS } from '../limits.js';
import type { Login } from '../session/session-record.js';
import { openBackend, type DatabaseAddress, type SocketBackend } from './backend-adapter.js';
import { DatabaseRefused, type Backend, type Database } from './database.js';

interface Idle {
  readonly key: string;
  readonly backend: SocketBackend;
  readonly timer: NodeJS.Timeout;
}

/** What a client is given: a session, or the room to open one. */
type Place = { readonly kind: 'session'; readonly backend: SocketBackend } | { readonly kind: 'room' };

interface Waiting {
  readonly key: string;
  readonly proceed: (place: Place) => void;
  readonly refuse: (reason: Error) => void;
}

export interface PoolLimits {
  readonly backendCount: number;
  readonly backendWaitMs: number;
}

export interface PoolCounters {
  opened: number;
  reused: number;
  refused: number;
}

export class BackendPool implements Database {
  readonly #address: DatabaseAddress;
  readonly #passwordOf: (user: string) => string | undefined;
  readonly #limits: PoolLimits;
  readonly #idle: Idle[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #open = new Set<SocketBackend>();
  #openingCount = 0;
  readonly counters: PoolCounters = { opened: 0, reused: 0, refused: 0 };

  constructor(address: DatabaseAddress, passwordOf: (user: string) => string | undefined, limits: PoolLimits = LIMITS) {
    this.#address = address;
    this.#passwordOf = passwordOf;
    this.#limits = limits;
  }

  /** Sessions that are open, and those of them that nobody uses. */
  get size(): { readonly open: number; readonly idle: number } {
    return { open: this.#open.size, idle: this.#idle.length };
  }

  async open(login: Login, signal: AbortSignal): Promise<Backend> {
    signal.throwIfAborted();
    const key = keyOf(login);
    const place = this.#take(key) ?? (await this.#wait(key, signal));
    if (signal.aborted) {
      this.#giveBack(key, place); // it left in the instant in which it was served
      throw signal.reason as Error;
    }
    if (place.kind === 'room') return this.#openNew(key, login);
    this.counters.reused++;
    return place.backend;
  }

  /** P3. Undefined where there is nothing to be had. */
  #take(key: string): Place | undefined {
    const backend = this.#takeIdle(key);
    if (backend !== undefined) return { kind: 'session', backend };
    if (this.#open.size + this.#openingCount >= this.#limits.backendCount && !this.#evict()) return undefined;
    this.#openingCount++;
    return { kind: 'room' };
  }

  #takeIdle(key: string): SocketBackend | undefined {
    for (let index = this.#idle.length - 1; index >= 0; index--) {
      const idle = this.#idle[index];
      if (idle?.key !== key) continue;
      this.#idle.splice(index, 1);
      clearTimeout(idle.timer);
      idle.backend.watch(undefined);
      if (idle.backend.isOpen) return idle.backend;
      this.#drop(idle.backend);
    }
    return undefined;
  }

  /** Answers whether there was one to close. */
  #evict(): boolean {
    const idle = this.#idle.shift();
    if (idle === undefined) return false;
    clearTimeout(idle.timer);
    this.#drop(idle.backend);
    return true;
  }

  /** Its place is somebody's already: nobody is told that it has become free. */
  #drop(backend: SocketBackend): void {
    backend.onEnd = () => undefined;
    this.#open.delete(backend);
    backend.close();
  }

  async #openNew(key: string, login: Login): Promise<SocketBackend> {
    try {
      const backend = await openBackend(this.#address, login, this.#passwordOf(login.user));
      this.counters.opened++;
      this.#open.add(backend);
      backend.onEnd = () => this.#ended(backend);
      backend.onRelease = () => void this.#keep(key, backend);
      return backend;
    } catch (error) {
      this.counters.refused++;
      throw error;
    } finally {
      this.#openingCount--;
      this.#serve();
    }
  }

  #ended(backend: SocketBackend): void {
    this.#open.delete(backend);
    this.#serve();
  }

  async #keep(key: string, backend: SocketBackend): Promise<void> {
    if (!(await backend.reset())) return backend.close();
    this.#rest(key, backend);
    this.#serve();
  }

  #rest(key: string, backend: SocketBackend): void {
    const timer = setTimeout(() => this.#forget(backend), LIMITS.backendIdleMs).unref();
    this.#idle.push({ key, backend, timer });
    backend.watch(() => this.#forget(backend)); // an idle session that says something is about to end
  }

  #forget(backend: SocketBackend): void {
    const index = this.#idle.findIndex((idle) => idle.backend === backend);
    if (index < 0) return;
    clearTimeout(this.#idle[index]?.timer);
    this.#idle.splice(index, 1);
    backend.close();
  }

  /** P4. */
  #serve(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const place = this.#take(first.key);
      if (place === undefined) return;
      first.proceed(place);
    }
  }

  #giveBack(key: string, place: Place): void {
    if (place.kind === 'session') this.#rest(key, place.backend);
    else this.#openingCount--;
    this.#serve();
  }

  #wait(key: string, signal: AbortSignal): Promise<Place> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', aborted);
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      };
      const waiting: Waiting = {
        key,
        proceed: (place) => {
          leave();
          resolve(place);
        },
        refuse: (reason) => {
          leave();
          reject(reason);
        },
      };
      const aborted = (): void => waiting.refuse(signal.reason as Error);
      const timer = setTimeout(() => {
        this.counters.refused++;
        waiting.refuse(new DatabaseRefused(TOO_MANY));
      }, this.#limits.backendWaitMs);
      signal.addEventListener('abort', aborted);
      this.#waiting.push(waiting);
    });
  }

  /** Closes what is open; who waits is refused. */
  close(): void {
    for (const waiting of [...this.#waiting]) waiting.refuse(new DatabaseRefused(CLOSED));
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

const CLOSED = {
  severity: 'FATAL',
  code: '57P01',
  message: 'terminating connection due to administrator command',
} as const;

/** P2. */
function keyOf({ user, database, parameters }: Login): string {
  return JSON.stringify([user, database, Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1))]);
}
