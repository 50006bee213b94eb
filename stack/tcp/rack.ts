// RACK: what was sent before something that has arrived, and has not arrived itself some time later, is lost (RFC 8985
// section 6). Time tells it, not the count of duplicates, so that reordering alone is taken for no loss, and a lost
// retransmission is found like any other.
//
//   K1. An acknowledgment that may answer an earlier copy of what was sent again says nothing about when it was sent.
//   K2. The window for reordering is none until reordering is seen, while it would only delay what is clear; each round in
//       which the peer reports a duplicate widens it, and 16 recoveries without one close it again.

import { timestampAt } from './compose.js';
import { joinBefore, MARK, setMarks } from './flight.js';
import { lowerMinimum, minimumOf, noMinimum } from './recent-minimum.js';
import type { RackState, TcpRecord } from './state.js';

const DUPLICATE_THRESHOLD = 3;
const PERSIST_COUNT = 16;

export function initialRack(now: number): RackState {
  return {
    sentAt: -Infinity,
    endOffset: -1,
    roundTripMs: 0,
    forwardOffset: -1,
    reorderingSeen: false,
    windowMultiplier: 1,
    persistCount: 0,
    roundEndOffset: -1,
    shortestRoundTripMs: noMinimum(now),
  };
}

/** A range, or a part of one that ends at `end`, has arrived; `echo` is the timestamp that the peer echoes (steps 1 to 3). */
export function noteArrival(
  record: TcpRecord,
  now: number,
  marks: number,
  sentAt: number,
  end: number,
  echo: number | undefined,
): void {
  const { rack } = record;
  const roundTripMs = now - sentAt;
  if ((marks & MARK.repeated) === 0) {
    lowerMinimum(rack.shortestRoundTripMs, now, roundTripMs);
    if (end < rack.forwardOffset) rack.reorderingSeen = true;
  } else {
    if (echo !== undefined && echoesEarlier(record, sentAt, echo)) return; // K1
    if (roundTripMs < minimumOf(rack.shortestRoundTripMs)) return; // K1
  }
  rack.forwardOffset = Math.max(rack.forwardOffset, end);
  if (sentAt < rack.sentAt || (sentAt === rack.sentAt && end <= rack.endOffset)) return;
  rack.sentAt = sentAt;
  rack.endOffset = end;
  rack.roundTripMs = roundTripMs;
}

/** Whether the peer echoes something that was sent before `sentAt`. */
export function echoesEarlier(record: TcpRecord, sentAt: number, echo: number): boolean {
  return ((echo - timestampAt(record, sentAt)) | 0) < 0;
}

/** K2, for an acknowledgment that reports a duplicate. */
export function noteDuplicate({ rack, send }: TcpRecord): void {
  if (send.unacknowledgedOffset < rack.roundEndOffset) return;
  rack.roundEndOffset = send.nextOffset;
  rack.windowMultiplier++;
  rack.persistCount = PERSIST_COUNT;
}

/** K2, at the end of a recovery. */
export function noteRecovered({ rack }: TcpRecord): void {
  if (rack.persistCount > 0 && --rack.persistCount === 0) rack.windowMultiplier = 1;
}

/** Whether there can be something to find at all: without loss or reordering what has arrived is what was sent first. */
export function mayHaveLosses({ flight, rack, loss }: TcpRecord): boolean {
  if (flight.head === flight.ends.length) return false;
  return flight.sackedLength > 0 || loss.phase !== 'open' || (flight.sentAt[flight.head] as number) < rack.sentAt;
}

/** Marks what is lost by now, and sets the timer for what may be soon (step 5). */
export function detectLosses(record: TcpRecord, now: number): void {
  const { flight, rack, timers, loss } = record;
  const patienceMs = rack.roundTripMs + reorderingWindowMs(record);
  let latestAt = -Infinity;
  for (let index = flight.head; index < flight.ends.length; index++) {
    const marks = flight.marks[index] as number;
    if ((marks & (MARK.sacked | MARK.lost)) !== 0) continue;
    const sentAt = flight.sentAt[index] as number;
    if (sentAt > rack.sentAt || (sentAt === rack.sentAt && (flight.ends[index] as number) > rack.endOffset)) continue;
    const lostAt = sentAt + patienceMs;
    if (lostAt > now) {
      latestAt = Math.max(latestAt, lostAt);
      continue;
    }
    if ((flight.ends[index] as number) > loss.recoverOffset) loss.anotherLost = true; // V1 of recovery.ts
    setMarks(flight, index, marks | MARK.lost);
    if (joinBefore(flight, index)) index--;
  }
  timers.reorderingAt = latestAt === -Infinity ? Infinity : latestAt;
}

/** After a retransmission timeout: the first range is lost, and the others whose time has come (section 6.3). */
export function markLostOnTimeout(record: TcpRecord, now: number): void {
  const { flight, rack, timers } = record;
  const reneged = ((flight.marks[flight.head] ?? 0) & MARK.sacked) !== 0;
  const patienceMs = rack.roundTripMs + reorderingWindowMs(record);
  for (let index = flight.head; index < flight.ends.length; index++) {
    const marks = flight.marks[index] as number;
    if ((marks & MARK.sacked) !== 0) {
      // What the peer said it had, it has thrown away, or it would acknowledge it (RFC 2018 section 8).
      if (!reneged) continue;
    } else if (index !== flight.head && (flight.sentAt[index] as number) + patienceMs > now) continue;
    setMarks(flight, index, (marks & MARK.repeated) | MARK.lost);
    if (joinBefore(flight, index)) index--;
  }
  timers.reorderingAt = Infinity;
}

function reorderingWindowMs({ rack, rtt, flight, loss, send }: TcpRecord): number {
  // More than two full ones, as RFC 6675 counts: options take room, so that three may be a little less than full.
  const clearLength = (DUPLICATE_THRESHOLD - 1) * send.maximumSegmentSize;
  const isClear = loss.phase !== 'open' || flight.sackedLength > clearLength;
  if (!rack.reorderingSeen && isClear) return 0; // K2
  return Math.min((rack.windowMultiplier * minimumOf(rack.shortestRoundTripMs)) / 4, rtt.smoothedMs ?? 0);
}
