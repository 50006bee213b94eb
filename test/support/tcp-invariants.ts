// What must hold of a connection's record after every input, whatever came in.

import { MARK } from '@migratory/stack/internal/tcp/flight.js';
import { MAX_BLOCK_COUNT } from '@migratory/stack/internal/tcp/sack-blocks.js';
import type { TcpRecord } from '@migratory/stack/internal/tcp/state.js';

/** Throws an Error that names what does not hold. */
export function assertInvariants(record: TcpRecord): void {
  const { send, receive, config } = record;
  const holds = (condition: boolean, what: string): void => {
    if (!condition) throw new Error(`invariant broken in ${record.state}: ${what}\n${describe(record)}`);
  };
  const streamEnd = send.finOffset === undefined ? send.endOffset : send.finOffset + 1;
  holds(send.unacknowledgedOffset <= send.nextOffset, 'unacknowledged <= next');
  holds(send.nextOffset <= send.highestOffset, 'next <= highest');
  // A moved connection may stand one beyond what was written: at a FIN that was acknowledged before.
  holds(send.highestOffset <= Math.max(streamEnd, send.unacknowledgedOffset), 'highest <= end of the stream');
  holds(send.finOffset === undefined || send.finOffset === send.endOffset, 'the FIN follows all that was written');
  holds(
    queuedLength(record) === Math.max(0, send.endOffset - send.queue.headOffset),
    'the queue holds what was written',
  );
  for (const cursor of [send.queue.fresh, send.queue.repeated]) {
    holds(cursor.index >= send.queue.head, 'cursors at or after the head');
    holds(cursor.offset === chunkOffset(record, cursor.index), 'a cursor knows where its chunk begins');
  }
  assertFlight(record, holds);
  assertBlocks(record, holds);
  assertMarks(record, holds);
  holds(send.windowLength <= send.maxWindowLength, 'window <= largest window');

  const dataEnd = receive.finOffset ?? receive.nextOffset;
  holds(receive.readOffset <= dataEnd, 'read <= next');
  holds(receive.finOffset === undefined || receive.nextOffset === receive.finOffset + 1, 'next is one beyond the FIN');
  holds(
    receive.pendingFinOffset === undefined || receive.pendingFinOffset > receive.nextOffset,
    'a pending FIN is ahead',
  );
  holds(unreadLength(record) === dataEnd - receive.readOffset, 'unread chunks are [read, next)');
  assertUnread(record, holds);
  holds(receive.outOfOrder.length <= config.maxOutOfOrderCount, 'out-of-order pieces are bounded');
  let previousEnd = receive.nextOffset + 1;
  for (const [index, piece] of receive.outOfOrder.entries()) {
    holds(piece.bytes.length > 0, 'no empty piece');
    holds(
      piece.offset >= (index === 0 ? receive.nextOffset + 1 : previousEnd),
      'pieces are sorted, disjoint and ahead',
    );
    previousEnd = piece.offset + piece.bytes.length;
    holds(previousEnd <= receive.edgeOffset, 'pieces lie inside the window');
  }
  holds(record.congestion.windowLength > 0, 'the congestion window is positive');
  holds(
    record.state !== 'closed' || Object.values(record.timers).every((at) => at === Infinity),
    'closed runs no timer',
  );
}

type Holds = (condition: boolean, what: string) => void;

/** C2 and C3 of unread.ts. */
function assertUnread({ receive }: TcpRecord, holds: Holds): void {
  const { chunks, chunkHead, gathering } = receive;
  for (let index = chunkHead + 1; index < chunks.length; index++) {
    const [before, chunk] = [chunks[index - 1] as Uint8Array, chunks[index] as Uint8Array];
    holds(Math.max(before.length, chunk.length) >= 512, 'of two unread chunks in a row one is not small');
  }
  const last = chunks.at(-1);
  holds(gathering === undefined || (last !== undefined && chunks.length > chunkHead), 'room is kept behind a chunk');
  holds((gathering?.length ?? 0) <= Math.min(4096, 2 * (last?.length ?? 0)), 'little room is kept');
}

