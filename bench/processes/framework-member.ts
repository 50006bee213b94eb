// A process: the member of `member.ts`, written with the framework.

import { createApplication, done, next, Service, Snapshot, Stage, type Next, type StageIo } from '@migratory/framework';
import { instructed } from '../children.js';
import { chunkAt, decodeRequest, REQUEST_LENGTH } from '../download.js';
import { addressOf, openMember, type MemberPlan } from '../service.js';

@Service({ name: 'downloads', version: 1 })
class Download {
  @Snapshot() offset: number = 0;
  @Snapshot() length: number = 0;

  @Stage({ entry: true })
  async request(io: StageIo): Promise<Next<Download>> {
    const request = await io.readExactly(REQUEST_LENGTH);
    if (request === undefined) return done();
    this.length = decodeRequest(Buffer.from(request));
    return next('body');
  }

  @Stage()
  async body(io: StageIo): Promise<Next<Download>> {
    while (this.offset < this.length) {
      const chunk = chunkAt(this.offset, this.length);
      const written = io.write(chunk);
      this.offset += chunk.length;
      io.snapshot();
      await written;
    }
    return done();
  }
}

const plan = await instructed<MemberPlan>();
const stack = await openMember(plan);
await createApplication({ stack, services: [{ service: Download, port: addressOf(plan).port }] }).start();
process.send?.({ kind: 'ready' });
