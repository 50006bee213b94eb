// A process: the kernel's TCP as client of bulk transfers, one after the other, each with its rate in Gbit/s as the answer.

import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { answerOrders, instructed } from '../children.js';
import { encodeRequest, SERVICE_PORTS, writeBulk, type Order } from '../tcp/protocol.js';

/** Read into, again and again: what the client does with the bytes is not what is measured. */
const buffer = Buffer.alloc(1024 * 1024);

async function transfer({ host, direction, length, limitMs }: Order): Promise<number> {
  const startedAt = performance.now();
  let receivedLength = 0;
  const onread = {
    buffer,
    callback: (count: number) => {
      receivedLength += count;
      return true;
    },
  };
  const socket = connect({ host, port: SERVICE_PORTS.bulk, onread, allowHalfOpen: true });
  await once(socket, 'connect');
  socket.write(encodeRequest(direction, length));
  if (direction === 'receive') writeBulk(socket, length);
  else if (limitMs === undefined) socket.end();
  await (limitMs === undefined ? once(socket, 'end') : wait(limitMs));
  const elapsedMs = performance.now() - startedAt;
  const transferredLength = direction === 'send' ? receivedLength : length;
  if (limitMs === undefined && transferredLength !== length) {
    throw new Error(`${receivedLength} bytes instead of ${length}`);
  }
  socket.destroy();
  return (transferredLength * 8) / elapsedMs / 1e6;
}

await instructed();
answerOrders(transfer);
