// Where uploads go: files in a folder that all members share.

import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';

export abstract class UploadStore {
  /** Puts bytes at an offset of the upload `name`. The same bytes may be put there again. */
  abstract put(name: string, offset: number, bytes: Uint8Array): Promise<void>;
}

export class FolderStore extends UploadStore {
  readonly #folder: string;

  constructor(folder: string) {
    super();
    this.#folder = folder;
  }

  override async put(name: string, offset: number, bytes: Uint8Array): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const file = await open(join(this.#folder, name), offset === 0 ? 'w' : 'r+');
    try {
      await file.write(bytes, 0, bytes.length, offset);
    } finally {
      await file.close();
    }
  }
}
