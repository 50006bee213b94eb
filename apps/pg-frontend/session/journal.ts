// The journal of an open transaction: what the client has asked, and a digest of each answer that it has been given.
//
// It is one run of bytes, part of every snapshot, so that recording a statement costs a copy of its text and no more. The
// last entry may be open: its request or its answer is not complete, and it is written again as that goes on.
//
//   entry   state (1)  length of the answer so far (6)  digest (16)  length of the request (4)  request

import { LIMITS } from '../limits.js';
import { DIGEST_LENGTH } from './answer-digest.js';

export interface JournalEntry {
  /** 'open': the answer, or the request, goes on. */
  readonly state: 'complete' | 'open';
  /** Whole messages of the client. */
  readonly request: Buffer;
  /** Bytes that the client has been given, without notices and the like. */
  readonly answerLength: number;
  readonly digest: Buffer;
}

const OPEN = 0;
const COMPLETE = 1;
const HEAD_LENGTH = 1 + 6 + DIGEST_LENGTH + 4;
const FIRST_CAPACITY = 2048;

export class Journal {
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;
  /** Where the open entry begins, if there is one. */
  #settledLength = 0;

  /** What has been recorded, as it travels. It must not be changed; a later entry may be written behind it. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  hasRoomFor(request: Buffer): boolean {
    return this.#settledLength + HEAD_LENGTH + request.length <= LIMITS.journalLength;
  }

  /** Answers whether there was room; where there was none, the journal is as it was without an open entry. */
  record(entry: JournalEntry): 'recorded' | 'full' {
    const { request, digest } = entry;
    const start = this.#settledLength;
    const length = start + HEAD_LENGTH + request.length;
    this.#length = start;
    if (length > LIMITS.journalLength) return 'full';
    this.#reserve(length);
    this.#bytes[start] = entry.state === 'complete' ? COMPLETE : OPEN;
    this.#bytes.writeUIntBE(entry.answerLength, start + 1, 6);
    digest.copy(this.#bytes, start + 7);
    this.#bytes.writeUInt32BE(request.length, start + 7 + DIGEST_LENGTH);
    request.copy(this.#bytes, start + HEAD_LENGTH);
    this.#length = length;
    if (entry.state === 'complete') this.#settledLength = length;
    return 'recorded';
  }

  clear(): void {
    this.#length = 0;
    this.#settledLength = 0;
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(length, 2 * this.#bytes.length, FIRST_CAPACITY));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }

  /** The journal that arrived as these bytes. An open entry at its end is written over by the next one. */
  static from(bytes: Buffer): Journal {
    const journal = new Journal();
    for (const entry of readJournal(bytes)) journal.record(entry);
    return journal;
  }
}

/** The entries of `bytes`, in order. */
export function* readJournal(bytes: Buffer): Generator<JournalEntry> {
  for (let at = 0; at < bytes.length;) {
    const requestAt = at + HEAD_LENGTH;
    const end = requestAt + bytes.readUInt32BE(at + 7 + DIGEST_LENGTH);
    yield {
      state: bytes[at] === COMPLETE ? 'complete' : 'open',
      answerLength: bytes.readUIntBE(at + 1, 6),
      digest: bytes.subarray(at + 7, at + 7 + DIGEST_LENGTH),
      request: bytes.subarray(requestAt, end),
    };
    at = end;
  }
}
