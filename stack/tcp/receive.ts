// The peer's data: in-order delivery, what is kept out of order, and when it is acknowledged.
//
// An acknowledgment is owed at once for anything out of the ordinary (RFC 5681 section 4.2) and for every second
// full-sized segment; otherwise it waits for a segment to ride on, for at most `delayedAckMs`.

import { FLAG, type Segment } from '../wire/segment.js';
import { timestampAt } from './compose.js';
import { noteMarks } from './explicit-congestion.js';
import { finReceived } from './lifecycle.js';
import { echoesThisPath } from './progress.js';
import { insertPiece, takePiece } from './reassembly.js';
import { dropBlocksBelow, noteBlock } from './sack-blocks.js';
import type { TcpEvent, TcpRecord } from './state.js';
import { appendUnread, hasUnread, takeUnread } from './unread.js';
import { windowUpdateDue } from './window.js';
import { tuneWindow } from './window-tuning.js';

const READABLE: TcpEvent = Object.freeze({ kind: 'readable' });
const END_OF_INPUT: TcpEvent = Object.freeze({ kind: 'end-of-input' });

/** Takes payload and FIN of an acceptable segment that begins at `offset` of the peer's stream. */
export function receiveData(record: TcpRecord, now: number, segment: Segment, offset: number): void {
  const { receive } = record;
  noteMarks(record, segment);
  if (segment.payloadLength > 0) receivePayload(record, now, segment, offset);
  if ((segment.flags & FLAG.fin) !== 0) {
    const finOffset = offset + segment.payloadLength;
    receive.acknowledgmentPending = true;
    if (finOffset >= receive.nextOffset && finOffset <= receive.edgeOffset) receive.pendingFinOffset ??= finOffset;
  }
  if (receive.pendingFinOffset === undefined || receive.pendingFinOffset > receive.nextOffset) return;
  if (receive.pendingFinOffset === receive.nextOffset) takeFin(record, now);
  else receive.pendingFinOffset = undefined; // the peer sent data beyond its own end
}

/** The next chunk in order, or undefined when all has been read. Poll afterwards: the window may be worth telling. */
export function read(record: TcpRecord): Uint8Array | undefined {
  const { receive } = record;
  const chunk = takeUnread(receive);
  if (chunk === undefined) return undefined;
  receive.readOffset += chunk.length;
  if (!hasUnread(receive)) receive.readableTold = false;
  if (windowUpdateDue(record)) receive.acknowledgmentPending = true;
  return chunk;
}

function receivePayload(record: TcpRecord, now: number, segment: Segment, offset: number): void {
  const { receive, config } = record;
  widenWindow(record, now, segment);
  if (segment.payloadLength > receive.segmentLength) {
    receive.segmentLength = Math.min(segment.payloadLength, config.maximumSegmentSize);
  }
  const end = Math.min(offset + segment.payloadLength, receive.edgeOffset);
  if (end < offset + segment.payloadLength) receive.acknowledgmentPending = true;
  if (offset > receive.nextOffset) {
    storePieces(record, segment, offset, end);
    receive.acknowledgmentPending = true;
    return;
  }
  if (offset < receive.nextOffset) noteDuplicate(record, offset, end);
  if (end <= receive.nextOffset) {
    receive.acknowledgmentPending = true;
    return;
  }
  const before = receive.nextOffset;
  deliver(record, segment, offset, end);
  if (receive.outOfOrder.length > 0) {
    fillGap(record);
    dropBlocksBelow(receive.blocks, receive.nextOffset);
    receive.acknowledgmentPending = true;
  }
  tellReadable(record);
  receive.unansweredLength += receive.nextOffset - before;
  if (receive.unansweredLength >= 2 * receive.segmentLength) {
    receive.acknowledgmentPending = true;
  } else if (record.timers.delayedAckAt === Infinity) {
    record.timers.delayedAckAt = now + config.delayedAckMs;
  }
}

/** Lets the window grow to what the path needs. */
function widenWindow(record: TcpRecord, now: number, segment: Segment): void {
  const { receive, timestamps, config } = record;
  const { tuning } = receive;
  if (tuning.windowLength >= config.receiveBufferLength) return;
  if (!timestamps.enabled) {
    tuning.windowLength = config.receiveBufferLength; // D3 of window-tuning.ts
    return;
  }
  const echo = segment.options.timestamps?.echo;
  const known = echo !== undefined && echoesThisPath(record, now, echo);
  const sampleMs = known ? (timestampAt(record, now) - echo) | 0 : -1;
  // Below zero: after long silence, or from a peer that makes values up.
  tuneWindow(tuning, config, now, sampleMs >= 0 ? sampleMs : undefined, receive.readOffset);
}

/** Appends the segment's bytes in [nextOffset, end). */
function deliver(record: TcpRecord, segment: Segment, offset: number, end: number): void {
  const { receive } = record;
  let at = offset;
  for (const view of segment.payload) {
    const from = Math.max(0, receive.nextOffset - at);
    const until = Math.min(view.length, end - at);
    if (from < until) {
      appendUnread(receive, from === 0 && until === view.length ? view : view.subarray(from, until));
      receive.nextOffset = at + until;
    }
    at += view.length;
  }
}

function storePieces(record: TcpRecord, segment: Segment, offset: number, end: number): void {
  const { receive, config } = record;
  let at = offset;
  let whole = true;
  for (const view of segment.payload) {
    const until = Math.min(view.length, end - at);
    if (until > 0) {
      whole = insertPiece(receive.outOfOrder, at, view.subarray(0, until), config.maxOutOfOrderCount) && whole;
    }
    at += view.length;
  }
  if (record.sackPermitted && whole && end > offset) noteBlock(receive.blocks, offset, end); // B1 of sack-blocks.ts
}

/** Of [offset, end) what is below the next offset has come before: the peer is told (RFC 2883). */
export function noteDuplicate({ receive, sackPermitted }: TcpRecord, offset: number, end: number): void {
  const rightOffset = Math.min(end, receive.nextOffset);
  if (sackPermitted && offset < rightOffset) receive.duplicate = { leftOffset: Math.max(0, offset), rightOffset };
}

function fillGap({ receive }: TcpRecord): void {
  for (;;) {
    const bytes = takePiece(receive.outOfOrder, receive.nextOffset);
    if (bytes === undefined) return;
    appendUnread(receive, bytes);
    receive.nextOffset += bytes.length;
  }
}

function tellReadable(record: TcpRecord): void {
  if (record.receive.readableTold) return;
  record.receive.readableTold = true;
  record.events.push(READABLE);
}

function takeFin(record: TcpRecord, now: number): void {
  const { receive } = record;
  receive.finOffset = receive.nextOffset;
  receive.nextOffset += 1;
  receive.pendingFinOffset = undefined;
  receive.outOfOrder.length = 0;
  receive.blocks.length = 0;
  receive.acknowledgmentPending = true; // the FIN may have come before data that was still missing
  record.events.push(END_OF_INPUT);
  finReceived(record, now);
}

/** For a connection that begins with unread input, or with its end. */
export function announceInput(record: TcpRecord): void {
  if (hasUnread(record.receive)) tellReadable(record);
  if (record.receive.finOffset !== undefined) record.events.push(END_OF_INPUT);
}
