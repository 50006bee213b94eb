// From the record to a segment: sequence numbers, acknowledgment, window and options.
//
// Whatever is composed carries the newest acknowledgment, so an acknowledgment that was owed is paid by it.

import { encodeMigrateOption, type MigrateOption } from '../wire/migrate-options.js';
import {
  MAX_OPTIONS_LENGTH,
  NO_OPTIONS,
  sackOptionLength,
  type SackBlock,
  type SegmentOptions,
} from '../wire/options.js';
import { FLAG, type Segment } from '../wire/segment.js';
import type { Sequence } from '../wire/sequence.js';
import { sequenceOfReceiveOffset, sequenceOfSendOffset } from './offsets.js';
import { MAX_BLOCK_COUNT } from './sack-blocks.js';
import type { TcpRecord } from './state.js';
import { advertiseWindow, windowShift } from './window.js';

export const NO_PAYLOAD: readonly Uint8Array[] = Object.freeze([]);
const TIMESTAMPS_LENGTH = 12;

/** A segment to which something may be added that most do not have. */
export type Composed = Segment & { flags: number; cutLength?: number; ecn?: 'capable' };

/** Payload bytes that fit one segment beside the options it will carry (RFC 9293 MUST-14, RFC 6691). */
export function segmentLength(record: TcpRecord): number {
  const length = lengthBesideBlocks(record);
  return record.send.maximumSegmentSize - length - sackOptionLength(blockCount(record, length));
}

/** Bytes of the options that a segment carries, but for the blocks, which take what room is left. */
function lengthBesideBlocks({ timestamps, attachedOption }: TcpRecord): number {
  const stamped = timestamps.enabled ? TIMESTAMPS_LENGTH : 0;
  if (attachedOption === undefined) return stamped;
  const attached = paddedLength(attachedOption);
  return attached + stamped <= MAX_OPTIONS_LENGTH ? attached + stamped : attached;
}

/** How many blocks fit beside `length` bytes of other options. */
function blockCount({ receive }: TcpRecord, length: number): number {
  if (receive.blocks.length === 0 && receive.duplicate === undefined) return 0;
  let count = Math.min(receive.blocks.length + (receive.duplicate === undefined ? 0 : 1), MAX_BLOCK_COUNT);
  while (count > 0 && sackOptionLength(count) > MAX_OPTIONS_LENGTH - length) count--;
  return count;
}

/** A segment of an open connection at `offset` of our stream. */
export function compose(
  record: TcpRecord,
  now: number,
  offset: number,
  flags: number,
  payload: readonly Uint8Array[],
  payloadLength: number,
): Composed {
  const { receive } = record;
  // Before a duplicate that is reported has been: the options are as long as they were when the payload was chosen.
  const cutLength = segmentLength(record);
  receive.acknowledgmentPending = false;
  receive.unansweredLength = 0;
  receive.lastAcknowledgedOffset = receive.nextOffset;
  record.timers.delayedAckAt = Infinity;
  const segment: Composed = {
    sequence: sequenceOfSendOffset(record, offset),
    acknowledgment: sequenceOfReceiveOffset(record, receive.nextOffset),
    flags: flags | FLAG.ack | (record.congestionMarks.echoing ? FLAG.ece : 0),
    window: advertiseWindow(record, receive.windowUnitLength),
    options: composeOptions(record, now),
    payload,
    payloadLength,
  };
  if (payloadLength > cutLength) segment.cutLength = cutLength;
  return segment;
}

/** SYN, or SYN/ACK once the peer's SYN is known. */
export function composeSyn(record: TcpRecord, now: number): Segment {
  const { config, receive } = record;
  const answers = record.state === 'syn-received';
  const capable = record.migrateCapable.offered;
  if (answers) receive.lastAcknowledgedOffset = receive.nextOffset;
  return {
    sequence: sequenceOfSendOffset(record, -1),
    acknowledgment: answers ? sequenceOfReceiveOffset(record, receive.nextOffset) : 0,
    flags: answers ? FLAG.syn | FLAG.ack | answeredMarks(record) : FLAG.syn | offeredMarks(record),
    window: advertiseWindow(record, 1),
    options: {
      maximumSegmentSize: config.maximumSegmentSize,
      ...((answers ? record.windowScaled : config.windowScaling)
        ? { windowScale: windowShift(config.receiveBufferLength) }
        : {}),
      ...((answers ? record.sackPermitted : config.selectiveAcknowledgments) ? { sackPermitted: true as const } : {}),
      ...((answers ? record.timestamps.enabled : config.timestamps)
        ? { timestamps: { value: stamp(record, now), echo: record.timestamps.recent } }
        : {}),
      ...(capable === undefined ? {} : { migrate: { kind: 'capable', flags: capable } as const }),
    },
    payload: NO_PAYLOAD,
    payloadLength: 0,
  };
}

