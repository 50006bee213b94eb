// Initial sequence numbers and timestamp offsets (RFC 6528, RFC 7323 section 7.1): keyed by the path, so that nobody off the
// path can guess them, plus a clock of 4 microseconds for the sequence.

import { hash } from 'node:crypto';
import type { Address } from '../wire/address.js';

export interface PathSeed {
  readonly initialSequence: number;
  readonly timestampOffset: number;
}

/**
 * `secret` is 32 random bytes of this host. They stand before the path, as RFC 6528 section 3 has them beside it: what is told of
 * the digest is a quarter, which nobody can extend. An HMAC would be an eighth of what it takes to open a connection.
 */
export function seedForPath(secret: Uint8Array, now: number, local: Address, remote: Address): PathSeed {
  const path = Buffer.from(`${local.ip}|${local.port}|${remote.ip}|${remote.port}`);
  const digest = hash('sha256', Buffer.concat([secret, path]), 'buffer');
  return {
    initialSequence: (digest.readUInt32BE(0) + Math.floor(now * 250)) >>> 0,
    timestampOffset: digest.readUInt32BE(4),
  };
}
