// The answer to a request: which file it means, and what of it is sent.
//
// Nothing is written here: the response is planned as data, and becomes the restart point before its first byte leaves.
// Where the same request is read again at another member, that member's plan counts.

import { contentType } from 'mime-types';
import { evaluate, formatDate, rangeApplies, validatorsOf } from './conditions.js';
import type { FileStore, FileVersion, FoundEntry } from './file-store.js';
import { LIMITS } from './limits.js';
import { selectRanges } from './ranges.js';
import type { ReceivedRequest } from './read-request.js';
import type { RequestHead } from './request.js';
import { emptyResponse, fileResponse, rangeResponse, textResponse, type Occasion, type Response } from './response.js';
import { directoryLocation, parseTarget, type Target } from './target.js';

export interface Answer {
  readonly response: Response;
  /** The file that the response's pieces are of; '' and zeros where it has none. */
  readonly path: string;
  readonly version: FileVersion;
}

const ALLOWED = 'GET, HEAD';
/** Methods that exist (RFC 9110, RFC 5789), and that files don't have. */
const OTHER_METHODS = new Set(['POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);
const INDEX = 'index.html';
const NO_FILE = { path: '', version: { size: 0, modifiedMs: 0 } };

/** Rejects for faults of this machine only. */
export async function answerRequest(
  received: Exclude<ReceivedRequest, { kind: 'ended' }>,
  files: FileStore,
  nowMs: number,
): Promise<Answer> {
  if (received.kind === 'refused') {
    const occasion: Occasion = { method: '', persistence: 'close', nowMs };
    return { ...NO_FILE, response: textResponse(occasion, received.status, [], received.because) };
  }
  const { head, content } = received;
  const { method } = head;
  const persistence = content === 'too-long' ? 'close' : head.persistence;
  const occasion: Occasion = { method, persistence, nowMs };
  if (OTHER_METHODS.has(method)) return textual(occasion, 405, [['Allow', ALLOWED]]);
  if (method !== 'GET' && method !== 'HEAD') return textual(occasion, 501, []);
  if (content === 'too-long') return textual(occasion, 413, []);
  const parsed = parseTarget(head.target);
  if (parsed.kind === 'malformed') return textual(occasion, 400, []);
  if (parsed.kind === 'unservable') return textual(occasion, 404, []);
  return await answerTarget(head, occasion, parsed.target, files);
}

function textual(
  occasion: Occasion,
  ...rest: Parameters<typeof textResponse> extends [Occasion, ...infer R] ? R : never
): Answer {
  return { ...NO_FILE, response: textResponse(occasion, ...rest) };
}

async function answerTarget(head: RequestHead, occasion: Occasion, target: Target, files: FileStore): Promise<Answer> {
  const path = target.names.join('/');
  const indexPath = [...target.names, INDEX].join('/');
  const found: FoundEntry = target.form === 'directory' ? await files.find(indexPath) : await files.find(path);
  switch (found.kind) {
    case 'file':
      return answerFile(head, occasion, found.path, found.version);
    case 'forbidden':
      return textual(occasion, 403, []);
    case 'missing':
      return textual(occasion, 404, []);
    case 'directory': {
      const index = target.form === 'file' ? await files.find(indexPath) : undefined;
      if (index?.kind !== 'file') return textual(occasion, 404, []);
      return textual(occasion, 301, [['Location', directoryLocation(target)]]);
    }
  }
}

function answerFile(head: RequestHead, occasion: Occasion, path: string, version: FileVersion): Answer {
  return { response: planFile(head, occasion, path, version), path, version };
}

function planFile({ fields }: RequestHead, occasion: Occasion, path: string, version: FileVersion): Response {
  const { size } = version;
  const validators = validatorsOf(version, occasion.nowMs);
  const validatorFields = [
    ['ETag', validators.entityTag],
    ['Last-Modified', formatDate(validators.lastModifiedMs)],
  ] as const;
  const verdict = evaluate(fields, validators);
  if (verdict === 'failed') return textResponse(occasion, 412, []);
  if (verdict === 'not-modified') return emptyResponse(occasion, 304, validatorFields);
  const fileFields = [...validatorFields, ['Accept-Ranges', 'bytes']] as const;
  const type = typeOf(path);
  // A Range is defined for GET only (RFC 9110 section 14.2).
  const isRanged = occasion.method === 'GET' && rangeApplies(fields, validators, occasion.nowMs);
  const selection = selectRanges(isRanged ? fields.get('range') : undefined, size, LIMITS.rangeCount);
  switch (selection.kind) {
    case 'whole':
      return fileResponse(occasion, fileFields, type, size);
    case 'ranges':
      return rangeResponse(occasion, fileFields, type, size, selection.ranges);
    case 'unsatisfiable':
      return textResponse(occasion, 416, [['Content-Range', `bytes */${size}`]]);
  }
}

function typeOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const known = name.includes('.') ? contentType(name.slice(name.lastIndexOf('.'))) : false;
  return known === false ? 'application/octet-stream' : known;
}
