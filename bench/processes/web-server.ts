// A process: files over node:http, each read and written as a stream, as most programs would.

import { createReadStream, statSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream';
import { answerOrders, instructed } from '../children.js';

export interface WebOrder {
  readonly ip: string;
  readonly port: number;
  readonly folder: string;
}

const { ip, port, folder } = await instructed<WebOrder>();
const server = createServer((request, response) => {
  const file = join(folder, basename(request.url ?? ''));
  response.writeHead(200, { 'content-length': statSync(file).size });
  pipeline(createReadStream(file), response, () => undefined);
});
await once(server.listen(port, ip), 'listening');
answerOrders(() => undefined);
