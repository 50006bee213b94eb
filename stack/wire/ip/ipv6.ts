// IPv6 headers and the chain of extension headers behind them (RFC 8200).
//
// Options that may be skipped are skipped; one that asks for the packet to be dropped where it is not understood gets that,
// without the ICMP message that it may ask for: we need none of them, and answer nobody for sending them.

import { readUint16, writeUint16, writeUint32 } from '../big-endian.js';
import { ECN, type DecodedPacket, type IpMalformedReason } from './packet.js';

export const IPV6_HEADER_LENGTH = 40;
const HOP_LIMIT = 64;
/** RFC 8200 section 4.1 lists six, of which one may come twice. */
const MAX_EXTENSION_COUNT = 7;
const HEADER = { hopByHop: 0, routing: 43, fragment: 44, destination: 60 } as const;
const OPTION_PAD1 = 0;
/** The two highest bits of an option say what happens where it is not known; zero is "skip it". */
const OPTION_ACTION = 0xc0;

export function writeIpv6Header(
  target: Uint8Array,
  at: number,
  payloadLength: number,
  protocol: number,
  source: Uint8Array,
  destination: Uint8Array,
  ecn = 0,
): void {
  writeUint32(target, at, 0x60000000 | (ecn << 20));
  writeUint16(target, at + 4, payloadLength);
  target[at + 6] = protocol;
  target[at + 7] = HOP_LIMIT;
  target.set(source, at + 8);
  target.set(destination, at + 24);
}

/** Total: any bytes give a packet, a fragment or a reason. */
export function decodeIpv6(bytes: Uint8Array): DecodedPacket {
  if (bytes.length < IPV6_HEADER_LENGTH) return malformed('truncated');
  if ((bytes[0] as number) >> 4 !== 6) return malformed('bad-version');
  const end = IPV6_HEADER_LENGTH + readUint16(bytes, 4);
  if (end > bytes.length) return malformed('bad-total-length');
  const chain = walkExtensions(bytes, end);
  if (typeof chain === 'string') return chain === 'fragment' ? { kind: 'fragment' } : malformed(chain);
  return {
    kind: 'packet',
    family: 6,
    protocol: chain.protocol,
    ecn: ((bytes[1] as number) >> 4) & ECN.mask,
    source: bytes.subarray(8, 24),
    destination: bytes.subarray(24, 40),
    payloadStart: chain.at,
    payloadEnd: end,
  };
}

function walkExtensions(
  bytes: Uint8Array,
  end: number,
): { readonly protocol: number; readonly at: number } | 'fragment' | IpMalformedReason {
  let protocol = bytes[6] as number;
  let at = IPV6_HEADER_LENGTH;
  for (let count = 0; isExtension(protocol); count++) {
    if (protocol === HEADER.fragment) return 'fragment';
    if (count === MAX_EXTENSION_COUNT || (protocol === HEADER.hopByHop && count > 0)) return 'bad-extension';
    if (at + 8 > end) return 'truncated';
    const length = ((bytes[at + 1] as number) + 1) * 8;
    if (at + length > end) return 'truncated';
    // Segments left: we are no router on somebody's route (RFC 5095).
    if (protocol === HEADER.routing && bytes[at + 3] !== 0) return 'source-routed';
    if (protocol !== HEADER.routing && !skippable(bytes.subarray(at + 2, at + length))) return 'bad-extension';
    protocol = bytes[at] as number;
    at += length;
  }
  return { protocol, at };
}

function isExtension(protocol: number): boolean {
  return (
    protocol === HEADER.hopByHop ||
    protocol === HEADER.routing ||
    protocol === HEADER.fragment ||
    protocol === HEADER.destination
  );
}

/** Whether all options fit and may be ignored. */
function skippable(options: Uint8Array): boolean {
  let at = 0;
  while (at < options.length) {
    const kind = options[at] as number;
    if (kind === OPTION_PAD1) {
      at++;
      continue;
    }
    const length = options[at + 1];
    if (length === undefined || at + 2 + length > options.length || (kind & OPTION_ACTION) !== 0) return false;
    at += 2 + length;
  }
  return true;
}

function malformed(reason: IpMalformedReason): DecodedPacket {
  return { kind: 'malformed', reason };
}
