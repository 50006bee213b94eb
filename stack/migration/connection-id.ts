// The connection id: 40 random bits, and a 24-bit tag that only members of the service can make.
//
// The tag lets a member drop a forged MIGRATE_REQ before it allocates or asks anybody anything. It is no proof of possession:
// that is the mac, which the member that holds the connection checks.

import { bytesToCid, cidToBytes, type ConnectionId } from '../wire/migrate-options.js';
import { connectionIdTag, sameMac } from './keys.js';

export const CONNECTION_ID_RANDOM_LENGTH = 5;

/** A new cid from `CONNECTION_ID_RANDOM_LENGTH` bytes of randomness. */
export function makeConnectionId(tagKey: Uint8Array, random: Uint8Array): ConnectionId {
  return bytesToCid(Buffer.concat([random, connectionIdTag(tagKey, random)]));
}

/** Whether a member of this service made the cid. */
export function hasOurTag(tagKey: Uint8Array, cid: ConnectionId): boolean {
  const bytes = cidToBytes(cid);
  const random = bytes.subarray(0, CONNECTION_ID_RANDOM_LENGTH);
  return sameMac(connectionIdTag(tagKey, random), bytes.subarray(CONNECTION_ID_RANDOM_LENGTH));
}
