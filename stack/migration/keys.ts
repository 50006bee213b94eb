// The cryptography of a move: what is derived from what, and what each mac proves.
//
// The connection key is HKDF-SHA256 (RFC 5869) over an X25519 secret (RFC 7748), salted with the cid and bound to the whole
// set-up transcript. It never crosses the wire. Every mac is HMAC-SHA256 under that key over a label and all the fields
// that a forger might want to change, truncated; labels keep one kind of proof from passing as another.
//   K1. Comparison of macs takes the same time whatever they hold.
//   K2. The client's nonce is derived from the key and the epoch, so that a repeated request is the same request: it only
//       ties an answer to its question. The member's is random for each answer, so that a recorded confirmation fits no
//       other answer, not even of the same member for the same epoch after a crash.

import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  sign,
  timingSafeEqual,
  verify,
  type KeyObject,
} from 'node:crypto';
import { ipToBytes, type Address } from '../wire/address.js';
import { Writer } from '../wire/cursor.js';
import {
  cidToBytes,
  REQUEST_MAC_LENGTH,
  SHORT_MAC_LENGTH,
  type ConnectionId,
  type MemberId,
} from '../wire/migrate-options.js';
import type { Sequence } from '../wire/sequence.js';

export const KEY_LENGTH = 32;
export const SIGNATURE_LENGTH = 64;

// Raw bytes become keys as JSON Web Keys (RFC 8037): node:crypto takes those in a tenth of the time that DER costs it.
type Curve = 'X25519' | 'Ed25519';

function publicKeyOf(curve: Curve, raw: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: curve, x: base64url(raw) }, format: 'jwk' });
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
}

/** The public half of the key is asked for by the format, and then not used. */
const UNUSED_PUBLIC_HALF = base64url(new Uint8Array(KEY_LENGTH));

/** What a service proves itself with; every member of the service holds the same. */
export interface ServiceIdentity {
  readonly signingKey: KeyObject;
  /** The Ed25519 public key, 32 bytes, which clients may insist on. */
  readonly publicKey: Uint8Array;
  /** Under which the tag in every cid is made, so that rubbish is dropped before anything is allocated. */
  readonly tagKey: Uint8Array;
}

/** Thrown for a key that is not what its place asks for. The message says what to do and never shows the key. */
export class InvalidKey extends Error {
  override readonly name = 'InvalidKey';
}

/** From an Ed25519 private key in PEM (PKCS 8). Throws `InvalidKey`. */
export function serviceIdentity(privateKeyPem: string): ServiceIdentity {
  const signingKey = readKey(() => createPrivateKey(privateKeyPem), 'service key');
  if (signingKey.asymmetricKeyType !== 'ed25519') {
    throw new InvalidKey('the service key must be an Ed25519 private key in PEM');
  }
  const publicKey = rawPublicKey(createPublicKey(signingKey));
  const secret = signingKey.export({ format: 'der', type: 'pkcs8' });
  const tagKey = new Uint8Array(hkdfSync('sha256', secret, '', 'migratory cid tag v1', KEY_LENGTH));
  return { signingKey, publicKey, tagKey };
}

/** The 32 bytes of an Ed25519 public key in PEM (SPKI), for clients that insist on it. Throws `InvalidKey`. */
export function servicePublicKey(publicKeyPem: string): Uint8Array {
  const key = readKey(() => createPublicKey(publicKeyPem), 'service public key');
  if (key.asymmetricKeyType !== 'ed25519') throw new InvalidKey('the service public key must be an Ed25519 key in PEM');
  return rawPublicKey(key);
}

function readKey(read: () => KeyObject, what: string): KeyObject {
  try {
    return read();
  } catch {
    throw new InvalidKey(`the ${what} can't be read: give an unencrypted PEM file`);
  }
}

function rawPublicKey(key: KeyObject): Uint8Array {
  return new Uint8Array(Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url'));
}

/** The X25519 public key for 32 bytes of private key. */
export function x25519PublicKey(privateKey: Uint8Array): Uint8Array {
  return rawPublicKey(createPublicKey(x25519Private(privateKey)));
}

function x25519Private(privateKey: Uint8Array): KeyObject {
  const key = { kty: 'OKP', crv: 'X25519', d: base64url(privateKey), x: UNUSED_PUBLIC_HALF };
  return createPrivateKey({ key, format: 'jwk' });
}

/** The connection key, or undefined where the peer's public key is one of the points that give no secret. */
export function deriveConnectionKey(
  privateKey: Uint8Array,
  peerPublicKey: Uint8Array,
  cid: ConnectionId,
  transcript: Uint8Array,
): Uint8Array | undefined {
  let secret: Buffer;
  try {
    const publicKey = publicKeyOf('X25519', peerPublicKey);
    secret = diffieHellman({ privateKey: x25519Private(privateKey), publicKey });
  } catch {
    return undefined;
  }
  const info = Buffer.concat([Buffer.from('migratory connection key v1'), transcript]);
  return new Uint8Array(hkdfSync('sha256', secret, cidToBytes(cid), info, KEY_LENGTH));
}

export function digest(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

export function signTranscript(identity: ServiceIdentity, transcript: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, transcript, identity.signingKey));
}