/** A SYN that was lost may have met something that takes offence: without, then (RFC 3168 section 6.1.1.1). */
function offeredMarks({ config, loss }: TcpRecord): number {
  return config.explicitCongestion === 'offered' && !loss.synLost ? FLAG.ece | FLAG.cwr : 0;
}

function answeredMarks({ congestionMarks }: TcpRecord): number {
  return congestionMarks.agreed ? FLAG.ece : 0;
}

/** A reset of a synchronized connection. */
export function composeReset(record: TcpRecord): Segment {
  return {
    sequence: sequenceOfSendOffset(record, acceptableOffset(record)),
    acknowledgment: sequenceOfReceiveOffset(record, record.receive.nextOffset),
    flags: FLAG.rst | FLAG.ack,
    window: 0,
    options: NO_OPTIONS,
    payload: NO_PAYLOAD,
    payloadLength: 0,
  };
}

/** The answer to an acknowledgment of something that was never sent (RFC 9293 section 3.10.7.3). */
export function resetFor(acknowledgment: Sequence): Segment {
  return {
    sequence: acknowledgment,
    acknowledgment: 0,
    flags: FLAG.rst,
    window: 0,
    options: NO_OPTIONS,
    payload: NO_PAYLOAD,
    payloadLength: 0,
  };
}

/**
 * Where a segment without payload stands. After a retransmission timeout `nextOffset` has gone back, and the peer may
 * have received more: it would not accept a segment from before. Nor one from beyond its window.
 */
export function acceptableOffset({ send }: TcpRecord): number {
  const edge = send.unacknowledgedOffset + send.windowLength;
  return Math.max(send.unacknowledgedOffset, Math.min(send.highestOffset, edge));
}

/** Our timestamp now; remembered, so that a moved connection goes on above it. */
function stamp(record: TcpRecord, now: number): number {
  const value = timestampAt(record, now);
  record.timestamps.lastSent = value;
  return value;
}

export function timestampAt(record: TcpRecord, now: number): number {
  return (Math.floor(now) + record.timestamps.offset) >>> 0;
}

/** The time-stamps that a segment composed by another layer carries; nothing where they were not agreed. */
export function timestampOption(record: TcpRecord, now: number): Pick<SegmentOptions, 'timestamps'> {
  const { timestamps } = record;
  return timestamps.enabled ? { timestamps: { value: stamp(record, now), echo: timestamps.recent } } : {};
}

function composeOptions(record: TcpRecord, now: number): SegmentOptions {
  const { timestamps, attachedOption } = record;
  const length = lengthBesideBlocks(record);
  const count = blockCount(record, length);
  if (attachedOption === undefined && count === 0) {
    return timestamps.enabled ? { timestamps: { value: stamp(record, now), echo: timestamps.recent } } : NO_OPTIONS;
  }
  const stamped = timestamps.enabled && (attachedOption === undefined || length > paddedLength(attachedOption));
  return {
    ...(stamped ? { timestamps: { value: stamp(record, now), echo: timestamps.recent } } : {}),
    ...(count > 0 ? { sackBlocks: takeBlocks(record, count) } : {}),
    ...(attachedOption === undefined ? {} : { migrate: attachedOption }),
  };
}

/** The first `count` blocks; before them what came twice, which is told once (RFC 2883 section 4). */
function takeBlocks(record: TcpRecord, count: number): SackBlock[] {
  const { receive } = record;
  const blocks = receive.duplicate === undefined ? receive.blocks : [receive.duplicate, ...receive.blocks];
  receive.duplicate = undefined;
  return blocks.slice(0, count).map(({ leftOffset, rightOffset }) => ({
    left: sequenceOfReceiveOffset(record, leftOffset),
    // A FIN that came behind a gap is told of too.
    right: sequenceOfReceiveOffset(record, rightOffset === receive.pendingFinOffset ? rightOffset + 1 : rightOffset),
  }));
}

function paddedLength(option: MigrateOption): number {
  return Math.ceil((encodeMigrateOption(option).length + 2) / 4) * 4;
}
