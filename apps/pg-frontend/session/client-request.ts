// What of the client's bytes belongs together: the next messages that go to the database at once.
//
// A Query or FunctionCall goes alone. Messages of the extended protocol are kept until a Sync or Flush says that the client
// waits, or until there are many: the database does nothing with them that anybody could see before that.

import { LIMITS } from '../limits.js';
import { extentOf } from '../wire/frontend-messages.js';
import { FRONTEND } from '../wire/message.js';

export type ClientRequest =
  /** There is not enough yet. */
  | { readonly kind: 'incomplete' }
  /** So many bytes are whole messages. 'unflushed': nothing at their end makes the database answer. */
  | {
      readonly kind: 'messages';
      readonly messages: readonly Buffer[];
      readonly length: number;
      readonly end: 'flushed' | 'unflushed';
    }
  /** A message of which only the beginning is here, and that is not collected. */
  | { readonly kind: 'large'; readonly type: number; readonly length: number }
  | { readonly kind: 'terminate' }
  /** `message` is PostgreSQL's own. */
  | { readonly kind: 'malformed'; readonly message: string };

/** Type, length, and two names of at most 64 bytes each. */
const HEAD_LENGTH = 256;
const ALONE = new Set<number>([FRONTEND.query, FRONTEND.functionCall]);

export function nextRequest(bytes: Buffer): ClientRequest {
  const messages: Buffer[] = [];
  let at = 0;
  const sofar = (end: 'flushed' | 'unflushed'): ClientRequest => ({ kind: 'messages', messages, length: at, end });
  for (;;) {
    const extent = extentOf(bytes, at);
    if (extent.kind === 'nothing') break;
    const isNamed = bytes.length - at >= HEAD_LENGTH; // of a large one at least the names are read
    if (extent.kind === 'begun' && (extent.length <= LIMITS.inspectedLength || !isNamed)) break;
    const isOfItsOwn = extent.kind !== 'whole' || ALONE.has(extent.type) || extent.type === FRONTEND.terminate;
    if (isOfItsOwn && at > 0) return sofar('unflushed');
    if (extent.kind === 'malformed') return extent;
    if (extent.kind === 'begun') return { kind: 'large', type: extent.type, length: extent.length };
    if (extent.type === FRONTEND.terminate) return { kind: 'terminate' };
    messages.push(bytes.subarray(at, at + extent.length));
    at += extent.length;
    if (ALONE.has(extent.type) || extent.type === FRONTEND.sync || extent.type === FRONTEND.flush)
      return sofar('flushed');
    if (at >= LIMITS.requestLength) return sofar('unflushed');
  }
  return { kind: 'incomplete' };
}
