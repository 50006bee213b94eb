// Requests to cancel a query: they come on a connection of their own, to any member, and have to find the session.
//
// Each session has a process id and a key of the front-end's, which stay the same wherever it goes. A request that fits no
// session here is announced to the other members through the database, where others may listen and speak as well. So
//   C1. an announcement has no key in it, only a mac that who knows the key and the members' secret can compare;
//   C2. it is good once, and for a minute;
//   C3. only a key that a member has given out is announced: a part of each key is a mac of the rest, so what somebody guesses
//       is dropped where it arrives, and takes nothing from those who have a session to cancel.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { LIMITS } from '../limits.js';
import type { CancelKey } from './session-record.js';

/** Bytes of a key, by chance and of the mac (C3): protocol 3.0 has four, 3.2 up to 256. */
const KEY_PARTS = {
  short: { chanceLength: 1, macLength: 3 },
  long: { chanceLength: 16, macLength: 16 },
} as const;
const NONCE_LENGTH = 12;
/** Of an announcement, by the members' clocks. */
const VALID_MS = 60_000;
const WINDOW_MS = 1000;

export interface CancelSurroundings {
  /** Shared by all members. */
  readonly secret: Uint8Array;
  random(length: number): Buffer;
  /** Milliseconds since 1970, by this machine's clock. */
  now(): number;
  /** Tells the other members. */
  announce(announcement: string): void;
}

interface Entry {
  readonly key: Buffer;
  readonly cancel: () => void;
}

export class CancelDesk {
  readonly #surroundings: CancelSurroundings;
  /** By process id; of two sessions with the same one the keys differ. */
  readonly #sessions = new Map<number, Set<Entry>>();
  /** Announcements that were heard, and until when they would be good. */
  readonly #heard = new Map<string, number>();
  #windowAt = -Infinity;
  /** Of this window: how many were announced, and of which sessions. */
  #windowCount = 0;
  readonly #windowCounts = new Map<string, number>();

  constructor(surroundings: CancelSurroundings) {
    this.#surroundings = surroundings;
  }

  newKey(length: keyof typeof KEY_PARTS): CancelKey {
    const { chanceLength, macLength } = KEY_PARTS[length];
    const processId = this.#surroundings.random(4).readUInt32BE(0) & 0x7fff_ffff;
    const chance = this.#surroundings.random(chanceLength);
    return { processId, key: Buffer.concat([chance, this.#keyMacOf(processId, chance, macLength)]) };
  }

  /** A name that no other connection has, for one that has no cid. */
  newName(): string {
    return this.#surroundings.random(NONCE_LENGTH).toString('hex');
  }

  /** From now on `cancel` is called for requests with this key. Answers how to end that. */
  register({ processId, key }: CancelKey, cancel: () => void): () => void {
    const entry: Entry = { key, cancel };
    const entries = this.#sessions.get(processId) ?? new Set();
    this.#sessions.set(processId, entries.add(entry));
    return () => {
      entries.delete(entry);
      if (entries.size === 0 && this.#sessions.get(processId) === entries) this.#sessions.delete(processId);
    };
  }

  /** A client's request. Of those that fit no session here so many are announced; beyond it they are dropped. */
  request({ processId, key }: CancelKey): void {
    const isHere = this.#cancelWhere(processId, (entry) => isSame(entry.key, key));
    if (isHere || !this.#isGivenOut(processId, key) || !this.#admits(`${processId} ${key.toString('hex')}`)) return;
    const head = [processId, this.#surroundings.now(), this.#surroundings.random(NONCE_LENGTH).toString('base64')];
    this.#surroundings.announce([...head, this.#macOf(head.join(' '), key).toString('base64')].join(' '));
  }

  /** What another member, or anybody, has announced. What is not good does nothing. */
  hear(announcement: string): void {
    const [processId = '', time = '', nonce = '', mac = '', ...more] = announcement.split(' ');
    const now = this.#surroundings.now();
    if (more.length > 0 || !(Math.abs(now - Number(time)) <= VALID_MS)) return;
    const head = [processId, time, nonce].join(' ');
    const told = Buffer.from(mac, 'base64');
    this.#cancelWhere(
      Number(processId),
      (entry) => isSame(this.#macOf(head, entry.key), told) && this.#isFirst(head, now),
    );
  }

  #cancelWhere(processId: number, isMeant: (entry: Entry) => boolean): boolean {
    const meant = [...(this.#sessions.get(processId) ?? [])].find(isMeant);
    meant?.cancel();
    return meant !== undefined;
  }

  /** C3. By any member; whether its session is still there is not known. */
  #isGivenOut(processId: number, key: Buffer): boolean {
    return Object.values(KEY_PARTS).some(({ chanceLength, macLength }) => {
      const mac = this.#keyMacOf(processId, key.subarray(0, chanceLength), macLength);
      return isSame(key.subarray(chanceLength), mac);
    });
  }

  #keyMacOf(processId: number, chance: Uint8Array, length: number): Buffer {
    const mac = createHmac('sha256', this.#surroundings.secret).update(`key ${processId} `).update(chance);
    return mac.digest().subarray(0, length);
  }

  /** C1. */
  #macOf(head: string, key: Uint8Array): Buffer {
    return createHmac('sha256', this.#surroundings.secret).update(`cancel ${head} `).update(key).digest();
  }

  /** C2. Asked only of announcements whose mac is right, so nobody else can fill the memory. */
  #isFirst(head: string, now: number): boolean {
    for (const [heard, until] of this.#heard) if (until < now) this.#heard.delete(heard);
    if (this.#heard.has(head)) return false;
    this.#heard.set(head, now + 2 * VALID_MS);
    return true;
  }

  #admits(session: string): boolean {
    const now = this.#surroundings.now();
    if (now - this.#windowAt >= WINDOW_MS) {
      this.#windowAt = now;
      this.#windowCount = 0;
      this.#windowCounts.clear();
    }
    const count = (this.#windowCounts.get(session) ?? 0) + 1;
    const isAdmitted = count <= LIMITS.sessionCancelCountPerSecond && this.#windowCount < LIMITS.cancelCountPerSecond;
    if (!isAdmitted) return false;
    this.#windowCounts.set(session, count);
    this.#windowCount++;
    return true;
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
