// Initial sequence numbers and timestamp offsets (RFC 6528, RFC 7323 section 7.1): keyed by the path, so that nobody off the
// path can guess them, plus a clock of 4 microseconds for the sequence.

import { createHmac } from 'node:crypto';
import type { Address } from '../wire/address.js';

export interface PathSeed {
  readonly initialSequence: number;
  readonly timestampOffset: number;
}

/** `secret` is 32 random bytes of this host. */
export function seedForPath(secret: Uint8Array, now: number, local: Address, remote: Address): PathSeed {
  const path = `${local.ip}|${local.port}|${remote.ip}|${remote.port}`;
  const mac = createHmac('sha256', secret).update(path).digest();
  return {
    initialSequence: (mac.readUInt32BE(0) + Math.floor(now * 250)) >>> 0,
    timestampOffset: mac.readUInt32BE(4),
  };
}
