// A stack on a TUN device of the router, and a small HTTP server on it, for clients with a kernel of their own.

import { once } from 'node:events';
import {
  openTunDriver,
  Stack,
  SystemClock,
  SystemEntropy,
  type Driver,
  type MigratoryConnection,
  type StackOptions,
  type TunDriver,
} from '@migratory/stack';
import { ClientMachine } from '../support/kernel-network.js';

export const STACK_IP = '10.77.0.2';
export const STACK_IP6 = 'fd77::2';
export const URLS = { IPv4: `http://${STACK_IP}/`, IPv6: `http://[${STACK_IP6}]/` } as const;
const PORT = 80;

export interface TunWorld {
  readonly driver: TunDriver;
  readonly stack: Stack;
  readonly client: ClientMachine;
  close(): Promise<void>;
}

let clientCount = 0;

export interface WorldOptions {
  readonly mtu?: number;
  /** What the router sends over the link to the client, where that is less than `mtu`: the client doesn't know of it. */
  readonly narrowMtu?: number;
  readonly tcp?: StackOptions['tcp'];
  /** What the stack has between itself and the device. */
  readonly around?: (driver: TunDriver) => Driver;
  /** Instead of the system's. */
  readonly clock?: StackOptions['clock'];
  readonly entropy?: StackOptions['entropy'];
}

/** `serve` takes each connection at `PORT`. */
export async function openTunWorld(
  serve: (connection: MigratoryConnection) => void,
  options: WorldOptions = {},
): Promise<TunWorld> {
  const { mtu = 1_500, narrowMtu = mtu, tcp = {}, around } = options;
  const { clock = new SystemClock(), entropy = new SystemEntropy() } = options;
  const driver = await openTunDriver({
    name: 'migratory0',
    ips: [STACK_IP, STACK_IP6],
    addresses: ['10.77.0.1/24', 'fd77::1/64'],
    mtu,
  });
  const stack = new Stack({ driver: around?.(driver) ?? driver, clock, entropy, tcp });
  await stack.listen({ port: PORT }, (connection) => {
    // A client that goes away is part of some tests.
    connection.on('error', () => undefined);
    serve(connection);
  });
  const client = new ClientMachine(++clientCount, mtu, narrowMtu);
  return {
    driver,
    stack,
    client,
    close: async () => {
      client.remove();
      await stack.close();
    },
  };
}

/** Answers each request on a connection with `body`, or with what `POST` brought. */
export function httpServer(body: Buffer): (connection: MigratoryConnection) => void {
  return (connection) => {
    // A client that resets ends it, too.
    serveRequests(connection, body).catch(() => undefined);
  };
}

async function serveRequests(connection: MigratoryConnection, body: Buffer): Promise<void> {
  let waiting = Buffer.alloc(0);
  for await (const chunk of connection.iterator({ destroyOnReturn: false })) {
    waiting = Buffer.concat([waiting, chunk as Buffer]);
    const end = waiting.indexOf('\r\n\r\n');
    if (end < 0) continue;
    const length = Number(/content-length: (\d+)/i.exec(waiting.subarray(0, end).toString('latin1'))?.[1] ?? 0);
    if (waiting.length < end + 4 + length) continue;
    const content = waiting.subarray(end + 4, end + 4 + length);
    waiting = waiting.subarray(end + 4 + length);
    await answer(connection, length > 0 ? content : body);
  }
  connection.end();
}

async function answer(connection: MigratoryConnection, body: Buffer): Promise<void> {
  connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
  for (let at = 0; at < body.length; at += 65_536) {
    if (!connection.write(body.subarray(at, at + 65_536))) await once(connection, 'drain');
  }
}
