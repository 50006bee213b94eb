// Where the events of the event stream come from, and the clock that makes its heartbeats.

import { setTimeout } from 'node:timers/promises';

export type FeedItem =
  | { readonly kind: 'event'; readonly id: number; readonly data: string }
  /** Nothing has happened for a while: time for a sign of life. */
  | { readonly kind: 'heartbeat' };

export abstract class EventFeed {
  /** The events behind the one with the id `after`, and heartbeats. Ends when `signal` is aborted. */
  abstract follow(after: number, signal: AbortSignal): AsyncIterable<FeedItem>;
}

const HEARTBEAT_INTERVAL_MS = 500;

/** An event each second, with the count of seconds since the feed began; any member tells the same. */
export class SecondsFeed extends EventFeed {
  readonly #startedAtMs = Date.now();

  override async *follow(after: number, signal: AbortSignal): AsyncIterable<FeedItem> {
    for (let id = after; ;) {
      await setTimeout(HEARTBEAT_INTERVAL_MS, undefined, { signal });
      const seconds = Math.floor((Date.now() - this.#startedAtMs) / 1000);
      if (id >= seconds) yield { kind: 'heartbeat' };
      while (id < seconds) yield { kind: 'event', id: ++id, data: `${id} s` };
    }
  }
}
