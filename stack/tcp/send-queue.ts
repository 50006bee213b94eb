// What was written and is not yet acknowledged: chunks by stream offset, never copied.
//
// Data leaves at the head as it is acknowledged and is cut for transmission at a cursor that only goes forward with new
// data, so both cost nothing per byte. What is sent again has a cursor of its own: it goes forward during a recovery.
//
//   Q1. chunks[head] contains the first unacknowledged byte; chunks before `head` are released.
//   Q2. The cursors are at or after the head.

export interface QueueCursor {
  index: number;
  /** Stream offset at which chunks[index] begins. */
  offset: number;
}

export interface SendQueue {
  chunks: Uint8Array[];
  head: number;
  /** Stream offset at which chunks[head] begins; at most the first unacknowledged byte. */
  headOffset: number;
  readonly fresh: QueueCursor;
  readonly repeated: QueueCursor;
}

const RELEASED = new Uint8Array(0);
const COMPACT_COUNT = 256;

/** A queue whose first byte has this stream offset. */
export function emptyQueue(offset: number): SendQueue {
  return { chunks: [], head: 0, headOffset: offset, fresh: { index: 0, offset }, repeated: { index: 0, offset } };
}

/** Appends a view; the writer must leave its bytes alone from now on. */
export function enqueue(queue: SendQueue, bytes: Uint8Array): void {
  if (bytes.length > 0) queue.chunks.push(bytes);
}

/** Releases everything below `offset`. */
export function release(queue: SendQueue, offset: number): void {
  const { chunks } = queue;
  for (;;) {
    const chunk = chunks[queue.head];
    if (chunk === undefined || queue.headOffset + chunk.length > offset) break;
    chunks[queue.head] = RELEASED;
    queue.head++;
    queue.headOffset += chunk.length;
  }
  if (queue.head > 0 && queue.head === chunks.length) {
    // An idle connection keeps no trace of what it has sent.
    queue.chunks = [];
    queue.head = 0;
    toHead(queue, queue.fresh);
    toHead(queue, queue.repeated);
    return;
  }
  if (queue.fresh.index < queue.head) toHead(queue, queue.fresh);
  if (queue.repeated.index < queue.head) toHead(queue, queue.repeated);
  if (queue.head >= COMPACT_COUNT && queue.head * 2 >= chunks.length) {
    chunks.splice(0, queue.head);
    queue.fresh.index -= queue.head;
    queue.repeated.index -= queue.head;
    queue.head = 0;
  }
}

/** Views of `length` bytes from `offset` on; moves the cursor there. */
export function sliceAtCursor(queue: SendQueue, cursor: QueueCursor, offset: number, length: number): Uint8Array[] {
  if (offset < cursor.offset) toHead(queue, cursor);
  for (;;) {
    const chunk = queue.chunks[cursor.index];
    if (chunk === undefined || cursor.offset + chunk.length > offset) break;
    cursor.index++;
    cursor.offset += chunk.length;
  }
  return slice(queue, cursor.index, offset - cursor.offset, length);
}

/** Views of `length` bytes from `offset` on; the cursors stay where they are. */
export function sliceAtHead(queue: SendQueue, offset: number, length: number): Uint8Array[] {
  return slice(queue, queue.head, offset - queue.headOffset, length);
}

function toHead(queue: SendQueue, cursor: QueueCursor): void {
  cursor.index = queue.head;
  cursor.offset = queue.headOffset;
}

function slice(queue: SendQueue, index: number, skip: number, length: number): Uint8Array[] {
  const views: Uint8Array[] = [];
  while (length > 0) {
    const chunk = queue.chunks[index++];
    if (chunk === undefined) throw new Error('a slice beyond the end of the send queue');
    if (skip >= chunk.length) {
      skip -= chunk.length;
      continue;
    }
    const taken = Math.min(chunk.length - skip, length);
    views.push(taken === chunk.length ? chunk : chunk.subarray(skip, skip + taken));
    skip = 0;
    length -= taken;
  }
  return views;
}
