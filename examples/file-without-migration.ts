// The file server of file.ts on node:net, with the same protocol and the same limits. Its connections stay where they are.
//
//   PORT=8080 node examples/dist/file-without-migration.js
//
// Here to be compared with file.ts: what moving costs in lines of code.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';

export const server = createServer({ allowHalfOpen: true }, (socket) => {
  serve(socket).catch(() => socket.destroy());
}).listen(process.env.PORT);

async function serve(socket: Socket): Promise<void> {
  const head = await readHead(socket);
  const name = /^GET \/(\w[\w.-]*) HTTP\/1/.exec(head)?.[1];
  if (name === undefined) return refuse(socket, '400 Bad Request');
  const found = await stat(name).catch(() => undefined);
  if (found?.isFile() !== true) return refuse(socket, '404 Not Found');
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${found.size}\r\nConnection: close\r\n\r\n`);
  await pipeline(createReadStream(name), socket);
}

function refuse(socket: Socket, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
}

function readHead(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.subarray(0, 8192).indexOf('\r\n\r\n');
      if (end < 0 && head.length < 8192) return;
      socket.off('data', onData).resume();
      if (end < 0) reject(new Error('the head is too long'));
      else resolve(head.toString('utf8', 0, end));
    };
    socket
      .on('data', onData)
      .once('error', reject)
      .once('end', () => reject(new Error('the head is cut off')));
  });
}
