// Segments for the fuzzer: made up around what the connection expects, or real ones with something changed.

import { receiveEdges, sendEdges, type Edges } from './edges.js';
import type { TcpRecord } from '@migratory/stack/internal/tcp/state.js';
import type { NetworkReport } from '@migratory/stack/internal/wire/network-report.js';
import type { SackBlock, SegmentOptions } from '@migratory/stack/internal/wire/options.js';
import { decodeSegment, encodeSegmentHeader, FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';
import type { Dice } from './dice.js';

const PAYLOAD = new Uint8Array(4096).map((_, index) => index);
const FLAG_CHOICES: readonly number[] = [
  FLAG.ack,
  FLAG.ack,
  FLAG.ack,
  FLAG.ack | FLAG.psh,
  FLAG.ack | FLAG.fin,
  FLAG.ack | FLAG.ece,
  FLAG.ack | FLAG.cwr,
  FLAG.ack | FLAG.urg,
  FLAG.syn,
  FLAG.syn | FLAG.ece | FLAG.cwr,
  FLAG.syn | FLAG.ack,
  FLAG.rst,
  FLAG.rst | FLAG.ack,
  FLAG.fin,
  0,
];
const LENGTHS: readonly number[] = [0, 0, 0, 1, 7, 100, 536, 1448, 3000];
const WINDOWS: readonly number[] = [0, 1, 100, 2000, 65_535];

/** A segment that nobody sent, near the edges of what the record would take. */
export function inventSegment(dice: Dice, record: TcpRecord, now: number): Segment {
  const flags = dice.once(40) ? dice.below(256) : dice.oneOf(FLAG_CHOICES);
  const length = (flags & (FLAG.syn | FLAG.rst)) !== 0 ? 0 : dice.oneOf(LENGTHS);
  return {
    sequence: near(dice, receiveEdges(record)),
    acknowledgment: near(dice, sendEdges(record)),
    flags,
    window: dice.oneOf(WINDOWS),
    options: inventOptions(dice, record, now),
    payload: length === 0 ? [] : [PAYLOAD.subarray(0, length)],
    payloadLength: length,
    ...(dice.once(8) ? { ecn: 'experienced' as const } : {}),
  };
}

/** What a router might say of a segment of ours. */
export function inventReport(dice: Dice, record: TcpRecord): NetworkReport {
  const sequence = near(dice, sendEdges(record));
  if (dice.once(4)) return { kind: 'unreachable', sequence, hardness: dice.oneOf(['hard', 'soft'] as const) };
  return { kind: 'packet-too-big', sequence, segmentLength: dice.below(1500) };
}

/** A real segment with a field or two changed. */
export function changeSegment(dice: Dice, record: TcpRecord, now: number, segment: Segment): Segment {
  const changed = { ...segment };
  do {
    switch (dice.below(7)) {
      case 0:
        changed.sequence = dice.once(2)
          ? near(dice, receiveEdges(record))
          : (segment.sequence + dice.below(9) - 4) >>> 0;
        break;
      case 1:
        changed.acknowledgment = near(dice, sendEdges(record));
        break;
      case 2:
        changed.flags ^= 1 << dice.below(8);
        break;
      case 3:
        changed.window = dice.oneOf(WINDOWS);
        break;
      case 4:
      case 5:
        changed.options = { ...segment.options, ...inventOptions(dice, record, now) };
        break;
      case 6:
        changed.payloadLength = dice.oneOf(LENGTHS);
        changed.payload = changed.payloadLength === 0 ? [] : [PAYLOAD.subarray(0, changed.payloadLength)];
        break;
    }
  } while (dice.once(3));
  return changed;
}

/** A real segment's bytes with some of them changed, or cut; undefined where that makes no segment any more. */
export function changeBytes(dice: Dice, segment: Segment): Segment | undefined {
  const bytes = Buffer.concat([encodeSegmentHeader(segment), ...segment.payload.map((view) => view.subarray(0, 64))]);
  for (let count = 1 + dice.below(4); count > 0; count--) bytes[dice.below(bytes.length)] = dice.below(256);
  const decoded = decodeSegment(dice.once(4) ? bytes.subarray(0, dice.below(bytes.length)) : bytes);
  return decoded.kind === 'segment' ? decoded.segment : undefined;
}

function near(dice: Dice, { edges, size }: Edges): number {
  const edge = dice.oneOf(edges);
  switch (dice.below(8)) {
    case 0:
      return (edge + dice.below(size + 1)) >>> 0;
    case 1:
      return (edge - dice.below(size + 1)) >>> 0;
    case 2:
      return (edge + dice.below(3) - 1) >>> 0;
    case 3:
      return dice.once(4) ? dice.bits() : edge;
    default:
      return edge;
  }
}

function inventOptions(dice: Dice, record: TcpRecord, now: number): SegmentOptions {
  const { timestamps } = record;
  const options: { -readonly [Name in keyof SegmentOptions]: SegmentOptions[Name] } = {};
  if (!dice.once(8)) {
    const mine = (Math.floor(now) + timestamps.offset) >>> 0;
    const value = dice.once(6) ? dice.bits() : (timestamps.recent + dice.below(50)) >>> 0;
    options.timestamps = { value, echo: dice.once(6) ? dice.bits() : (mine - dice.below(300)) >>> 0 };
  }
  if (dice.once(3)) {
    const blocks: SackBlock[] = [];
    for (let count = 1 + dice.below(4); count > 0; count--) {
      const left = near(dice, sendEdges(record));
      blocks.push({ left, right: dice.once(6) ? near(dice, sendEdges(record)) : (left + dice.below(2000)) >>> 0 });
    }
    options.sackBlocks = blocks;
  }
  if (dice.once(20)) options.maximumSegmentSize = dice.below(65_536);
  if (dice.once(20)) options.windowScale = dice.below(15);
  if (dice.once(20)) options.sackPermitted = true;
  return options;
}
