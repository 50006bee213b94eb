// A TCP segment (RFC 9293 section 3.1): a validated record, and its bytes.
//
// The payload is a list of views into the writer's own buffers, so that a segment of any length is made without a copy;
// a driver gathers `[header, ...payload]`. Ports belong to the driver's addresses, not to the record.

import { decodeOptions, encodeOptions, MAX_OPTIONS_LENGTH, type SegmentOptions } from './options.js';
import type { Sequence } from './sequence.js';

export const FLAG = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10, urg: 0x20 } as const;

/** One TCP segment, as a record (RFC 9293 section 3.1). */
export interface Segment {
  readonly sequence: Sequence;
  /** Meaningful only with the ACK flag. */
  readonly acknowledgment: Sequence;
  /** A union of `FLAG` bits. */
  readonly flags: number;
  /** The window field as on the wire, before scaling. */
  readonly window: number;
  readonly options: SegmentOptions;
  readonly payload: readonly Uint8Array[];
  /** Bytes in `payload`. */
  readonly payloadLength: number;
}

export type MalformedReason = 'truncated' | 'bad-data-offset' | 'bad-option' | 'not-encapsulated';

export type DecodedSegment =
  | { readonly kind: 'segment'; readonly segment: Segment }
  | { readonly kind: 'malformed'; readonly reason: MalformedReason };

const HEADER_LENGTH = 20;
const NO_PAYLOAD: readonly Uint8Array[] = Object.freeze([]);

/** Length in sequence space: the payload, and one each for SYN and FIN. */
export function sequenceLength(segment: Segment): number {
  return (
    segment.payloadLength + ((segment.flags & FLAG.syn) !== 0 ? 1 : 0) + ((segment.flags & FLAG.fin) !== 0 ? 1 : 0)
  );
}

/** The header with options, ports and checksum zero; the payload follows it on the wire. */
export function encodeSegmentHeader(segment: Segment): Uint8Array {
  const bytes = new Uint8Array(HEADER_LENGTH + MAX_OPTIONS_LENGTH);
  const view = new DataView(bytes.buffer);
  const optionsLength = encodeOptions(segment.options, view, HEADER_LENGTH);
  view.setUint32(4, segment.sequence);
  view.setUint32(8, segment.acknowledgment);
  view.setUint8(12, ((HEADER_LENGTH + optionsLength) >> 2) << 4);
  view.setUint8(13, segment.flags);
  view.setUint16(14, segment.window);
  return bytes.subarray(0, HEADER_LENGTH + optionsLength);
}

/** Total: any bytes give a segment or a reason. The payload is a view of `bytes`. */
export function decodeSegment(bytes: Uint8Array): DecodedSegment {
  if (bytes.length < HEADER_LENGTH) return { kind: 'malformed', reason: 'truncated' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = (view.getUint8(12) >> 4) * 4;
  if (headerLength < HEADER_LENGTH || headerLength > bytes.length) {
    return { kind: 'malformed', reason: 'bad-data-offset' };
  }
  const options = decodeOptions(bytes.subarray(HEADER_LENGTH, headerLength));
  if (options === 'malformed') return { kind: 'malformed', reason: 'bad-option' };
  const payloadLength = bytes.length - headerLength;
  return {
    kind: 'segment',
    segment: {
      sequence: view.getUint32(4),
      acknowledgment: view.getUint32(8),
      flags: view.getUint8(13) & 0x3f,
      window: view.getUint16(14),
      options,
      payload: payloadLength === 0 ? NO_PAYLOAD : [bytes.subarray(headerLength)],
      payloadLength,
    },
  };
}
