// What passes between client and database as it comes, unread: messages that are too large to be kept, and the data of a COPY.
//
// Only under the lock: what has been passed on is nowhere kept, so nobody else could pass it on again.

import { extentOf, FLUSH } from '../wire/frontend-messages.js';
import { cString, FRONTEND, message } from '../wire/message.js';
import type { Backing } from './backing.js';
import type { Exchange } from './exchange.js';
import type { SessionFields } from './session-fields.js';

/** What may be among the client's data; anything else ends them, and the database says whether it may. */
const OF_A_COPY = new Set<number>([FRONTEND.copyData, FRONTEND.flush, FRONTEND.sync]);

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
      throw error;
    }
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
      if (extent.kind === 'malformed') return this.#refuseCopy();
      this.#remainingLength = extent.length;
      this.#isLast = !OF_A_COPY.has(extent.type);
      this.#pass();
    }
  }

  /** What is no message of the protocol can't be passed on: the session ends where it is next looked at. */
  #refuseCopy(): 'done' {
    this.#ends.backing.backend.write(message(FRONTEND.copyFail, cString('malformed message')));
    return 'done';
  }
}
