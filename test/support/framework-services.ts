// Two small services to move about: one that streams files, as in DESIGN section 7, and one that keeps a running total.

import { defineService, done, next, Service, Snapshot, Stage, type Next, type StageIo } from '@migratory/framework';

/** Files of pseudo-random content, read in pieces as a disk would. */
export class FileStore {
  readonly #files = new Map<string, Buffer>();
  readonly pieceLength: number = 37;

  add(path: string, length: number): Buffer {
    const content = Buffer.from(Array.from({ length }, (_, index) => (index * 31 + (index >> 3)) & 0xff));
    this.#files.set(path, content);
    return content;
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  async *read(path: string, offset: number): AsyncGenerator<Buffer> {
    const content = this.#files.get(path) ?? Buffer.alloc(0);
    for (let at = offset; at < content.length; at += this.pieceLength) {
      await Promise.resolve();
      yield content.subarray(at, at + this.pieceLength);
    }
  }
}

@Service({ name: 'files', version: 1 })
export class FileSession {
  @Snapshot() path: string = '';
  @Snapshot() offset: number = 0;
  constructor(private readonly files: FileStore) {}

  @Stage({ entry: true })
  async request(io: StageIo): Promise<Next<FileSession>> {
    const line = await io.readUntil('\n', { maxLength: 256 });
    if (line === undefined) return done();
    this.path = Buffer.from(line).toString();
    this.offset = 0;
    if (this.files.has(this.path)) return next('body');
    await io.write(`no ${this.path}\n`);
    return next('request');
  }

  @Stage()
  async body(io: StageIo): Promise<Next<FileSession>> {
    for await (const chunk of this.files.read(this.path, this.offset)) {
      await io.write(chunk);
      this.offset += chunk.length;
      io.snapshot();
    }
    return next('request');
  }
}

/** "+ 3" and "- 2" answer the total so far; "sum N" is followed by N bytes to be added up; "quit" ends. */
export const calculator = defineService({
  name: 'calculator',
  version: 1,
  entry: 'command',
  fields: () => ({ total: 0, history: new Map<string, number[]>(), expected: 0 }),
  stages: {
    command: async (session, io) => {
      const line = await io.readUntil('\n', { maxLength: 64 });
      if (line === undefined) return done();
      const [operator = '', operand = ''] = Buffer.from(line).toString().split(' ');
      if (operator === 'quit') return done();
      session.expected = Number(operand);
      if (operator === 'sum') return next('sum');
      session.total += operator === '-' ? -session.expected : session.expected;
      session.history.set(operator, [...(session.history.get(operator) ?? []), session.expected]);
      return next('answer');
    },
    sum: async (session, io) => {
      const bytes = await io.readExactly(session.expected);
      for (const byte of bytes ?? []) session.total += byte;
      return next('answer');
    },
    answer: async (session, io) => {
      await io.write(`= ${session.total} `);
      await io.write(`after ${JSON.stringify([...session.history])}\n`);
      return next('command');
    },
  },
});
