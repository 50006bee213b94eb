// A TCP segment (RFC 9293 section 3.1): a validated record, and its bytes.
//
// The payload is a list of views into the writer's own buffers, so that a segment of any length is made without a copy;
// a driver gathers `[header, ...payload]`. Ports belong to the driver's addresses, not to the record.

import { readUint16, readUint32, writeUint16, writeUint32 } from './big-endian.js';
import { decodeOptions, encodeOptions, MAX_OPTIONS_LENGTH, NO_OPTIONS, type SegmentOptions } from './options.js';
import type { Sequence } from './sequence.js';

export const FLAG = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10, urg: 0x20, ece: 0x40, cwr: 0x80 } as const;

/** One TCP segment, as a record (RFC 9293 section 3.1). */
export interface Segment {
  readonly sequence: Sequence;
  /** Meaningful only with the ACK flag. */
  readonly acknowledgment: Sequence;
  /** A union of `FLAG` bits. */
  readonly flags: number;
  /** The window field as on the wire, before scaling. */
  readonly window: number;
  /** With the URG flag: how far behind `sequence` the urgent data ends (RFC 9293 MUST-62: the octet that follows it). */
  readonly urgentPointer?: number;
  readonly options: SegmentOptions;
  readonly payload: readonly Uint8Array[];
  /** Bytes in `payload`. */
  readonly payloadLength: number;
  /** Of a super-segment: the most payload bytes of each segment that the driver cuts it into. */
  readonly cutLength?: number;
  /** Of the IP packet: may be marked by routers, or was (RFC 3168). Left out where it may not. */
  readonly ecn?: 'capable' | 'experienced';
}

export type MalformedReason = 'truncated' | 'bad-data-offset' | 'bad-option' | 'not-encapsulated';

export type DecodedSegment =
  | { readonly kind: 'segment'; readonly segment: Segment }
  | { readonly kind: 'malformed'; readonly reason: MalformedReason };

const HEADER_LENGTH = 20;
/** With all options. */
export const MAX_SEGMENT_HEADER_LENGTH = HEADER_LENGTH + MAX_OPTIONS_LENGTH;
const NO_PAYLOAD: readonly Uint8Array[] = Object.freeze([]);

/** Length in sequence space: the payload, and one each for SYN and FIN. */
export function sequenceLength(segment: Segment): number {
  return (
    segment.payloadLength + ((segment.flags & FLAG.syn) !== 0 ? 1 : 0) + ((segment.flags & FLAG.fin) !== 0 ? 1 : 0)
  );
}

/** The header with options, ports and checksum zero; the payload follows it on the wire. */
export function encodeSegmentHeader(segment: Segment): Uint8Array {
  // Of a slab that many headers share: memory of its own for each would cost more than all that is written into it.
  const bytes = Buffer.allocUnsafe(MAX_SEGMENT_HEADER_LENGTH);
  return bytes.subarray(0, writeSegmentHeader(segment, bytes, 0));
}

/** As `encodeSegmentHeader`, into `target` at `at`, which needs room for all options; answers the length. */
export function writeSegmentHeader(segment: Segment, target: Uint8Array, at: number): number {
  const optionsLength = encodeOptions(segment.options, target, at + HEADER_LENGTH);
  writeUint32(target, at, 0);
  writeUint32(target, at + 4, segment.sequence);
  writeUint32(target, at + 8, segment.acknowledgment);
  target[at + 12] = ((HEADER_LENGTH + optionsLength) >> 2) << 4;
  target[at + 13] = segment.flags;
  writeUint16(target, at + 14, segment.window);
  writeUint32(target, at + 16, segment.urgentPointer ?? 0); // the checksum is zero
  return HEADER_LENGTH + optionsLength;
}

/** Total: any bytes give a segment or a reason. The payload is a view of `bytes`. */
export function decodeSegment(bytes: Uint8Array): DecodedSegment {
  if (bytes.length < HEADER_LENGTH) return { kind: 'malformed', reason: 'truncated' };
  const headerLength = ((bytes[12] as number) >> 4) * 4;
  if (headerLength < HEADER_LENGTH || headerLength > bytes.length) {
    return { kind: 'malformed', reason: 'bad-data-offset' };
  }
  const options =
    headerLength === HEADER_LENGTH ? NO_OPTIONS : decodeOptions(bytes.subarray(HEADER_LENGTH, headerLength));
  if (options === 'malformed') return { kind: 'malformed', reason: 'bad-option' };
  const payloadLength = bytes.length - headerLength;
  const segment: Segment & { urgentPointer?: number } = {
    sequence: readUint32(bytes, 4),
    acknowledgment: readUint32(bytes, 8),
    flags: bytes[13] as number,
    window: readUint16(bytes, 14),
    options,
    payload: payloadLength === 0 ? NO_PAYLOAD : [bytes.subarray(headerLength)],
    payloadLength,
  };
  // Zero: the urgent data has ended before this segment.
  if ((segment.flags & FLAG.urg) !== 0 && readUint16(bytes, 18) !== 0) segment.urgentPointer = readUint16(bytes, 18);
  return { kind: 'segment', segment };
}
