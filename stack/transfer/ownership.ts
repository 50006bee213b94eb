// What a member remembers of connections that are not here any more (S2): a table from cid to one of two answers.
//
//   departed  the image has left; until its receiver says that it is installed the image is kept, in case it never arrived
//   finished  it ended here: nobody may resume an older image of it
//
// What is here, or on its way here, the host knows itself.

import type { ConnectionId, MemberId } from '../wire/migrate-options.js';

export interface Departed {
  readonly kind: 'departed';
  readonly epoch: number;
  readonly to: MemberId;
  /** To check the requests that still come here. */
  readonly key: Uint8Array;
  readonly retained: Retained;
}

export type Retained =
  /** The receiver has not confirmed: it may have been lost on the way. `incarnation` is the receiver's when it left, if known. */
  | {
      readonly kind: 'unconfirmed';
      readonly image: Uint8Array;
      readonly incarnation: string | undefined;
      readonly until: number;
    }
  /** The receiver promised that it does not have this image, and never will: it may be resumed from here. */
  | {
      readonly kind: 'disclaimed';
      readonly image: Uint8Array;
      readonly incarnation: string | undefined;
      readonly until: number;
    }
  /** The receiver has it: only the pointer is left. */
  | { readonly kind: 'confirmed'; readonly until: number };

export interface Finished {
  readonly kind: 'finished';
  readonly epoch: number;
  readonly until: number;
}

export interface OwnershipLimits {
  readonly imageRetentionMs: number;
  readonly retainedImagesLength: number;
  readonly forwardingPointerMs: number;
  readonly forwardingPointerCount: number;
}

/** The departed and finished entries; `here` and `arriving` belong to the host, which keeps them beside their work. */
export class FormerConnections {
  readonly #entries = new Map<ConnectionId, Departed | Finished>();
  readonly #limits: OwnershipLimits;
  #retainedLength = 0;
  #retainedCount = 0;

  constructor(limits: OwnershipLimits) {
    this.#limits = limits;
  }

  /** Images that no receiver has confirmed. */
  get retainedCount(): number {
    return this.#retainedCount;
  }

  /** How much is remembered, to be held against the limits (S6). */
  sizes(): { readonly formerConnections: number; readonly retainedLength: number } {
    return { formerConnections: this.#entries.size, retainedLength: this.#retainedLength };
  }

  get(cid: ConnectionId, now: number): Departed | Finished | undefined {
    const entry = this.#entries.get(cid);
    if (entry === undefined) return undefined;
    if (untilOf(entry) > now) return entry;
    this.delete(cid);
    return undefined;
  }

  /** The image has just been given to `to`. */
  depart(
    now: number,
    cid: ConnectionId,
    left: {
      readonly epoch: number;
      readonly to: MemberId;
      readonly key: Uint8Array;
      readonly image: Uint8Array;
      readonly incarnation: string | undefined;
    },
  ): void {
    const { epoch, to, key, image, incarnation } = left;
    const until = now + this.#limits.imageRetentionMs;
    this.#put(now, cid, {
      kind: 'departed',
      epoch,
      to,
      key,
      retained: { kind: 'unconfirmed', image, incarnation, until },
    });
  }

  /** The receiver owns it. */
  confirm(now: number, cid: ConnectionId, from: MemberId, epoch: number): void {
    const entry = this.#departedTo(cid, from, epoch);
    if (entry === undefined) return;
    const until = now + this.#limits.forwardingPointerMs;
    this.#put(now, cid, { ...entry, retained: { kind: 'confirmed', until } });
  }

  /** The receiver has not taken the image and will not: it is ours to resume. */
  disclaim(now: number, cid: ConnectionId, from: MemberId, epoch: number): void {
    const entry = this.#departedTo(cid, from, epoch);
    if (entry?.retained.kind !== 'unconfirmed') return;
    this.#put(now, cid, { ...entry, retained: { ...entry.retained, kind: 'disclaimed' } });
  }

  finish(now: number, cid: ConnectionId, epoch: number): void {
    this.#put(now, cid, { kind: 'finished', epoch, until: now + this.#limits.imageRetentionMs });
  }

  delete(cid: ConnectionId): void {
    const entry = this.#entries.get(cid);
    if (entry === undefined) return;
    this.#retainedLength -= imageLength(entry);
    if (imageLength(entry) > 0) this.#retainedCount--;
    this.#entries.delete(cid);
  }

  /** An answer is about the departure that it names, or about an older one that is over. */
  #departedTo(cid: ConnectionId, from: MemberId, epoch: number): Departed | undefined {
    const entry = this.#entries.get(cid);
    if (entry?.kind !== 'departed' || entry.to !== from || entry.epoch !== epoch) return undefined;
    return entry;
  }

  #put(now: number, cid: ConnectionId, entry: Departed | Finished): void {
    this.delete(cid);
    this.#entries.set(cid, entry);
    this.#retainedLength += imageLength(entry);
    if (imageLength(entry) > 0) this.#retainedCount++;
    this.#forgetOverdue(now);
    while (this.#entries.size > this.#limits.forwardingPointerCount) this.#deleteOldest(() => true);
    // Only an image frees room; pointers and tombstones are what keeps an older image from being resumed (S2).
    while (this.#retainedLength > this.#limits.retainedImagesLength) {
      this.#deleteOldest((candidate) => imageLength(candidate) > 0);
    }
  }

  /** Entries are in the order in which they came, not of their ends: a few of the oldest are looked at each time. */
  #forgetOverdue(now: number): void {
    let looked = 0;
    for (const [cid, entry] of this.#entries) {
      if (looked++ === OVERDUE_LOOK_COUNT) return;
      if (untilOf(entry) <= now) this.delete(cid);
    }
  }

  #deleteOldest(matches: (entry: Departed | Finished) => boolean): void {
    for (const [cid, entry] of this.#entries) {
      if (matches(entry)) return this.delete(cid);
    }
  }
}

const OVERDUE_LOOK_COUNT = 8;

function untilOf(entry: Departed | Finished): number {
  return entry.kind === 'finished' ? entry.until : entry.retained.until;
}

function imageLength(entry: Departed | Finished): number {
  return entry.kind === 'departed' && entry.retained.kind !== 'confirmed' ? entry.retained.image.length : 0;
}
