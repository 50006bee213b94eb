// TCP in UDP: one segment per datagram.
//
// The stack's ports are UDP's own, so the four bytes of a TCP header's ports carry a tag instead, by which stray datagrams
// are told from ours; UDP's checksum covers the whole. Layout in `docs/protocol.md`.

import { readUint32, writeUint32 } from './big-endian.js';
import { decodeSegment, encodeSegmentHeader, type DecodedSegment, type Segment } from './segment.js';

/** "MTC" and the version of the encapsulation. */
const TAG = 0x4d544301;

/** What stands before the payload in a datagram. */
export function encapsulateHeader(segment: Segment): Uint8Array {
  const header = encodeSegmentHeader(segment);
  writeUint32(header, 0, TAG);
  return header;
}

/** Total: any datagram gives a segment or a reason. */
export function decapsulate(datagram: Uint8Array): DecodedSegment {
  if (datagram.length < 4) return { kind: 'malformed', reason: 'truncated' };
  if (readUint32(datagram, 0) !== TAG) return { kind: 'malformed', reason: 'not-encapsulated' };
  return decodeSegment(datagram);
}
