// Server-sent events: a stream that never ends, at whatever member.
//
//   npx migratory run examples/dist/events.js --port 8080 --move-every 2000
//
// Then `curl -N http://127.0.0.1:8080/events`, or an EventSource in a browser. What travels is the id of the last event;
// the same that a browser would send as Last-Event-ID, had it been cut off. No clock in here: heartbeats come with the feed.

import { Container, done, next, Service, Snapshot, Stage, type Next, type StageIo } from '@migratory/framework';
import { EventFeed, SecondsFeed } from './event-feed.js';

@Service({ name: 'events', version: 1 })
export class EventStream {
  @Snapshot() lastEventId: number = 0;

  constructor(private readonly feed: EventFeed) {}

  @Stage({ entry: true })
  async request(io: StageIo): Promise<Next<EventStream>> {
    const head = new TextDecoder().decode(await io.readUntil('\r\n\r\n', { maxLength: 8192 }));
    if (!head.startsWith('GET /events HTTP/1.')) {
      await io.write('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      return done();
    }
    this.lastEventId = Number(/^last-event-id: *(\d{1,15})/im.exec(head)?.[1] ?? 0);
    await io.write(
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n',
    );
    return next('events');
  }

  /** Each item is written, noted and snapshotted at one instant, so none is ever made again. */
  @Stage()
  async events(io: StageIo): Promise<Next<EventStream>> {
    for await (const item of this.feed.follow(this.lastEventId, io.signal)) {
      const written = io.write(item.kind === 'heartbeat' ? ':\n\n' : `id: ${item.id}\ndata: ${item.data}\n\n`);
      if (item.kind === 'event') this.lastEventId = item.id;
      io.snapshot();
      await written;
    }
    return done();
  }
}

const feed = new SecondsFeed();

/** One feed for all members. */
export function container(): Container {
  const bindings = new Container();
  bindings.bind(EventFeed).toConstantValue(feed);
  return bindings;
}
