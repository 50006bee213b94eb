// A process: the same downloads over the kernel's TCP, by node:http and by node:net, for comparison.

import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { instructed } from '../children.js';
import { decodeRequest, sendDownload } from '../download.js';
import { LOOPBACK } from '../service.js';

export interface KernelPorts {
  readonly http: number;
  readonly net: number;
}

await instructed();
const http = createHttpServer((request, response) => {
  const length = Number(request.url?.slice(1));
  response.writeHead(200, { 'content-length': length });
  sendDownload(response, 0, length);
});
const net = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => undefined);
  socket.once('data', (request) => sendDownload(socket, 0, decodeRequest(request)));
});
await Promise.all([http, net].map((server) => once(server.listen(0, LOOPBACK), 'listening')));
const ports: KernelPorts = {
  http: (http.address() as AddressInfo).port,
  net: (net.address() as AddressInfo).port,
};
process.send?.(ports);
