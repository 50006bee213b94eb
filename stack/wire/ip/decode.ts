// One IP packet of either version, from its bytes.

import { decodeIpv4 } from './ipv4.js';
import { decodeIpv6 } from './ipv6.js';
import type { DecodedPacket } from './packet.js';

/** Total: any bytes give a packet, a fragment or a reason. */
export function decodePacket(bytes: Uint8Array): DecodedPacket {
  const version = (bytes[0] ?? 0) >> 4;
  if (version === 4) return decodeIpv4(bytes);
  if (version === 6) return decodeIpv6(bytes);
  return { kind: 'malformed', reason: bytes.length === 0 ? 'truncated' : 'bad-version' };
}
