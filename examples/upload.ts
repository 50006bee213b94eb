// An upload that is never begun again: HTTP PUT, in chunks, into a store that all members share.
//
//   npx migratory run examples/dist/upload.js --port 8080 --move-every 100
//
// Then `curl -T some-file http://127.0.0.1:8080/`, and look into the folder `uploads`. What travels is the name and how much
// of it is in the store. A chunk may be put there twice, at the same offset: that is why the restart point can come behind it.

import { Container, done, next, Service, Snapshot, Stage, type Next, type StageIo } from '@migratory/framework';
import { FolderStore, UploadStore } from './upload-store.js';

const CHUNK_LENGTH = 64 * 1024;

@Service({ name: 'upload', version: 1 })
export class Upload {
  @Snapshot() name: string = '';
  @Snapshot() length: number = 0;
  @Snapshot() offset: number = 0;

  constructor(private readonly store: UploadStore) {}

  @Stage({ entry: true })
  async request(io: StageIo): Promise<Next<Upload>> {
    const head = new TextDecoder().decode(await io.readUntil('\r\n\r\n', { maxLength: 8192 }));
    const name = /^PUT \/(\w[\w.-]*) HTTP\/1/.exec(head)?.[1];
    const length = /^content-length: *(\d{1,15})/im.exec(head)?.[1];
    if (name === undefined || length === undefined) {
      await io.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      return done();
    }
    if (/^expect: *100-continue/im.test(head)) await io.write('HTTP/1.1 100 Continue\r\n\r\n');
    [this.name, this.length, this.offset] = [name, Number(length), 0];
    return next('content');
  }

  @Stage()
  async content(io: StageIo): Promise<Next<Upload>> {
    while (this.offset < this.length) {
      const chunk = await io.readExactly(Math.min(CHUNK_LENGTH, this.length - this.offset));
      if (chunk === undefined) return done(); // the client has given up
      await this.store.put(this.name, this.offset, chunk);
      this.offset += chunk.length;
      io.snapshot();
    }
    await io.write('HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    return done();
  }
}

const store = new FolderStore('uploads');

/** One store for all members. */
export function container(): Container {
  const bindings = new Container();
  bindings.bind(UploadStore).toConstantValue(store);
  return bindings;
}
