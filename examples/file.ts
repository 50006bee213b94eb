// A file server: the HTTP server of the slides, whose state is a file name and an offset.
//
//   npx migratory run examples/dist/file.js --port 8080
//
// serves the files of the current folder: `curl -O http://127.0.0.1:8080/package-lock.json`. All members have the same
// files. file-without-migration.ts is the same server on node:net; apps/http-file-server is a complete one.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { done, next, Service, Snapshot, Stage, type Next, type StageIo } from '@migratory/framework';

@Service({ name: 'file', version: 1 })
export class FileServer {
  @Snapshot() name: string = '';
  @Snapshot() offset: number = 0;

  @Stage({ entry: true })
  async request(io: StageIo): Promise<Next<FileServer>> {
    const head = await io.readUntil('\r\n\r\n', { maxLength: 8192 });
    const name = /^GET \/(\w[\w.-]*) HTTP\/1/.exec(new TextDecoder().decode(head))?.[1];
    return name === undefined ? this.#refuse(io, '400 Bad Request') : this.#respond(io, name);
  }

  async #respond(io: StageIo, name: string): Promise<Next<FileServer>> {
    const found = await stat(name).catch(() => undefined);
    if (found?.isFile() !== true) return this.#refuse(io, '404 Not Found');
    await io.write(`HTTP/1.1 200 OK\r\nContent-Length: ${found.size}\r\nConnection: close\r\n\r\n`);
    this.name = name;
    return next('body');
  }

  async #refuse(io: StageIo, status: string): Promise<Next<FileServer>> {
    await io.write(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    return done();
  }

  @Stage()
  async body(io: StageIo): Promise<Next<FileServer>> {
    for await (const chunk of createReadStream(this.name, { start: this.offset }) as AsyncIterable<Buffer>) {
      await io.write(chunk);
      this.offset += chunk.length;
      io.snapshot();
    }
    return done();
  }
}
