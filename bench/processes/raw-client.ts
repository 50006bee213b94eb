// A process: a client on the kernel's TCP that costs little: it holds connections, asks and waits, opens and closes.

import { answerOrders, instructed } from '../children.js';
import {
  acknowledgeNow,
  closeConnection,
  openAndClose,
  openConnection,
  openConnections,
  receiveAll,
  resetConnection,
  sendAll,
  socketAddress,
} from '../tcp/raw-sockets.js';

interface Server {
  readonly ip: string;
  readonly port: number;
}

export type ClientOrder =
  /** Opens so many more connections from that address and keeps them; answers with how many it has. */
  | ({ readonly kind: 'hold'; readonly count: number; readonly from: string } & Server)
  /** So many questions of `length` bytes, on all that are held in turn, `batchCount` at once; answers with milliseconds. */
  | { readonly kind: 'exchange'; readonly count: number; readonly batchCount: number; readonly length: number }
  /** Questions one after the other on a connection; answers with the microseconds of each. */
  | ({ readonly kind: 'round-trips'; readonly count: number; readonly length: number } & Server)
  /** Connections opened and closed, so many at once; answers with their number. */
  | ({ readonly kind: 'open-and-close'; readonly concurrentCount: number; readonly ms: number } & Server)
  | { readonly kind: 'release' };

/** Opened at a time. */
const CONCURRENT_COUNT = 128;
const held: number[] = [];
let turn = 0;

function answer(order: ClientOrder): number | readonly number[] {
  switch (order.kind) {
    case 'hold':
      held.push(...hold(order));
      return held.length;
    case 'exchange':
      return exchange(order);
    case 'round-trips':
      return roundTrips(order);
    case 'open-and-close':
      return openAndClose(socketAddress(order.ip, order.port), order.concurrentCount, order.ms);
    case 'release':
      release();
      return held.length;
  }
}

function hold({ from, ip, port, count }: Extract<ClientOrder, { kind: 'hold' }>): number[] {
  return openConnections(socketAddress(from, 0), socketAddress(ip, port), count, CONCURRENT_COUNT);
}

/** No faster than the server hears of it: a device's queue is short, and a reset that is lost there nobody sends again. */
function release(): void {
  const last = held.pop();
  if (last === undefined) return;
  const bytes = Buffer.alloc(1);
  while (held.length > 0) {
    for (const fd of held.splice(-CONCURRENT_COUNT)) resetConnection(fd);
    sendAll(last, bytes);
    receiveAll(last, bytes);
  }
  resetConnection(last);
}

function exchange({ count, batchCount, length }: Extract<ClientOrder, { kind: 'exchange' }>): number {
  const bytes = Buffer.alloc(length, 'ask ');
  const startedAt = performance.now();
  for (let done = 0; done < count; done += batchCount) {
    const batch = Array.from({ length: batchCount }, () => held[turn++ % held.length] ?? -1);
    for (const fd of batch) sendAll(fd, bytes);
    for (const fd of batch) {
      receiveAll(fd, bytes);
      acknowledgeNow(fd);
    }
  }
  return performance.now() - startedAt;
}

function roundTrips({ ip, port, count, length }: Extract<ClientOrder, { kind: 'round-trips' }>): readonly number[] {
  const bytes = Buffer.alloc(length, 'ask ');
  const fd = openConnection(socketAddress(ip, port));
  const times: number[] = [];
  for (let done = 0; done < count; done++) {
    const startedAt = performance.now();
    sendAll(fd, bytes);
    receiveAll(fd, bytes);
    times.push((performance.now() - startedAt) * 1000);
  }
  closeConnection(fd);
  return times;
}

await instructed();
answerOrders(answer);