export function verifyTranscript(publicKey: Uint8Array, transcript: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify(null, transcript, publicKeyOf('Ed25519', publicKey), signature);
  } catch {
    return false;
  }
}

/** What a MIGRATE_REQ's mac covers. The client's address is not among it: there are NATs. */
export interface RequestProof {
  readonly cid: ConnectionId;
  /** The epoch that the move begins. */
  readonly epoch: number;
  /** The epoch in which the client last accepted a member's answer: it has been nowhere else since. */
  readonly acceptedEpoch: number;
  readonly origin: MemberId;
  readonly destination: MemberId;
  readonly receiveNext: Sequence;
  readonly sendUnacknowledged: Sequence;
  readonly nonce: number;
}

export function requestMac(key: Uint8Array, proof: RequestProof): Uint8Array {
  const writer = begin('request', proof.cid, proof.epoch).u32(proof.acceptedEpoch);
  writer.u16(proof.origin).u16(proof.destination).u32(proof.receiveNext).u32(proof.sendUnacknowledged).u32(proof.nonce);
  return truncatedMac(key, writer, REQUEST_MAC_LENGTH);
}

/** The destination's proof to the client, in MIGRATE_ACK. */
export function acknowledgeMac(
  key: Uint8Array,
  cid: ConnectionId,
  epoch: number,
  member: MemberId,
  clientNonce: number,
  serverNonce: number,
): Uint8Array {
  const writer = begin('acknowledge', cid, epoch).u16(member).u32(clientNonce).u32(serverNonce);
  return truncatedMac(key, writer, REQUEST_MAC_LENGTH);
}

/** The client's proof that it has the destination's nonce, in MIGRATE_CONFIRM. */
export function confirmMac(
  key: Uint8Array,
  cid: ConnectionId,
  epoch: number,
  member: MemberId,
  serverNonce: number,
): Uint8Array {
  return truncatedMac(key, begin('confirm', cid, epoch).u16(member).u32(serverNonce), REQUEST_MAC_LENGTH);
}

/** The advice to move, in MIGRATE_TRIGGER. */
export function triggerMac(
  key: Uint8Array,
  cid: ConnectionId,
  epoch: number,
  member: MemberId,
  address: Address | undefined,
): Uint8Array {
  const writer = begin('trigger', cid, epoch).u16(member);
  if (address !== undefined) writer.bytes(ipToBytes(address.ip) ?? new Uint8Array(0)).u16(address.port);
  return truncatedMac(key, writer, SHORT_MAC_LENGTH);
}

/** The refusal of a request, in MIGRATE_FAIL. */
export function failMac(
  key: Uint8Array,
  cid: ConnectionId,
  epoch: number,
  reasonCode: number,
  clientNonce: number,
): Uint8Array {
  return truncatedMac(key, begin('fail', cid, epoch).u8(reasonCode).u32(clientNonce), SHORT_MAC_LENGTH);
}

/** K2. The client's nonce for one epoch. */
export function deriveNonce(key: Uint8Array, cid: ConnectionId, epoch: number): number {
  const mac = truncatedMac(key, begin('client nonce', cid, epoch), 4);
  return new DataView(mac.buffer, mac.byteOffset).getUint32(0);
}

/** K1. */
export function sameMac(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The tag of a cid: three bytes under a key that all members share. */
export function connectionIdTag(tagKey: Uint8Array, unique: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', tagKey).update(unique).digest().subarray(0, 3));
}

function begin(label: string, cid: ConnectionId, epoch: number): Writer {
  return new Writer(64)
    .bytes(Buffer.from(`migratory ${label} v1\0`))
    .bytes(cidToBytes(cid))
    .u16(epoch);
}

function truncatedMac(key: Uint8Array, writer: Writer, length: number): Uint8Array {
  return new Uint8Array(createHmac('sha256', key).update(writer.finish()).digest().subarray(0, length));
}
