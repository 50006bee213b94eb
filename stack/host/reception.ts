// Who is let in: the listeners, their half-open connections, and what a SYN is answered with.
//
// A listener keeps `halfOpenCount` connections that are not open yet. Beyond that it keeps nothing: it answers with a SYN
// cookie, and a client that returns it is a connection. So a flood from addresses that are not the sender's own locks nobody
// out. Clients that have returned a cookie and not finished their set-up are as many again.

import { makeConnectionId, CONNECTION_ID_RANDOM_LENGTH } from '../migration/connection-id.js';
import { openAnswered, openServer, poll } from '../migration/connection.js';
import type { MigratoryRecord, Terms } from '../migration/record.js';
import type { TcpRecord } from '../tcp/state.js';
import { sequenceBeyond } from '../tcp/time-wait.js';
import type { Address } from '../wire/address.js';
import type { ConnectionId } from '../wire/migrate-options.js';
import { FLAG, type Segment } from '../wire/segment.js';
import type { HostCounters } from './counters.js';
import { HostConnection, type Waiting } from './host-connection.js';
import { seedForPath } from './isn.js';
import { Listener, type ListenerOptions } from './listener.js';
import type { HostOptions } from './options.js';
import { tcpFor } from './paths.js';
import { cookieFor, promisable, synOfCookie } from './syn-cookies.js';

export interface ReceptionOptions extends HostOptions {
  readonly secret: Uint8Array;
}

export type Welcome =
  | { readonly kind: 'connection'; readonly connection: HostConnection }
  | { readonly kind: 'answer'; readonly segment: Segment }
  | { readonly kind: 'dropped' }
  /** Nobody listens there. */
  | { readonly kind: 'nobody' };

/** For so long after the last cookie one may come back. */
const COOKIE_RETURN_MS = 128_000;

const PLAIN: Terms = Object.freeze({ kind: 'plain' });

export class Reception {
  readonly listeners = new Map<number, Listener>();
  readonly #options: ReceptionOptions;
  readonly #counters: HostCounters;
  readonly #isTaken: (cid: ConnectionId, now: number) => boolean;
  #cookiesUntil = -Infinity;

  constructor(options: ReceptionOptions, counters: HostCounters, isTaken: (cid: ConnectionId, now: number) => boolean) {
    this.#options = options;
    this.#counters = counters;
    this.#isTaken = isTaken;
  }

  listen(options: ListenerOptions): Listener {
    const listener = new Listener(options);
    this.listeners.set(options.port, listener);
    return listener;
  }

  /** Connections that are not open yet: those that wait for their SYN/ACK's answer, and those that returned a cookie. */
  waitingCounts(): { readonly halfOpen: number; readonly returned: number } {
    let [halfOpen, returned] = [0, 0];
    for (const listener of this.listeners.values()) {
      halfOpen += listener.halfOpen.count;
      returned += listener.returned.count;
    }
    return { halfOpen, returned };
  }

  isAccepting(local: Address): boolean {
    return this.listeners.get(local.port)?.accepting === true;
  }

  /**
   * A SYN, while the host has `connectionCount` connections; `former` is the one of them that gives way to it, should it become
   * a connection.
   */
  welcome(
    now: number,
    local: Address,
    remote: Address,
    syn: Segment,
    connectionCount: number,
    former: TcpRecord | undefined,
  ): Welcome {
    const listener = this.listeners.get(local.port);
    if (!listener?.accepting) return { kind: 'nobody' };
    const { limits, secret } = this.#options;
    const othersCount = former === undefined ? connectionCount : connectionCount - 1;
    if (othersCount >= limits.connectionCount) return this.#dropped('connectionLimitDrops');
    const seed = seedForPath(secret, now, local, remote);
    if (listener.halfOpen.count >= limits.halfOpenCount) {
      // A cookie is a mac, which can not be made to lie above what the former one has sent, as it must (RFC 9293 section 3.6.1);
      // and who returns it would find the former one still in its place. The SYN comes again.
      if (former !== undefined) return this.#dropped('halfOpenDrops');
      return this.#answerWithCookie(now, listener, local, remote, syn);
    }
    const initialSequence = former === undefined ? seed.initialSequence : sequenceBeyond(former, seed.initialSequence);
    const record = this.#open(now, listener, local, remote, syn, { ...seed, initialSequence });
    return connectionOf(record, listener, listener.halfOpen);
  }

