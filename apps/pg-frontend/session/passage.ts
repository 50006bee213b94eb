// What passes between client and database as it comes, unread: messages that are too large to be kept, and the data of a COPY.
//
// Only under the lock: what has been passed on is nowhere kept, so nobody else could pass it on again.

import { BackendLost } from '../database/database.js';
import { extentOf, FLUSH, SYNC } from '../wire/frontend-messages.js';
import { FRONTEND, HEADER_LENGTH, message } from '../wire/message.js';
import { SessionEnded, type Backing } from './backing.js';
import { SYNCHRONIZATION_LOST } from './complaints.js';
import type { Exchange } from './exchange.js';
import type { SessionFields } from './session-fields.js';

/** What ends the client's data. */
const ENDS_A_COPY = new Set<number>([FRONTEND.copyDone, FRONTEND.copyFail]);
/** What may be among them. */
const OF_A_COPY = new Set<number>([FRONTEND.copyData, FRONTEND.flush, FRONTEND.sync, ...ENDS_A_COPY]);

/** What a passage needs of the dialogue that it is part of. */
export interface PassageEnds {
  readonly fields: Pick<SessionFields, 'pending'>;
  readonly backing: Backing;
  /** More of the client's bytes, at the end of `pending`. */
  read(): Promise<'more' | 'ended'>;
  /** Gives the client what there is of the answer. */
  relay(): Promise<void>;
  /** Moves the restart point up: what was passed on is not kept. */
  snapshot(): void;
}

export class Passage {
  readonly #ends: PassageEnds;
  /** Of the message that is under way. */
  #remainingLength = 0;
  #isEnded = false;
  /** The message that is under way ends the client's data. */
  #isLast = false;
  /** Something came among them that is no part of a COPY. */
  #isBrokenOff = false;

  constructor(ends: PassageEnds) {
    this.#ends = ends;
  }

  /** A part of a message has been passed on, and the rest has not. */
  get isUnderWay(): boolean {
    return this.#remainingLength > 0;
  }

  /** A message that is too large to be looked at goes to the database as it comes. */
  async passRequest(exchange: Exchange, length: number): Promise<'taken' | 'ended'> {
    const { fields, backing } = this.#ends;
    const { backend } = backing;
    exchange.askUnread(fields.pending);
    this.#remainingLength = length;
    for (;;) {
      this.#pass();
      if (this.#remainingLength === 0) break;
      await backend.drained();
      if ((await this.#ends.read()) === 'ended') return 'ended';
      this.#ends.snapshot();
    }
    if (!exchange.isAsked) backend.write(FLUSH);
    return 'taken';
  }

  /** As much of the message that is being passed as is there. */
  #pass(): void {
    const { pending } = this.#ends.fields;
    const piece = pending.subarray(0, this.#remainingLength);
    if (piece.length === 0) return;
    this.#ends.backing.backend.write(piece);
    this.#remainingLength -= piece.length;
    this.#ends.fields.pending = pending.subarray(piece.length);
  }

  /** COPY: both sides may speak at the same time. */
  async copy(exchange: Exchange): Promise<'over' | 'ended'> {
    const feeding = exchange.isCopyingIn ? this.#feed(exchange) : undefined;
    feeding?.catch(() => undefined);
    try {
      while (exchange.progress === 'copying') {
        await this.#ends.relay();
        exchange.receive(await this.#ends.backing.backend.read());
      }
    } catch (error) {
      if (this.#isEnded) return 'ended'; // the client's end has closed the session
      if (!this.#isBrokenOff || !(error instanceof BackendLost)) throw error;
    }
    if (this.#isBrokenOff) return this.#endBrokenOff(exchange);
    // The database has refused the data in the midst of a message.
    while (this.#remainingLength > 0) {
      this.#pass();
      if (this.#remainingLength > 0 && (await this.#ends.read()) === 'ended') return 'ended';
    }
    return 'over';
  }

  /** The client's data, up to CopyDone or CopyFail, or until the database wants no more. */
  async #feed(exchange: Exchange): Promise<void> {
    while (exchange.isCopyingIn) {
      const fed = this.#feedWhatIsThere();
      if (fed === 'done') return;
      await this.#ends.backing.backend.drained();
      if (!exchange.isCopyingIn) return;
      if ((await this.#ends.read()) === 'ended') {
        this.#isEnded = true;
        this.#ends.backing.close();
        return;
      }
    }
  }

  #feedWhatIsThere(): 'more' | 'done' {
    this.#pass();
    for (;;) {
      if (this.#remainingLength > 0) return 'more';
      if (this.#isLast) {
        this.#isLast = false;
        return 'done';
      }
      const extent = extentOf(this.#ends.fields.pending, 0);
      if (extent.kind === 'nothing') return 'more';
      if (extent.kind === 'malformed' || !OF_A_COPY.has(extent.type)) return this.#breakOff();
      this.#remainingLength = extent.length;
      this.#isLast = ENDS_A_COPY.has(extent.type);
      this.#pass();
    }
  }

  /**
   * What is no part of a COPY ends the session, in the database's own words. It is shown no more of it than it takes to say
   * them; the Sync makes a database speak that has ended the COPY by itself meanwhile.
   */
  #breakOff(): 'done' {
    const head = this.#ends.fields.pending.subarray(0, HEADER_LENGTH);
    const [type = 0] = head;
    this.#ends.backing.backend.write(Buffer.concat([OF_A_COPY.has(type) ? head : message(type), SYNC]));
    this.#isBrokenOff = true;
    return 'done';
  }

  /** Up to the end that the database makes of it. */
  async #endBrokenOff(exchange: Exchange): Promise<never> {
    try {
      while (exchange.progress !== 'lost' && exchange.progress !== 'ready')
        exchange.receive(await this.#ends.backing.backend.read());
    } catch (error) {
      if (!(error instanceof BackendLost)) throw error;
    }
    await this.#ends.relay();
    const { C: code, M: text } = exchange.lastWords ?? {};
    throw new SessionEnded({ ...SYNCHRONIZATION_LOST, ...(code && text && { code, message: text }) });
  }
}
