// The event stream: no event is missed or told twice, and it begins where the client says.

import test from 'ava';
import { EventFeed, type FeedItem } from '@migratory/examples/event-feed.js';
import { EventStream } from '@migratory/examples/events.js';
import { Container } from '@migratory/framework';
import { crashEverywhere, migrateEverywhere } from '@migratory/framework/testing';

/** Five events. With heartbeats: two before each for whoever comes first, then one, then two: nobody could tell them again. */
class FiveEvents extends EventFeed {
  #followerCount = 0;

  constructor(private readonly heartbeats: 'with' | 'without') {
    super();
  }

  override async *follow(after: number): AsyncIterable<FeedItem> {
    const isEven = this.#followerCount++ % 2 === 0;
    for (let id = after + 1; id <= 5; id++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.heartbeats === 'with') yield { kind: 'heartbeat' };
      if (this.heartbeats === 'with' && isEven) yield { kind: 'heartbeat' };
      yield { kind: 'event', id, data: `${id} s` };
    }
  }
}

function container(heartbeats: 'with' | 'without'): Container {
  const bindings = new Container();
  bindings.bind(EventFeed).toConstantValue(new FiveEvents(heartbeats));
  return bindings;
}

/** A member that goes on begins with a heartbeat of its own: how many there are is no part of what was told. */
const varying = /(?::\n\n)*id: /g;
const fromTheBeginning = {
  input: [
    { send: 'GET /events HTTP/1.1\r\nHost: a\r\n\r\n' },
    { expect: 'id: 1\n' },
    { expect: 'id: 5\ndata: 5 s\n\n' },
  ],
  container: () => container('with'),
  varying,
};

test('moves change nothing', async (t) => {
  const { moves } = await migrateEverywhere(EventStream, fromTheBeginning);
  t.true(moves > 50);
});

test('deaths change nothing', async (t) => {
  const { crashes } = await crashEverywhere(EventStream, fromTheBeginning);
  t.true(crashes > 50);
});

test('Last-Event-ID says what the client has', async (t) => {
  const input = [
    { send: 'GET /events HTTP/1.1\r\nLast-Event-ID: 3\r\n\r\n' },
    { expect: 'Connection: close\r\n\r\nid: 4\ndata: 4 s\n\nid: 5\n' },
  ];
  await t.notThrowsAsync(migrateEverywhere(EventStream, { input, container: () => container('without') }));
});
