// What the peer says it has: the cumulative acknowledgment and the blocks beside it (RFC 2018), taken into the flight.
//
//   O1. Only blocks that can be true are taken: above what is acknowledged, below what was sent. The peer may take them
//       back (it is allowed to renege), so data is released by the cumulative acknowledgment alone.
//   O2. Blocks are told the most recent first, but taken in ascending order (RFC 8985 section 6.2, step 3): what arrived
//       between two acknowledgments, of which the first was lost, would look reordered otherwise.
//   O3. Work is bounded: four blocks, each a search and at most two cuts in a list of bounded length.

import type { SackBlock } from '../wire/options.js';
import { timestampAt } from './compose.js';
import { dropBelow, joinBefore, locate, MARK, rangeStart, setMarks, splitRange } from './flight.js';
import { sendOffsetOf } from './offsets.js';
import { echoesThisPath } from './progress.js';
import { echoesEarlier, noteArrival } from './rack.js';
import { MAX_BLOCK_COUNT, type ArrivedBlock } from './sack-blocks.js';
import type { TcpRecord } from './state.js';

const NO_DUPLICATE = -1;

/** Bytes that the network may still hold ("pipe" of RFC 6675). Without selective acknowledgments: all that is outstanding. */
export function pipeLength({ send, flight }: TcpRecord): number {
  return send.nextOffset - send.unacknowledgedOffset - flight.sackedLength - flight.lostLength;
}

/**
 * All below `acknowledged` has arrived. Answers the round trip of the first that was not known to, in milliseconds: undefined
 * where it was sent more than once and no echo tells which copy is answered (Karn).
 */
export function takeCumulative(
  record: TcpRecord,
  now: number,
  acknowledged: number,
  echo: number | undefined,
): number | undefined {
  const { flight } = record;
  let start = flight.startOffset;
  let firstIndex = -1;
  for (let index = flight.head; index < flight.ends.length && start < acknowledged; index++) {
    const end = flight.ends[index] as number;
    const marks = flight.marks[index] as number;
    if ((marks & MARK.sacked) === 0) {
      if (firstIndex < 0) firstIndex = index;
      noteArrival(record, now, marks, flight.sentAt[index] as number, Math.min(end, acknowledged), echo);
    }
    start = end;
  }
  const roundTripMs = firstIndex < 0 ? undefined : roundTripOf(record, now, firstIndex, echo);
  dropBelow(flight, acknowledged);
  return roundTripMs;
}

function roundTripOf(record: TcpRecord, now: number, index: number, echo: number | undefined): number | undefined {
  const { flight } = record;
  const sentAt = flight.sentAt[index] as number;
  if (((flight.marks[index] as number) & MARK.repeated) === 0) return now - sentAt;
  if (echo === undefined || !echoesThisPath(record, now, echo)) return undefined;
  // An earlier copy is answered: it was not lost, the round trip is longer than the timeout.
  return echoesEarlier(record, sentAt, echo) ? (timestampAt(record, now) - echo) | 0 : now - sentAt;
}

/** Takes the blocks of an acknowledgment. Answers where the duplicate that it reports ends (RFC 2883), -1 where none is. */
export function takeBlocks(record: TcpRecord, now: number, blocks: readonly SackBlock[]): number {
  const { send } = record;
  let duplicateEnd = NO_DUPLICATE;
  const arrived: ArrivedBlock[] = [];
  for (let index = 0; index < Math.min(blocks.length, MAX_BLOCK_COUNT); index++) {
    const block = blocks[index] as SackBlock;
    const left = sendOffsetOf(record, block.left);
    const right = left + ((block.right - block.left) | 0);
    if (right <= left || right > send.highestOffset) continue; // O1
    if (right <= send.unacknowledgedOffset || (index === 0 && isWithin(block, blocks[1]))) {
      if (index === 0) duplicateEnd = right;
    } else if (left > send.unacknowledgedOffset) {
      arrived.push({ leftOffset: left, rightOffset: Math.min(right, send.nextOffset) });
    }
  }
  arrived.sort((one, other) => one.leftOffset - other.leftOffset); // O2
  for (const { leftOffset, rightOffset } of arrived) takeBlock(record, now, leftOffset, rightOffset);
  return duplicateEnd;
}

/** RFC 2883 section 4.2: the first block lies in the second. */
function isWithin(block: SackBlock, other: SackBlock | undefined): boolean {
  if (other === undefined) return false;
  return ((block.left - other.left) | 0) >= 0 && ((other.right - block.right) | 0) >= 0;
}

function takeBlock(record: TcpRecord, now: number, left: number, right: number): void {
  const { flight, config } = record;
  let index = locate(flight, left);
  if (index < flight.ends.length && flight.marks[index] !== MARK.sacked && rangeStart(flight, index) < left) {
    if (!splitRange(flight, index, left, config.maxFlightRangeCount)) return;
    index++;
  }
  for (; index < flight.ends.length && rangeStart(flight, index) < right; index++) {
    const marks = flight.marks[index] as number;
    if (marks !== MARK.sacked) {
      if ((flight.ends[index] as number) > right && !splitRange(flight, index, right, config.maxFlightRangeCount))
        return;
      // The timestamp that is echoed is that of the last segment in order: it says nothing of these.
      noteArrival(record, now, marks, flight.sentAt[index] as number, flight.ends[index] as number, undefined);
      setMarks(flight, index, MARK.sacked);
    }
    if (joinBefore(flight, index)) index--;
  }
  if (flight.marks[index] === MARK.sacked) joinBefore(flight, index);
}
