// Real sockets: a plain TCP port for ordinary programs, and ports that are free.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { CommandFailed, describeSystemError } from './failure.js';
import type { OrdinaryConnection } from './crossing.js';

export interface PlainPort {
  readonly port: number;
  /** Accepts nothing more; resolves when the last accepted connection is closed. */
  close(): Promise<void>;
}

/** `port` 0 lets the system choose. Rejects with `CommandFailed`. */
export function openPlainPort(
  ip: string,
  port: number,
  maxConnectionCount: number,
  accept: (connection: OrdinaryConnection) => void,
): Promise<PlainPort> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, accept);
  server.maxConnections = maxConnectionCount;
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(new CommandFailed(`can't listen on ${ip}:${port}: ${describeSystemError(error)}: choose another --port`)),
    );
    server.listen({ host: ip, port, exclusive: true }, () =>
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () => new Promise((closed) => server.close(() => closed())),
      }),
    );
  });
}

/** All are held until all are known, so that no two are the same. */
export async function freePorts(ip: string, count: number): Promise<{ readonly udp: number; readonly tcp: number }[]> {
  const holders = await Promise.all(
    Array.from({ length: count }, async () => {
      const datagrams = createSocket('udp4').bind(0, ip);
      const server = createServer().listen(0, ip);
      await Promise.all([once(datagrams, 'listening'), once(server, 'listening')]);
      return { datagrams, server };
    }),
  );
  return Promise.all(
    holders.map(async ({ datagrams, server }) => {
      const ports = { udp: datagrams.address().port, tcp: (server.address() as AddressInfo).port };
      await Promise.all([once(datagrams.close(), 'close'), once(server.close(), 'close')]);
      return ports;
    }),
  );
}
