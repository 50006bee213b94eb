// The set-up record: the first bytes of each direction of a migratory connection, which the application never sees.
//
// The client's has its X25519 key; the server's has its own, the cid, who is a member, and a signature by the service over
// both. It rides with the first data (the pattern of RFC 8548), so it costs no round trip. Layout in `docs/protocol.md`.

import { bytesToIp, ipToBytes, type Address } from '../wire/address.js';
import { Reader, Writer } from '../wire/cursor.js';
import { bytesToCid, cidToBytes, type ConnectionId, type MemberId } from '../wire/migrate-options.js';
import { digest, KEY_LENGTH, SIGNATURE_LENGTH } from './keys.js';

/** A member as clients know it. */
export interface MemberAddress {
  readonly id: MemberId;
  readonly address: Address;
}

export interface ClientSetup {
  readonly publicKey: Uint8Array;
}

export interface ServerSetup {
  readonly publicKey: Uint8Array;
  readonly cid: ConnectionId;
  /** The member that sends this. */
  readonly member: MemberId;
  readonly serviceKey: Uint8Array;
  readonly members: readonly MemberAddress[];
}

export const MAX_MEMBERS = 64;
export const CLIENT_RECORD_LENGTH = 4 + KEY_LENGTH;
/**
 * No set-up record is longer: two keys, a signature and `MAX_MEMBERS` members with IPv6 addresses.
 *
 * @internal
 */
export const MAX_RECORD_LENGTH = 4 + 2 * KEY_LENGTH + 11 + MAX_MEMBERS * 21 + SIGNATURE_LENGTH;

const KIND_CLIENT = 1;
const KIND_SERVER = 2;
const VERSION = 1;

export function encodeClientSetup(setup: ClientSetup): Uint8Array {
  return new Writer(CLIENT_RECORD_LENGTH)
    .u16(CLIENT_RECORD_LENGTH)
    .u8(KIND_CLIENT)
    .u8(VERSION)
    .bytes(setup.publicKey)
    .finish();
}

/** The record without its signature: what is signed, with the client's record before it. */
export function encodeServerSetup(setup: ServerSetup): Uint8Array {
  const body = new Writer(256).bytes(setup.publicKey).bytes(cidToBytes(setup.cid)).u16(setup.member);
  body.bytes(setup.serviceKey).u8(setup.members.length);
  for (const member of setup.members) {
    const ip = ipToBytes(member.address.ip) ?? new Uint8Array(4);
    body.u16(member.id).u8(ip.length).bytes(ip).u16(member.address.port);
  }
  return new Writer(256)
    .u16(4 + body.length + SIGNATURE_LENGTH)
    .u8(KIND_SERVER)
    .u8(VERSION)
    .bytes(body.finish())
    .finish();
}

/** What both keys and the signature are bound to. */
export function transcriptOf(clientRecord: Uint8Array, unsignedServerRecord: Uint8Array): Uint8Array {
  return digest(Buffer.from('migratory set-up v1\0'), clientRecord, unsignedServerRecord);
}

export type RecordProgress =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'complete'; readonly length: number }
  | { readonly kind: 'malformed' };

/** Whether the bytes so far hold a whole set-up record. */
export function recordProgress(bytes: Uint8Array): RecordProgress {
  if (bytes.length < 4) return { kind: 'incomplete' };
  const reader = new Reader(bytes);
  const length = reader.u16();
  reader.u8();
  if (length < CLIENT_RECORD_LENGTH || length > MAX_RECORD_LENGTH || reader.u8() !== VERSION) {
    return { kind: 'malformed' };
  }
  return bytes.length < length ? { kind: 'incomplete' } : { kind: 'complete', length };
}

export function decodeClientSetup(record: Uint8Array): ClientSetup | undefined {
  const reader = new Reader(record);
  reader.u16();
  if (reader.u8() !== KIND_CLIENT) return undefined;
  reader.u8();
  const publicKey = reader.bytes(KEY_LENGTH);
  return reader.ok && reader.remaining === 0 ? { publicKey } : undefined;
}

export interface SignedServerSetup {
  readonly setup: ServerSetup;
  /** The record up to the signature. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

export function decodeServerSetup(record: Uint8Array): SignedServerSetup | undefined {
  const reader = new Reader(record);
  reader.u16();
  if (reader.u8() !== KIND_SERVER) return undefined;
  reader.u8();
  const publicKey = reader.bytes(KEY_LENGTH);
  const cid = bytesToCid(reader.bytes(8));
  const member = reader.u16();
  const serviceKey = reader.bytes(KEY_LENGTH);
  const count = reader.u8();
  if (count > MAX_MEMBERS) return undefined;
  const members: MemberAddress[] = [];
  for (let index = 0; index < count; index++) {
    const id = reader.u16();
    const ipLength = reader.u8();
    if (ipLength !== 4 && ipLength !== 16) return undefined;
    const ip = reader.bytes(ipLength);
    const port = reader.u16();
    if (!reader.ok) return undefined;
    members.push({ id, address: { ip: bytesToIp(ip), port } });
  }
  const signed = record.subarray(0, record.length - reader.remaining);
  const signature = reader.bytes(SIGNATURE_LENGTH);
  if (!reader.ok || reader.remaining !== 0) return undefined;
  return { setup: { publicKey, cid, member, serviceKey, members }, signed, signature };
}
