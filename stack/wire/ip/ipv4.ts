// IPv4 headers (RFC 791).
//
// Options are skipped, as hosts do, except for source routes: their answers would have to go back the same way, which
// nobody should be able to ask for (RFC 7126 section 4.3).

import { readUint16, writeUint16, writeUint32 } from '../big-endian.js';
import { checksumOf, sumOfBytes } from './checksum.js';
import { ECN, type DecodedPacket, type IpMalformedReason } from './packet.js';

export const IPV4_HEADER_LENGTH = 20;
const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS_OR_OFFSET = 0x3fff;
const HOP_LIMIT = 64;
const OPTION_END = 0;
const OPTION_NOP = 1;
const LOOSE_SOURCE_ROUTE = 131;
const STRICT_SOURCE_ROUTE = 137;

/**
 * A header without options, with don't-fragment set: so that routers tell us where a packet is too big for them (RFC 1191),
 * and an identification of zero is allowed (RFC 6864).
 */
export function writeIpv4Header(
  target: Uint8Array,
  at: number,
  totalLength: number,
  protocol: number,
  source: Uint8Array,
  destination: Uint8Array,
  ecn = 0,
): void {
  target[at] = 0x45;
  target[at + 1] = ecn;
  writeUint16(target, at + 2, totalLength);
  writeUint32(target, at + 4, DONT_FRAGMENT);
  target[at + 8] = HOP_LIMIT;
  target[at + 9] = protocol;
  writeUint16(target, at + 10, 0);
  for (let index = 0; index < 4; index++) {
    target[at + 12 + index] = source[index] as number;
    target[at + 16 + index] = destination[index] as number;
  }
  writeUint16(target, at + 10, checksumOf(sumOfBytes(target, at, at + IPV4_HEADER_LENGTH)));
}

/** Total: any bytes give a packet, a fragment or a reason. */
export function decodeIpv4(bytes: Uint8Array): DecodedPacket {
  if (bytes.length < IPV4_HEADER_LENGTH) return malformed('truncated');
  if ((bytes[0] as number) >> 4 !== 4) return malformed('bad-version');
  const headerLength = ((bytes[0] as number) & 0x0f) * 4;
  if (headerLength < IPV4_HEADER_LENGTH || headerLength > bytes.length) return malformed('bad-header-length');
  const totalLength = readUint16(bytes, 2);
  if (totalLength < headerLength || totalLength > bytes.length) return malformed('bad-total-length');
  if (checksumOf(sumOfBytes(bytes, 0, headerLength)) !== 0) return malformed('bad-checksum');
  if (headerLength > IPV4_HEADER_LENGTH) {
    const problem = optionsProblem(bytes.subarray(IPV4_HEADER_LENGTH, headerLength));
    if (problem !== undefined) return malformed(problem);
  }
  if ((readUint16(bytes, 6) & MORE_FRAGMENTS_OR_OFFSET) !== 0) return { kind: 'fragment' };
  return {
    kind: 'packet',
    family: 4,
    protocol: bytes[9] as number,
    ecn: (bytes[1] as number) & ECN.mask,
    source: bytes.subarray(12, 16),
    destination: bytes.subarray(16, 20),
    payloadStart: headerLength,
    payloadEnd: totalLength,
  };
}

function optionsProblem(options: Uint8Array): IpMalformedReason | undefined {
  let at = 0;
  while (at < options.length) {
    const kind = options[at];
    if (kind === OPTION_END) return undefined;
    if (kind === OPTION_NOP) {
      at++;
      continue;
    }
    const length = options[at + 1];
    if (length === undefined || length < 2 || at + length > options.length) return 'bad-extension';
    if (kind === LOOSE_SOURCE_ROUTE || kind === STRICT_SOURCE_ROUTE) return 'source-routed';
    at += length;
  }
  return undefined;
}

function malformed(reason: IpMalformedReason): DecodedPacket {
  return { kind: 'malformed', reason };
}
