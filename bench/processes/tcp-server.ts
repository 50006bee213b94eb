// A process: the server of bulk transfers, on our stack through a TUN device, or on the kernel's TCP.

import { once } from 'node:events';
import { createServer } from 'node:net';
import { createNodeStack } from '@migratory/stack';
import { instructed } from '../children.js';
import { PORT, serve } from '../tcp/protocol.js';

/** Which TCP, and where. */
export type ServerOrder =
  | { readonly kind: 'kernel'; readonly ip: string }
  | { readonly kind: 'tun'; readonly ip: string; readonly device: string };

const order = await instructed<ServerOrder>();
if (order.kind === 'kernel') {
  const server = createServer({ allowHalfOpen: true, highWaterMark: 1024 * 1024 }, serve);
  await once(server.listen(PORT, order.ip), 'listening');
} else {
  const machine = order.ip.replace(/\d+$/, '1');
  const driver = { kind: 'tun', name: order.device, addresses: [`${machine}/24`] } as const;
  const stack = await createNodeStack({ ip: order.ip, driver });
  await stack.listen({ port: PORT }, serve);
}
process.send?.('ready');
