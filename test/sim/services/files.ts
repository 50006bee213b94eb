// Files: a decorated service that streams content in chunks, with a restart point after every few of them.

import { Container, done, next, Service, Snapshot, Stage, type Next, type StageIo } from '@migratory/framework';
import { contentOf, readToTheEnd } from './dialogue.js';
import type { Nature } from './nature.js';
import type { Draw } from '../draw.js';
import { Site } from './site.js';

/** Small enough for many restart points, and in large files large enough to fill the buffers on the way. */
const chunkLengthOf = (length: number): number => Math.max(90, Math.ceil(length / 12));

@Service({ name: 'files', version: 1 })
class Files {
  @Snapshot() consumed: number = 0;
  @Snapshot() seed: number = 0;
  @Snapshot() length: number = 0;
  @Snapshot() offset: number = 0;
  @Snapshot() every: number = 1;
  constructor(private readonly site: Site) {}

  @Stage({ entry: true })
  request(io: StageIo): Promise<Next<Files>> {
    return this.site.run('files/request', this, io, async (seen) => {
      const line = await seen.readLine(64);
      if (line === undefined) return done();
      const [seed, length, every] = line.split(' ').map(Number);
      this.seed = seed ?? 0;
      this.length = length ?? 0;
      this.every = every ?? 1;
      this.offset = 0;
      await this.site.work();
      await seen.write(`${this.length}:`);
      return next('body');
    });
  }

  @Stage()
  body(io: StageIo): Promise<Next<Files>> {
    return this.site.run('files/body', this, io, async (seen) => {
      for (let count = 1; this.offset < this.length; count++) {
        const length = Math.min(chunkLengthOf(this.length), this.length - this.offset);
        const chunk = contentOf(this.seed, this.offset, length);
        if (count % 3 === 0) await this.site.work();
        await seen.write(chunk);
        this.offset += length;
        if (count % this.every === 0) seen.snapshot();
      }
      return next('request');
    });
  }
}

function lengthOf(draw: Draw): number {
  return draw.chance(0.008) ? 90_000 : draw.pick([0, 1, 89, 400, 3_000]);
}

export const files: Nature = {
  serve(site) {
    const container = new Container();
    container.bind(Site).toConstantValue(site);
    return { service: Files, container };
  },
  dialogue(draw, turnCount) {
    const turns = Array.from({ length: turnCount }, () => {
      const [seed, length, every] = [draw.below(1_000), lengthOf(draw), draw.pick([1, 2, 5, 1_000])];
      const input = `${seed} ${length} ${every}\n`;
      return { input, output: Buffer.concat([Buffer.from(`${length}:`), contentOf(seed, 0, length)]) };
    });
    return readToTheEnd(turns);
  },
};