  /** A segment that belongs to no connection: perhaps a client returns a cookie. */
  welcomeBack(now: number, local: Address, remote: Address, segment: Segment, connectionCount: number): Welcome {
    const listener = this.listeners.get(local.port);
    if (!listener?.accepting) return { kind: 'nobody' };
    // A listener answers what acknowledges something with a reset, and to anything else says nothing (RFC 9293 section 3.10.7.2).
    if ((segment.flags & FLAG.ack) === 0) return { kind: 'dropped' };
    if (now > this.#cookiesUntil) return { kind: 'nobody' };
    const { limits, secret, migration } = this.#options;
    const syn = synOfCookie(secret, now, pathOf(local, remote), segment);
    if (syn === undefined) return { kind: 'nobody' };
    if (connectionCount >= limits.connectionCount) return this.#dropped('connectionLimitDrops');
    if (listener.returned.count >= limits.halfOpenCount) return this.#dropped('halfOpenDrops');
    const { timestampOffset } = seedForPath(secret, now, local, remote);
    const seed = { initialSequence: (segment.acknowledgment - 1) >>> 0, timestampOffset };
    const terms = this.#drawTerms(now, listener);
    this.#counters.cookiesReturned++;
    return connectionOf(
      openAnswered(tcpFor(this.#options, local), migration, now, terms, local, remote, syn, seed),
      listener,
      listener.returned,
    );
  }

  #answerWithCookie(now: number, listener: Listener, local: Address, remote: Address, syn: Segment): Welcome {
    const { secret } = this.#options;
    const asked = promisable(syn, tcpFor(this.#options, local));
    this.#cookiesUntil = now + COOKIE_RETURN_MS;
    this.#counters.cookiesSent++;
    const seed = cookieFor(secret, now, pathOf(local, remote), asked, seedForPath(secret, now, local, remote));
    // Its answer is that of a connection, which is then forgotten.
    const output = poll(this.#open(now, listener, local, remote, asked, seed), now);
    return output.kind === 'transmit' ? { kind: 'answer', segment: output.segment } : { kind: 'dropped' };
  }

  #open(
    now: number,
    listener: Listener,
    local: Address,
    remote: Address,
    syn: Segment,
    seed: { readonly initialSequence: number; readonly timestampOffset: number },
  ): MigratoryRecord {
    const tcp = tcpFor(this.#options, local);
    return openServer(tcp, this.#options.migration, now, this.#drawTerms(now, listener), local, remote, syn, seed);
  }

  #drawTerms(now: number, listener: Listener): Terms {
    const { membership, drawRandom } = this.#options;
    if (membership === undefined || listener.options.migration === 'off') return PLAIN;
    const { id, members, identity } = membership;
    for (;;) {
      const cid = makeConnectionId(identity.tagKey, drawRandom(CONNECTION_ID_RANDOM_LENGTH));
      if (this.#isTaken(cid, now)) continue;
      return { kind: 'server', member: id, members, identity, cid, privateKey: drawRandom(32) };
    }
  }

  #dropped(counter: 'connectionLimitDrops' | 'halfOpenDrops'): Welcome {
    this.#counters[counter]++;
    return { kind: 'dropped' };
  }
}

function connectionOf(record: MigratoryRecord, listener: Listener, waiting: Waiting): Welcome {
  const connection = new HostConnection(record, listener);
  connection.waiting = waiting;
  waiting.count++;
  return { kind: 'connection', connection };
}

function pathOf(local: Address, remote: Address): string {
  return `${local.ip}|${local.port}|${remote.ip}|${remote.port}`;
}