/** G1 and G2 of flight.ts. */
function assertFlight({ flight, send, config, sackPermitted, rack, tailProbe }: TcpRecord, holds: Holds): void {
  const count = flight.ends.length;
  holds(flight.sentAt.length === count && flight.marks.length === count, 'every range has its time and marks');
  holds(count - flight.head <= config.maxFlightRangeCount, 'ranges are bounded');
  holds(sackPermitted || count === 0, 'no ranges without selective acknowledgments');
  let start = flight.startOffset;
  let sackedLength = 0;
  let lostLength = 0;
  for (let index = flight.head; index < count; index++) {
    const [end, marks] = [flight.ends[index] as number, flight.marks[index] as number];
    holds(end > start, 'no empty range');
    holds((marks & MARK.sacked) === 0 || marks === MARK.sacked, 'what has arrived is nothing else');
    if ((marks & MARK.sacked) !== 0) sackedLength += end - start;
    if ((marks & MARK.lost) !== 0) lostLength += end - start;
    start = end;
  }
  holds(sackedLength === flight.sackedLength && lostLength === flight.lostLength, 'the sums are those of the ranges');
  if (sackPermitted) {
    holds(start === send.nextOffset || count === flight.head, 'ranges end where sending goes on');
    holds(
      count === flight.head
        ? send.nextOffset <= Math.max(0, send.unacknowledgedOffset)
        : flight.startOffset === send.unacknowledgedOffset,
      'ranges begin with the first unacknowledged byte',
    );
  }
  holds(rack.endOffset <= Math.max(send.highestOffset, -1), 'nothing has arrived that was not sent');
  holds(tailProbe.endOffset === undefined || tailProbe.endOffset <= send.highestOffset, 'a probe was sent');
}

/** E1 of explicit-congestion.ts. */
function assertMarks({ congestionMarks, send }: TcpRecord, holds: Holds): void {
  const { agreed, echoing, reductionUntold, reducedOffset } = congestionMarks;
  holds(agreed || (!echoing && !reductionUntold && reducedOffset < 0), 'no marks without agreement');
  holds(reducedOffset <= send.highestOffset, 'a window was reduced for what was sent');
}

/** B1 of sack-blocks.ts. */
function assertBlocks({ receive, sackPermitted }: TcpRecord, holds: Holds): void {
  holds(receive.blocks.length <= MAX_BLOCK_COUNT, 'blocks are bounded');
  holds(
    sackPermitted || (receive.blocks.length === 0 && receive.duplicate === undefined),
    'no blocks without agreement',
  );
  for (const { leftOffset, rightOffset } of receive.blocks) {
    holds(leftOffset > receive.nextOffset && rightOffset > leftOffset, 'a block lies beyond a gap');
    let covered = leftOffset;
    for (const { offset, bytes } of receive.outOfOrder) {
      if (offset <= covered) covered = Math.max(covered, offset + bytes.length);
    }
    holds(covered >= rightOffset, 'what is reported is stored');
  }
  const { duplicate } = receive;
  holds(duplicate === undefined || duplicate.rightOffset <= receive.nextOffset, 'a duplicate had arrived');
}

function chunkOffset({ send }: TcpRecord, index: number): number {
  const { chunks, head, headOffset } = send.queue;
  return chunks.slice(head, index).reduce((sum, chunk) => sum + chunk.length, headOffset);
}

/** After poll has said 'wait': something that waits for the peer has a timer. */
export function assertNotStuck(record: TcpRecord): void {
  const { send, timers } = record;
  if (record.suspended || record.state === 'closed' || record.state === 'time-wait') return;
  if (send.nextOffset > send.unacknowledgedOffset && timers.retransmissionAt === Infinity) {
    throw new Error(`outstanding data and no retransmission timer\n${describe(record)}`);
  }
  const end = Math.min(send.endOffset, send.limitOffset);
  if (send.nextOffset < end && timers.retransmissionAt === Infinity && timers.persistAt === Infinity) {
    throw new Error(`waiting data and no timer\n${describe(record)}`);
  }
}

function queuedLength({ send }: TcpRecord): number {
  return send.queue.chunks.slice(send.queue.head).reduce((sum, chunk) => sum + chunk.length, 0);
}

function unreadLength({ receive }: TcpRecord): number {
  return receive.chunks.slice(receive.chunkHead).reduce((sum, chunk) => sum + chunk.length, 0);
}

function describe({ send, receive, loss, timers, congestion, congestionMarks, flight, rack }: TcpRecord): string {
  const { queue, ...sendRest } = send;
  const { chunks, gathering, outOfOrder, ...receiveRest } = receive;
  const pieces = outOfOrder.map((piece) => [piece.offset, piece.bytes.length]);
  const counts = { queued: queue.chunks.length, unread: chunks.length, gathered: gathering?.length, pieces };
  return JSON.stringify({
    send: sendRest,
    receive: receiveRest,
    loss,
    timers,
    congestion,
    congestionMarks,
    flight,
    rack,
    counts,
  });
}
