// Reading one request off the connection: its head, within limits, and its content, which is dropped.
//
// Nothing is kept between the reads: all of it lies between two restart points, so after a move it is read again from the
// first byte, and comes to the same answer. The only output is "100 Continue", which is the same each time.

import { DelimiterNotFound, UnexpectedEnd, type StageIo } from '@migratory/framework';
import { LIMITS } from './limits.js';
import { parseHead, type RequestHead } from './request.js';

export type ReceivedRequest =
  | { readonly kind: 'request'; readonly head: RequestHead; readonly content: 'dropped' | 'too-long' }
  /** Not understood, or not wanted; the connection ends after the answer. */
  | { readonly kind: 'refused'; readonly status: RefusalStatus; readonly because: string }
  /** The client has nothing more to ask. */
  | { readonly kind: 'ended' };

type RefusalStatus = 400 | 414 | 417 | 431 | 501 | 505;

/** Ends the reading of a request from any depth; never leaves this file. */
class Refusal extends Error {
  constructor(
    readonly status: RefusalStatus,
    readonly because: string,
  ) {
    super(because);
  }
}

export async function readRequest(io: StageIo): Promise<ReceivedRequest> {
  try {
    const head = await readHead(io);
    if (head === undefined) return { kind: 'ended' };
    return { kind: 'request', head, content: await dropContent(io, head) };
  } catch (error) {
    if (error instanceof Refusal) return { kind: 'refused', status: error.status, because: error.because };
    if (error instanceof UnexpectedEnd) return { kind: 'refused', status: 400, because: 'the request is cut off' };
    throw error;
  }
}

async function readHead(io: StageIo): Promise<RequestHead | undefined> {
  const requestLine = await readRequestLine(io);
  if (requestLine === undefined) return undefined;
  const fieldLines = await readFieldLines(io, LIMITS.headLength - requestLine.length - CRLF_LENGTH);
  const parsed = parseHead(requestLine, fieldLines);
  if (parsed.kind === 'refused') throw new Refusal(parsed.status, parsed.because);
  return parsed.head;
}

const CRLF_LENGTH = 2;
/** The method, the version and the spaces beside a target of the greatest length. */
const AROUND_TARGET_LENGTH = 64;

async function readRequestLine(io: StageIo): Promise<string | undefined> {
  for (let emptyCount = 0; emptyCount <= LIMITS.emptyLineCount; emptyCount++) {
    const tooLong = new Refusal(414, 'the request target is too long');
    const line = await readLine(io, LIMITS.targetLength + AROUND_TARGET_LENGTH, tooLong);
    if (line === undefined) return undefined;
    const [, target = ''] = line.split(' ');
    if (target.length > LIMITS.targetLength) throw tooLong;
    if (line !== '') return line;
  }
  throw new Refusal(400, 'there are empty lines instead of a request');
}

async function readFieldLines(io: StageIo, maxLength: number): Promise<string[]> {
  const lines: string[] = [];
  const tooLarge = new Refusal(431, 'the field lines are too long, or too many');
  for (let left = maxLength; left > CRLF_LENGTH;) {
    const line = await readLine(io, left, tooLarge);
    if (line === undefined) throw new Refusal(400, 'the request is cut off');
    if (line === '') return lines;
    if (lines.length === LIMITS.fieldCount) throw tooLarge;
    lines.push(line);
    left -= line.length + CRLF_LENGTH;
  }
  throw tooLarge;
}

/** A line as Latin-1 without its CRLF; undefined at the end of the stream. */
async function readLine(io: StageIo, maxLength: number, tooLong: Refusal): Promise<string | undefined> {
  try {
    const bytes = await io.readUntil('\n', { maxLength });
    if (bytes === undefined) return undefined;
    const line = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    if (!line.endsWith('\r')) throw new Refusal(400, 'a line does not end in CRLF');
    return line.slice(0, -1);
  } catch (error) {
    throw error instanceof DelimiterNotFound ? tooLong : error;
  }
}

/** Reads what the client sends along, so that the next request is found behind it. */
async function dropContent(io: StageIo, { contentLength, expectation }: RequestHead): Promise<'dropped' | 'too-long'> {
  if (contentLength > LIMITS.contentLength) return 'too-long';
  if (contentLength === 0) return 'dropped';
  if (expectation === 'continue') await io.write('HTTP/1.1 100 Continue\r\n\r\n');
  if ((await io.readExactly(contentLength)) === undefined) throw new Refusal(400, 'the content is cut off');
  return 'dropped';
}
