// The rooms of the chat: what was said in each, in order. Stands for a log that all members share.

import { setImmediate } from 'node:timers/promises';

export interface Message {
  /** In its room; the first is 1. */
  readonly number: number;
  readonly author: string;
  readonly text: string;
}

/** Messages as they come; `close` ends the iteration, also where it waits. */
export interface Feed extends AsyncIterable<Message> {
  close(): void;
}

export abstract class RoomLog {
  /** Does nothing where a message with this id has been appended already. */
  abstract append(room: string, id: string, message: Omit<Message, 'number'>): Promise<void>;
  /** What was said after the message `number`, and then what will be. */
  abstract follow(room: string, number: number): Feed;
}

export class RoomLogInMemory extends RoomLog {
  readonly #rooms = new Map<string, Message[]>();
  readonly #ids = new Set<string>();
  #waiting: (() => void)[] = [];
  readonly #changed: (change: string) => void;

  /** `changed` is told of every message, right before it is there. */
  constructor(changed: (change: string) => void = () => undefined) {
    super();
    this.#changed = changed;
  }

  async append(room: string, id: string, { author, text }: Omit<Message, 'number'>): Promise<void> {
    await setImmediate(); // as a call to another machine would
    if (this.#ids.has(id)) return;
    this.#changed(`${author} in ${room}: ${text}`);
    this.#ids.add(id);
    const messages = this.#messagesOf(room);
    messages.push({ number: messages.length + 1, author, text });
    this.#wake();
  }

  follow(room: string, number: number): Feed {
    const messages = this.#messagesOf(room);
    const state = { kind: 'open' as 'open' | 'closed' };
    const iterate = async function* (this: RoomLogInMemory): AsyncGenerator<Message> {
      for (let at = number; state.kind === 'open';) {
        const message = messages[at];
        if (message === undefined) {
          await new Promise<void>((resolve) => this.#waiting.push(resolve));
        } else {
          at++;
          yield message;
        }
      }
    };
    return {
      [Symbol.asyncIterator]: () => iterate.call(this),
      close: () => {
        state.kind = 'closed';
        this.#wake();
      },
    };
  }

  #messagesOf(room: string): Message[] {
    const messages = this.#rooms.get(room) ?? [];
    this.#rooms.set(room, messages);
    return messages;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
