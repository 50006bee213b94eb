// How long the images were in which connections came to the members, as the members log it.

import type { LogLine } from './programs.js';

export class ImageLengths {
  readonly #lengths = new Map<string, number>();

  note(line: LogLine): void {
    if (line.event === 'arrived')
      this.#lengths.set(`${String(line.cid)} ${String(line.epoch)}`, Number(line.imageLength));
  }

  /** Undefined where the destination has not logged it yet. */
  of(cid: string, epoch: number): number | undefined {
    return this.#lengths.get(`${cid} ${epoch}`);
  }
}
