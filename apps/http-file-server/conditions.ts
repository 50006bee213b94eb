// Preconditions: whether a request still holds, given the file's validators (RFC 9110 section 13).
//
// The entity tag is made of size and time of modification, so it is the same at every member that has the same copy, and
// it is strong: two versions of one file differ in it.

import etag from 'etag';
import fresh from 'fresh';
import type { FileVersion } from './file-store.js';
import type { Fields } from './request.js';

export interface Validators {
  /** With its quotes. */
  readonly entityTag: string;
  /** Whole seconds, and not after the response's own date. */
  readonly lastModifiedMs: number;
}

/** In the order of RFC 9110 section 13.2.2; a range is looked at only when it says 'holds'. */
export type Verdict = 'holds' | 'not-modified' | 'failed';

export function validatorsOf({ size, modifiedMs }: FileVersion, nowMs: number): Validators {
  const modified = new Date(modifiedMs);
  return {
    entityTag: etag({ size, mtime: modified, ctime: modified, ino: 0 }, { weak: false }),
    lastModifiedMs: wholeSeconds(Math.min(modifiedMs, nowMs)),
  };
}

export function evaluate(fields: Fields, { entityTag, lastModifiedMs }: Validators): Verdict {
  const match = fields.get('if-match');
  if (match !== undefined) {
    if (match.trim() !== '*' && !entityTagsOf(match).includes(entityTag)) return 'failed';
  } else {
    const unmodifiedSince = Date.parse(fields.get('if-unmodified-since') ?? '');
    if (lastModifiedMs > unmodifiedSince) return 'failed'; // a date that can't be read is NaN: not a condition
  }
  const conditions = {
    'if-none-match': fields.get('if-none-match'),
    'if-modified-since': fields.get('if-modified-since'),
    'cache-control': fields.get('cache-control'),
  };
  const found = { etag: entityTag, 'last-modified': formatDate(lastModifiedMs) };
  return fresh(conditions, found) ? 'not-modified' : 'holds';
}

/** RFC 9110 section 13.1.5: whether a range may be taken of the file as it is. A date counts only when it is a strong validator. */
export function rangeApplies(fields: Fields, { entityTag, lastModifiedMs }: Validators, nowMs: number): boolean {
  const condition = fields.get('if-range');
  if (condition === undefined) return true;
  if (/^(?:W\/)?"/.test(condition)) return condition === entityTag;
  return Date.parse(condition) === lastModifiedMs && lastModifiedMs + 1000 <= wholeSeconds(nowMs);
}

/** IMF-fixdate (RFC 9110 section 5.6.7). */
export function formatDate(atMs: number): string {
  return new Date(atMs).toUTCString();
}

/** Strong ones as they are, weak ones with their prefix: they never equal ours. */
function entityTagsOf(list: string): readonly string[] {
  return list.match(/(?:W\/)?"[^"]*"/g) ?? [];
}

function wholeSeconds(atMs: number): number {
  return Math.floor(atMs / 1000) * 1000;
}
