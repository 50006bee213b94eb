// The notifications of a client that listens: each is given to it once, in order, wherever its session goes.
//
// The database has one queue of notifications, in one order for all who listen, so the queue is the clock that the members
// share. Each session at the database that serves the client in turn has one of these. Besides the client's channels it
// listens to a channel of its own, on which its successor leaves a marker: what was notified before the marker is for the
// session before, what is notified behind it for the successor.
//   N1. Before its own marker a session drops what it hears: its origin hears it as well, and hands it over.
//   N2. Behind it, what it hears is kept back until the origin has handed over everything, or is not waited for any longer.
//       Then what was handed over goes first.
//   N3. What is given to the client is numbered. A restart point knows the last number that it covers, the marker says it,
//       and the origin hands over what lies behind that number, whether or not it had been written.
//   N4. An origin hears nothing for the client any more behind the marker of a later turn. It hands over when it has been
//       handed everything itself. One that has not seen its own marker has nothing to hand over: its own origin sees the
//       later marker too, and answers that.
//   N5. Nothing but whole notifications, of other channels than our own, is taken of what is handed over. Where
//       there is anything else it is none: the origin's own is still waited for.
//   N6. What is handed over too late is given to the client all the same, out of its order: late is better than never.
//
// Pure: messages of the database go in, and what is to be done comes out. Whoever has the clock says `expire`.

import { LIMITS } from '../limits.js';
import { readHandedOver, readNotification, type Arrival, type HandOverChannel } from './hand-over.js';

type Inlet =
  /** N1. */
  | { readonly kind: 'before-marker' }
  /** N2. */
  | { readonly kind: 'behind-marker'; readonly handed: Handed; readonly kept: Buffer[] }
  /** N6. */
  | { readonly kind: 'late'; readonly handed: Handed }
  /** Nobody has anything to hand over. */
  | { readonly kind: 'direct' };

interface Handed {
  pieces: Buffer[];
  length: number;
}

type Outlet =
  | { readonly kind: 'client' }
  /** The client is with another session now, or will be. */
  | { readonly kind: 'collection' }
  /** N4. */
  | { readonly kind: 'successor'; readonly arrival: Arrival }
  | { readonly kind: 'nobody' };

/** What an origin owes the session that has taken its place. */
export type Answer =
  | { readonly kind: 'not-yet' }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'hand-over'; readonly turn: number; readonly messages: readonly Buffer[] };

export class Notifications {
  readonly #channel: HandOverChannel;
  readonly #turn: number;
  #inlet: Inlet;
  #outlet: Outlet = { kind: 'client' };
  /** For the client, in order, from the number `#coveredCount` + 1 on (N3). */
  #messages: Buffer[] = [];
  #coveredCount: number;
  /** Of `#messages`: those that have been written. */
  #writtenCount = 0;
  /** Bytes of what is kept, for the client or back from it. */
  #keptLength = 0;
  #droppedCount = 0;
  #refusedLength = 0;

  /** `has`: whether there is a session before this one that will hand over what it has heard. */
  constructor(channel: HandOverChannel, { turn, count }: Arrival, has: 'an-origin' | 'no-origin') {
    this.#channel = channel;
    this.#turn = turn;
    this.#coveredCount = count;
    this.#inlet = { kind: has === 'an-origin' ? 'before-marker' : 'direct' };
  }

  /** The number of the last notification that was written to the client (N3). */
  get count(): number {
    return this.#coveredCount + this.#writtenCount;
  }

  /** The origin has still to hand over, and should not be waited for very long. */
  get isWaiting(): boolean {
    return this.#inlet.kind === 'behind-marker';
  }

  /** Notifications that were lost because there were too many of them. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Bytes that were handed over and are no notifications (N5). */
  get refusedLength(): number {
    return this.#refusedLength;
  }

