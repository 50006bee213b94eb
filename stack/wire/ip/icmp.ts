// ICMP (RFC 792, 1191) and ICMPv6 (RFC 4443): echo, and what the network says about segments of ours.
//
// Such a message proves nothing: whoever can reach us can write one. So it carries the ports and the sequence number of the
// segment that it is about, and the connection believes it only where that is in flight (RFC 5927 section 4.1).

import { readUint16, readUint32, writeUint16 } from '../big-endian.js';
import type { Sequence } from '../sequence.js';
import { addToSum, checksumOf } from './checksum.js';
import { IPV4_HEADER_LENGTH, writeIpv4Header } from './ipv4.js';
import { IPV6_HEADER_LENGTH, writeIpv6Header } from './ipv6.js';
import { MIN_MTU, PROTOCOL, type IpFamily, type IpPacket } from './packet.js';
import { isIntact } from './tcp-packet.js';

/** The segment of ours that a message quotes; addresses are views of the message. */
export interface QuotedSegment {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: Sequence;
}

export type IcmpMessage =
  | { readonly kind: 'echo-request' }
  /** `mtu`: the largest IP packet that the next hop takes. */
  | { readonly kind: 'packet-too-big'; readonly mtu: number; readonly quoted: QuotedSegment }
  /** 'hard': the protocol or the port is not there; 'soft': it may be there later (RFC 1122 section 4.2.3.9). */
  | { readonly kind: 'unreachable'; readonly hardness: 'hard' | 'soft'; readonly quoted: QuotedSegment }
  | { readonly kind: 'other' }
  | { readonly kind: 'malformed' };

const OTHER: IcmpMessage = Object.freeze({ kind: 'other' });
const MALFORMED: IcmpMessage = Object.freeze({ kind: 'malformed' });
const HEADER_LENGTH = 8;
/** What a message quotes of TCP: ports and sequence number (RFC 792). */
const QUOTED_TCP_LENGTH = 8;
const ECHO = { request: { 4: 8, 6: 128 }, reply: { 4: 0, 6: 129 } } as const;
const V4 = { unreachable: 3, fragmentationNeeded: 4, hardCodes: [2, 3] } as const;
const V6 = { unreachable: 1, packetTooBig: 2, hardCodes: [4] } as const;
/** MTUs of real links: the guess where a router does not say its own (RFC 1191 section 7.1). */
const PLATEAUS = [32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, 508, 296] as const;

/** Total. `bytes` is the whole packet. */
export function decodeIcmp(bytes: Uint8Array, packet: IpPacket): IcmpMessage {
  const message = bytes.subarray(packet.payloadStart, packet.payloadEnd);
  if (message.length < HEADER_LENGTH || !checksumIsRight(message, packet)) return MALFORMED;
  const { family } = packet;
  const [type, code] = [message[0] as number, message[1] as number];
  if (type === ECHO.request[family] && code === 0) return { kind: 'echo-request' };
  if (family === 4) return type === V4.unreachable ? decodeUnreachable4(message, code) : OTHER;
  if (type === V6.packetTooBig) {
    const quoted = quotedSegment(message, 6);
    return quoted === undefined ? OTHER : { kind: 'packet-too-big', mtu: readUint32(message, 4), quoted };
  }
  return type === V6.unreachable ? unreachable(quotedSegment(message, 6), V6.hardCodes, code) : OTHER;
}

function checksumIsRight(message: Uint8Array, packet: IpPacket): boolean {
  return packet.family === 6 ? isIntact(message, packet) : checksumOf(addToSum(0, message, 0)) === 0;
}

function decodeUnreachable4(message: Uint8Array, code: number): IcmpMessage {
  const quoted = quotedSegment(message, 4);
  if (code !== V4.fragmentationNeeded) return unreachable(quoted, V4.hardCodes, code);
  if (quoted === undefined) return OTHER;
  const said = readUint16(message, 6);
  const sentLength = readUint16(message, HEADER_LENGTH + 2);
  const mtu = said === 0 ? (PLATEAUS.find((plateau) => plateau < sentLength) ?? MIN_MTU[4]) : said;
  return { kind: 'packet-too-big', mtu, quoted };
}

function unreachable(quoted: QuotedSegment | undefined, hardCodes: readonly number[], code: number): IcmpMessage {
  if (quoted === undefined) return OTHER;
  return { kind: 'unreachable', hardness: hardCodes.includes(code) ? 'hard' : 'soft', quoted };
}

/** Undefined where what is quoted is no TCP segment, or not enough of it. */
function quotedSegment(message: Uint8Array, family: IpFamily): QuotedSegment | undefined {
  const quote = message.subarray(HEADER_LENGTH);
  const version = (quote[0] ?? 0) >> 4;
  const length = family === 4 ? ((quote[0] ?? 0) & 0x0f) * 4 : IPV6_HEADER_LENGTH;
  const protocol = quote[family === 4 ? 9 : 6];
  // We send neither options nor extension headers: behind the plain header is TCP, or it was not ours.
  const isOurs = length === (family === 4 ? IPV4_HEADER_LENGTH : IPV6_HEADER_LENGTH) && protocol === PROTOCOL.tcp;
  if (version !== family || !isOurs || quote.length < length + QUOTED_TCP_LENGTH) return undefined;
  const [from, addressLength] = family === 4 ? [12, 4] : [8, 16];
  return {
    source: quote.subarray(from, from + addressLength),
    destination: quote.subarray(from + addressLength, from + 2 * addressLength),
    sourcePort: readUint16(quote, length),
    destinationPort: readUint16(quote, length + 2),
    sequence: readUint32(quote, length + 4),
  };
}

/** The whole packet that answers an echo request: the same bytes, back to where they came from (RFC 1122 MUST 3.2.2.6). */
export function echoReply(bytes: Uint8Array, { family, source, destination, ...packet }: IpPacket): Uint8Array {
  const message = bytes.subarray(packet.payloadStart, packet.payloadEnd);
  const headerLength = family === 4 ? IPV4_HEADER_LENGTH : IPV6_HEADER_LENGTH;
  const reply = new Uint8Array(headerLength + message.length);
  if (family === 4) writeIpv4Header(reply, 0, reply.length, PROTOCOL.icmp, destination, source);
  else writeIpv6Header(reply, 0, message.length, PROTOCOL.icmpv6, destination, source);
  reply.set(message, headerLength);
  reply[headerLength] = ECHO.reply[family];
  // Only the type has changed; the pseudo-header's addresses have changed places (RFC 1624).
  const difference = (ECHO.request[family] - ECHO.reply[family]) * 0x100;
  const before = readUint16(message, 2);
  writeUint16(
    reply,
    headerLength + 2,
    checksumOf((~before & 0xffff) + (difference > 0 ? 0xffff - difference : -difference)),
  );
  return reply;
}
