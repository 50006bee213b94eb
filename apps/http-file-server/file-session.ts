// One client's connection: request, response, request, response, wherever it happens to be served.
//
// Two stages. `request` reads, decides and writes nothing; what it decides becomes the restart point at which `response`
// is entered. `response` writes what is left of the response, and moves the restart point up after each piece. So after a
// move either the request is read again, or the response goes on where it was, from the same version of the same file.

import { done, next, Service, Snapshot, Stage, type Next, type StageIo } from '@migratory/framework';
import { answerRequest } from './answer.js';
import { WallClock } from './clock-adapter.js';
import { FileStore, type FileVersion, type OpenFile } from './file-store.js';
import { LIMITS } from './limits.js';
import type { ByteRange } from './ranges.js';
import { readRequest } from './read-request.js';
import type { Persistence } from './request.js';
import { RequestLog } from './request-log.js';
import type { Piece } from './response.js';

@Service({ name: 'http-files', version: 1 })
export class FileSession {
  /** What is still to be written. The first one, if of the file, begins where the next byte comes from. */
  @Snapshot({ type: Array }) pieces: Piece[] = [];
  /** The file that they are of. */
  @Snapshot() path: string = '';
  @Snapshot({ type: Object }) version: FileVersion = { size: 0, modifiedMs: 0 };
  @Snapshot() persistence: Persistence = 'keep-alive';

  constructor(
    private readonly files: FileStore,
    private readonly clock: WallClock,
    private readonly log: RequestLog,
  ) {}

  @Stage({ entry: true })
  async request(io: StageIo): Promise<Next<FileSession>> {
    const received = await readRequest(io);
    if (received.kind === 'ended') return done();
    const { response, path, version } = await answerRequest(received, this.files, this.clock.now());
    const { method, target } = received.kind === 'request' ? received.head : { method: '', target: '' };
    this.log.record({ cid: io.cid, epoch: io.epoch, method, target, status: response.status });
    this.pieces = [...response.pieces];
    this.path = path;
    this.version = version;
    this.persistence = response.persistence;
    return next('response');
  }

  @Stage()
  async response(io: StageIo): Promise<Next<FileSession>> {
    const isOfFile = this.pieces.some((piece) => piece.kind === 'file');
    const file = isOfFile ? await io.use(() => this.files.open(this.path, this.version)) : undefined;
    for (let piece = this.pieces[0]; piece !== undefined; piece = this.pieces[0]) {
      if (piece.kind === 'text') await io.write(piece.text);
      else if (file !== undefined) await this.#send(io, file, piece);
      this.pieces.shift();
      if (this.pieces.length > 0) io.snapshot();
    }
    return this.persistence === 'close' ? done() : next('request');
  }

  /** While one block is written, the next one is read. The restart point moves up after each. */
  async #send(io: StageIo, file: OpenFile, range: ByteRange): Promise<void> {
    let reading = readBlock(io, file, range.offset, range.endOffset);
    while (range.offset < range.endOffset) {
      const block = await reading;
      const nextOffset = range.offset + block.length;
      if (nextOffset < range.endOffset) reading = readBlock(io, file, nextOffset, range.endOffset);
      else await file.check(); // before the range is whole
      await io.write(block);
      range.offset = nextOffset;
      if (nextOffset < range.endOffset) io.snapshot();
    }
  }
}

function readBlock(io: StageIo, file: OpenFile, offset: number, endOffset: number): Promise<Uint8Array> {
  const block = io.allocate(Math.min(LIMITS.blockLength, endOffset - offset));
  const reading = file.read(offset, block).then(() => block);
  // Where the connection leaves meanwhile, nobody awaits it.
  reading.catch(() => undefined);
  return reading;
}
