// A process: the kernel's TCP as client of bulk transfers, one after the other, each with its rate in Gbit/s as the answer.

import { once } from 'node:events';
import { connect } from 'node:net';
import { instructed } from '../children.js';
import { encodeRequest, PORT, writeBulk, type Order } from '../tcp/protocol.js';

/** Read into, again and again: what the client does with the bytes is not what is measured. */
const buffer = Buffer.alloc(1024 * 1024);

async function transfer({ host, direction, length }: Order): Promise<number> {
  const startedAt = performance.now();
  let receivedLength = 0;
  const onread = {
    buffer,
    callback: (count: number) => {
      receivedLength += count;
      return true;
    },
  };
  const socket = connect({ host, port: PORT, onread, allowHalfOpen: true });
  await once(socket, 'connect');
  socket.write(encodeRequest(direction, length));
  if (direction === 'receive') writeBulk(socket, length);
  else socket.end();
  await once(socket, 'end');
  const elapsedMs = performance.now() - startedAt;
  if (direction === 'send' && receivedLength !== length)
    throw new Error(`${receivedLength} bytes instead of ${length}`);
  return (length * 8) / elapsedMs / 1e6;
}

await instructed();
process.on('message', (order: Order) => {
  void transfer(order).then((rate) => process.send?.(rate));
});
process.send?.('ready');
