// The header of virtio-net that stands before each packet of a TUN device opened with it: what the other side may do later.
//
// Ten bytes, little-endian (virtio 1.2 section 5.1.6): a checksum that is still to be computed, and the size of the segments
// into which a longer packet is still to be cut. So one read or write carries up to 64 KiB of one connection.

import type { IpFamily } from './packet.js';

export const OFFLOAD_HEADER_LENGTH = 10;
const NEEDS_CHECKSUM = 1;
const DATA_VALID = 2;
const GSO_TCP = { 4: 1, 6: 4 } as const;
/** Where the checksum is in a TCP header. */
const TCP_CHECKSUM_OFFSET = 16;

export interface OffloadHeader {
  /** 'trusted': it never left this machine, or was checked before. */
  readonly checksum: 'trusted' | 'to-be-checked';
}

/**
 * For a TCP packet whose checksum field has the sum of the pseudo-header. `cutLength` is the payload of each segment that it is
 * cut into; 0 where it is one segment already.
 */
export function writeOffloadHeader(
  target: Uint8Array,
  family: IpFamily,
  ipHeaderLength: number,
  headersLength: number,
  cutLength: number,
): void {
  target[0] = NEEDS_CHECKSUM;
  target[1] = cutLength === 0 ? 0 : GSO_TCP[family];
  writeLittleUint16(target, 2, headersLength);
  writeLittleUint16(target, 4, cutLength);
  writeLittleUint16(target, 6, ipHeaderLength);
  writeLittleUint16(target, 8, TCP_CHECKSUM_OFFSET);
}

/** The bytes must be there. */
export function decodeOffloadHeader(bytes: Uint8Array): OffloadHeader {
  const isTrusted = ((bytes[0] as number) & (NEEDS_CHECKSUM | DATA_VALID)) !== 0;
  return isTrusted ? TRUSTED : TO_BE_CHECKED;
}

const TRUSTED: OffloadHeader = Object.freeze({ checksum: 'trusted' });
const TO_BE_CHECKED: OffloadHeader = Object.freeze({ checksum: 'to-be-checked' });

function writeLittleUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}