  /** A NotificationResponse, whole, in the order of the queue. */
  hear(whole: Buffer): void {
    const notification = readNotification(whole);
    if (notification?.channel === this.#channel.name) this.#heed(notification.payload);
    else this.#accept(whole);
  }

  #heed(payload: string): void {
    const said = this.#channel.read(payload);
    switch (said.kind) {
      case 'arrived':
        return this.#marked(said);
      case 'piece':
        if (said.turn === this.#turn) this.#handed(said.index, said.bytes);
        return;
      case 'end':
        if (said.turn === this.#turn) this.#end();
        return;
      case 'unknown':
        return;
    }
  }

  #marked(arrival: Arrival): void {
    const isBefore = this.#inlet.kind === 'before-marker';
    if (arrival.turn === this.#turn && isBefore) {
      this.#inlet = { kind: 'behind-marker', handed: { pieces: [], length: 0 }, kept: [] };
    } else if (arrival.turn > this.#turn && this.#outlet.kind === 'collection') {
      this.#outlet = isBefore ? { kind: 'nobody' } : { kind: 'successor', arrival }; // N4
    }
  }

  /** The pieces of one hand-over follow each other in the queue: what does not fit among them is said again by somebody else. */
  #handed(index: number, bytes: Buffer): void {
    if (this.#inlet.kind !== 'behind-marker' && this.#inlet.kind !== 'late') return;
    const { handed } = this.#inlet;
    if (index === 0) [handed.pieces, handed.length] = [[], 0];
    if (index !== handed.pieces.length || handed.length + bytes.length > LIMITS.handOverLength) return;
    handed.pieces.push(bytes);
    handed.length += bytes.length;
  }

  #end(): void {
    const inlet = this.#inlet;
    if (inlet.kind !== 'behind-marker' && inlet.kind !== 'late') return;
    const handed = readHandedOver(Buffer.concat(inlet.handed.pieces), this.#channel.name);
    if (handed === undefined) {
      this.#refusedLength += inlet.handed.length; // N5
      [inlet.handed.pieces, inlet.handed.length] = [[], 0];
      return;
    }
    for (const message of handed) this.#keptLength += message.length;
    this.#messages.push(...handed, ...(inlet.kind === 'late' ? [] : inlet.kept)); // N2, N6
    this.#inlet = { kind: 'direct' };
  }

  #accept(whole: Buffer): void {
    if (this.#inlet.kind === 'before-marker') return; // N1
    if (this.#outlet.kind === 'successor' || this.#outlet.kind === 'nobody') return; // N4
    if (this.#keptLength + whole.length > LIMITS.handOverLength) {
      if (this.#outlet.kind === 'collection') {
        this.#droppedCount++;
        return;
      }
      this.expire();
    }
    this.#keptLength += whole.length;
    (this.#inlet.kind === 'behind-marker' ? this.#inlet.kept : this.#messages).push(whole);
  }

  /** The origin is not waited for any longer. */
  expire(): void {
    if (this.#inlet.kind !== 'behind-marker') return;
    const { handed, kept } = this.#inlet;
    this.#messages.push(...kept);
    this.#inlet = { kind: 'late', handed };
  }

  /** What is to be written to the client now; `count` includes it. */
  take(): readonly Buffer[] {
    if (this.#outlet.kind !== 'client') return [];
    const taken = this.#messages.slice(this.#writtenCount);
    this.#writtenCount = this.#messages.length;
    return taken;
  }

  /** A restart point has been taken: what has been written is never to be given again. */
  cover(): void {
    if (this.#writtenCount === 0 || this.#outlet.kind !== 'client') return;
    for (const message of this.#messages.splice(0, this.#writtenCount)) this.#keptLength -= message.length;
    this.#coveredCount += this.#writtenCount;
    this.#writtenCount = 0;
  }

  /** Another session takes the place of this one. */
  leave(): void {
    if (this.#outlet.kind === 'client') this.#outlet = { kind: 'collection' };
  }

  get answer(): Answer {
    if (this.#outlet.kind === 'nobody') return { kind: 'nothing' };
    if (this.#outlet.kind !== 'successor' || this.isWaiting) return { kind: 'not-yet' };
    const { turn, count } = this.#outlet.arrival;
    const coveredCount = Math.min(count - this.#coveredCount, this.#writtenCount);
    return { kind: 'hand-over', turn, messages: this.#messages.slice(Math.max(0, coveredCount)) }; // N3
  }
}
