// Metrics over HTTP: GET /metrics answers with what is counted at that moment, until it is closed.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { formatMetricsAddress, type MetricsAddress } from './metrics-address.js';

const PATH = '/metrics';
/** Collectors at a time; who comes beyond is not accepted. */
const MAX_CONNECTION_COUNT = 64;

/**
 * Metrics can't be served there. The message names the place and says what to do.
 *
 * @public
 */
export class MetricsListenFailed extends Error {
  override readonly name = 'MetricsListenFailed';
  /** The operating system's code: EADDRINUSE, EACCES, ... */
  readonly code: string;

  constructor(
    readonly address: MetricsAddress,
    cause: NodeJS.ErrnoException,
  ) {
    super(`can't serve metrics on ${formatMetricsAddress(address)}: ${describe(cause)}`, { cause });
    this.code = cause.code ?? 'UNKNOWN';
  }
}

export interface MetricsServer {
  /** "http://127.0.0.1:9100/metrics". */
  readonly url: string;
  /** Accepts nothing more, and ends the connections of collectors. */
  close(): Promise<void>;
}

/** Rejects with `MetricsListenFailed`. */
export function serveMetrics(registry: Registry, address: MetricsAddress): Promise<MetricsServer> {
  const server = createServer((request, response) => void answer(registry, request, response));
  server.maxConnections = MAX_CONNECTION_COUNT;
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new MetricsListenFailed(address, error)));
    server.listen({ ...address, exclusive: true }, () => {
      const { port } = server.address() as AddressInfo;
      resolve({ url: `http://${formatMetricsAddress({ ...address, port })}${PATH}`, close: () => close(server) });
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function answer(registry: Registry, { method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
  if (url?.split('?')[0] !== PATH) return refuse(response, 404, `there is ${PATH}, and nothing else`);
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return refuse(response, 405, 'it can only be read');
  }
  try {
    const text = await registry.metrics();
    response.writeHead(200, { 'Content-Type': registry.contentType, 'Content-Length': Buffer.byteLength(text) });
    response.end(text);
  } catch (error) {
    refuse(response, 500, error instanceof Error ? error.message : String(error));
  }
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(`${reason}\n`);
}

function describe({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'EADDRINUSE') return 'the port is in use; stop the other program or choose another port';
  if (code === 'EADDRNOTAVAIL') return 'no interface of this machine has that address';
  if (code === 'EACCES') return 'no permission; choose a port from 1024 on';
  if (code === 'ENOTFOUND') return 'no such host';
  return message;
}
