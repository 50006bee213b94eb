// A TCP segment in an IP packet: the headers before the payload, and the segment out of a packet.

import { readUint16, writeUint16 } from '../big-endian.js';
import {
  decodeSegment,
  MAX_SEGMENT_HEADER_LENGTH,
  writeSegmentHeader,
  type DecodedSegment,
  type Segment,
} from '../segment.js';
import { addToSum, checksumOf, pseudoHeaderSum } from './checksum.js';
import { IPV4_HEADER_LENGTH, writeIpv4Header } from './ipv4.js';
import { IPV6_HEADER_LENGTH, writeIpv6Header } from './ipv6.js';
import { ECN, PROTOCOL, type IpPacket } from './packet.js';

/** What `writeTcpPacket` may need in its target. */
export const MAX_TCP_PACKET_HEADER_LENGTH = IPV6_HEADER_LENGTH + MAX_SEGMENT_HEADER_LENGTH;

/** One end of a path: the address as bytes, 4 or 16 of them. */
export interface PacketEnd {
  readonly ip: Uint8Array;
  readonly port: number;
}

/** Writes the headers at `at`, the checksum field having the sum of the pseudo-header; answers how many bytes they take. */
export function writeTcpPacket(
  target: Uint8Array,
  at: number,
  source: PacketEnd,
  destination: PacketEnd,
  segment: Segment,
): number {
  const isIpv6 = source.ip.length === 16;
  const tcpAt = at + (isIpv6 ? IPV6_HEADER_LENGTH : IPV4_HEADER_LENGTH);
  const tcpHeaderLength = writeSegmentHeader(segment, target, tcpAt);
  writeUint16(target, tcpAt, source.port);
  writeUint16(target, tcpAt + 2, destination.port);
  const tcpLength = tcpHeaderLength + segment.payloadLength;
  const ecn = segment.ecn === undefined ? 0 : ECN[segment.ecn];
  if (isIpv6) writeIpv6Header(target, at, tcpLength, PROTOCOL.tcp, source.ip, destination.ip, ecn);
  else writeIpv4Header(target, at, IPV4_HEADER_LENGTH + tcpLength, PROTOCOL.tcp, source.ip, destination.ip, ecn);
  writeUint16(target, tcpAt + 16, pseudoHeaderSum(source.ip, destination.ip, PROTOCOL.tcp, tcpLength));
  return tcpAt + tcpHeaderLength - at;
}

/** Makes a whole checksum out of the pseudo-header's sum, where nobody else will. */
export function completeChecksum(headers: Uint8Array, tcpAt: number, payload: readonly Uint8Array[]): void {
  let position = headers.length - tcpAt;
  let sum = addToSum(0, headers.subarray(tcpAt), 0);
  for (const piece of payload) {
    sum = addToSum(sum, piece, position);
    position += piece.length;
  }
  writeUint16(headers, tcpAt + 16, checksumOf(sum));
}

export type DecodedTcp =
  | {
      readonly kind: 'segment';
      readonly sourcePort: number;
      readonly destinationPort: number;
      readonly segment: Segment;
    }
  | Extract<DecodedSegment, { readonly kind: 'malformed' }>
  | { readonly kind: 'malformed'; readonly reason: 'bad-checksum' };

/** Total. The segment's payload is a view of `bytes`. */
export function decodeTcp(bytes: Uint8Array, packet: IpPacket, checksum: 'trusted' | 'to-be-checked'): DecodedTcp {
  const tcp = bytes.subarray(packet.payloadStart, packet.payloadEnd);
  const decoded = decodeSegment(tcp);
  if (decoded.kind === 'malformed') return decoded;
  if (checksum === 'to-be-checked' && !isIntact(tcp, packet)) return { kind: 'malformed', reason: 'bad-checksum' };
  return {
    kind: 'segment',
    sourcePort: readUint16(tcp, 0),
    destinationPort: readUint16(tcp, 2),
    segment: withMark(decoded.segment, packet.ecn),
  };
}

/** Written into the segment, which nobody else has yet: a copy of each would cost more than its decoding. */
function withMark(segment: Segment & Marked, ecn: number): Segment {
  if (ecn !== 0) segment.ecn = ecn === ECN.experienced ? 'experienced' : 'capable';
  return segment;
}

interface Marked {
  ecn?: NonNullable<Segment['ecn']>;
}

/** Whether the checksum of an upper layer that has the pseudo-header in it is right. */
export function isIntact(upperLayer: Uint8Array, { source, destination, protocol }: IpPacket): boolean {
  return checksumOf(addToSum(pseudoHeaderSum(source, destination, protocol, upperLayer.length), upperLayer, 0)) === 0;
}
