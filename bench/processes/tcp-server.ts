// A process: the server of the TCP measurements, on our stack through a TUN device, or on the kernel's TCP; and what it costs.

import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createNodeStack, type Stack } from '@migratory/stack';
import { answerOrders, instructed } from '../children.js';
import { serveBulk, serveClosing, serveEcho, SERVICE_PORTS } from '../tcp/protocol.js';

/** Which TCP, and where; `addresses` are the machine's own on the device. */
export type ServerOrder =
  | { readonly kind: 'kernel'; readonly ip: string }
  | { readonly kind: 'tun'; readonly ip: string; readonly device: string; readonly addresses: readonly string[] };

/** What may be asked of it then. */
export type ServerQuestion = { readonly kind: 'usage' } | { readonly kind: 'memory' };

export interface Usage {
  /** User's and system's time of this process. */
  readonly cpuMs: number;
  /** Received and sent; 0 where the kernel counts them. */
  readonly segmentCount: number;
}

/** Bytes, after a collection: what JavaScript holds, and what the system has given. */
export interface Memory {
  readonly heldLength: number;
  readonly residentLength: number;
  readonly connectionCount: number;
}

const SERVICES: readonly (readonly [number, (connection: Duplex) => void])[] = [
  [SERVICE_PORTS.bulk, serveBulk],
  [SERVICE_PORTS.echo, serveEcho],
  [SERVICE_PORTS.closing, serveClosing],
];
const BACKLOG_COUNT = 1024;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
let stack: Stack | undefined;
let kernelConnectionCount = 0;

function answer({ kind }: ServerQuestion): Usage | Memory {
  if (kind === 'memory') return measureMemory();
  const { user, system } = process.cpuUsage();
  const { segmentsReceived = 0, segmentsSent = 0 } = stack?.counters ?? {};
  return { cpuMs: (user + system) / 1000, segmentCount: segmentsReceived + segmentsSent };
}

function measureMemory(): Memory {
  collect();
  collect();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  const connectionCount = stack?.connections.size ?? kernelConnectionCount;
  return { heldLength: heapUsed + arrayBuffers, residentLength: rss, connectionCount };
}

async function listenOnKernel(ip: string): Promise<void> {
  for (const [port, serve] of SERVICES) {
    const server = createServer({ allowHalfOpen: true, highWaterMark: 1024 * 1024 }, (socket) => {
      kernelConnectionCount++;
      socket.once('close', () => kernelConnectionCount--);
      serve(socket);
    });
    await once(server.listen({ port, host: ip, backlog: BACKLOG_COUNT }), 'listening');
  }
}

const order = await instructed<ServerOrder>();
if (order.kind === 'kernel') {
  await listenOnKernel(order.ip);
} else {
  const driver = { kind: 'tun', name: order.device, addresses: order.addresses } as const;
  stack = await createNodeStack({ ip: order.ip, driver });
  for (const [port, serve] of SERVICES) await stack.listen({ port }, serve);
}
answerOrders(answer);
