// What was written and is not yet acknowledged: chunks by stream offset, never copied.
//
// Data leaves at the head as it is acknowledged and is cut for transmission at a cursor that only goes forward with new
// data, so both cost nothing per byte. A retransmission starts at the head, where the data is.
//
//   Q1. chunks[head] contains `headOffset + headSkip`, the first unacknowledged byte; chunks before `head` are released.
//   Q2. The cursor is at or after the head.

export interface SendQueue {
  chunks: Uint8Array[];
  head: number;
  /** Stream offset at which chunks[head] begins; at most the first unacknowledged byte. */
  headOffset: number;
  cursor: number;
  /** Stream offset at which chunks[cursor] begins. */
  cursorOffset: number;
}

const RELEASED = new Uint8Array(0);
const COMPACT_COUNT = 256;

/** A queue whose first byte has this stream offset. */
export function emptyQueue(offset: number): SendQueue {
  return { chunks: [], head: 0, headOffset: offset, cursor: 0, cursorOffset: offset };
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
  if (queue.cursor < queue.head) {
    queue.cursor = queue.head;
    queue.cursorOffset = queue.headOffset;
  }
  if (queue.head >= COMPACT_COUNT && queue.head * 2 >= chunks.length) {
    chunks.splice(0, queue.head);
    queue.cursor -= queue.head;
    queue.head = 0;
  }
}

/** Views of `length` bytes from `offset` on, for new data: moves the cursor. */
export function sliceAtCursor(queue: SendQueue, offset: number, length: number): Uint8Array[] {
  if (offset < queue.cursorOffset) {
    // After a retransmission timeout sending begins again at the head.
    queue.cursor = queue.head;
    queue.cursorOffset = queue.headOffset;
  }
  for (;;) {
    const chunk = queue.chunks[queue.cursor];
    if (chunk === undefined || queue.cursorOffset + chunk.length > offset) break;
    queue.cursor++;
    queue.cursorOffset += chunk.length;
  }
  return slice(queue, queue.cursor, offset - queue.cursorOffset, length);
}

/** Views of `length` bytes from `offset` on, near the head: a retransmission, which leaves the cursor where it is. */
export function sliceAtHead(queue: SendQueue, offset: number, length: number): Uint8Array[] {
  return slice(queue, queue.head, offset - queue.headOffset, length);
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
