// A plain TCP port for ordinary programs.

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
