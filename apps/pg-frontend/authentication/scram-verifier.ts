// A SCRAM verifier: what a server keeps of a password (RFC 5802 section 3), in the form of PostgreSQL's pg_authid.rolpassword.
//
// Whoever has it can check a password and can't log in with it. It is plain data, so an exchange that has begun can move.

import { createHash, createHmac, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import { LIMITS } from './limits.js';
import { preparePassword } from './password-preparation.js';

/** Of SHA-256, in bytes. */
export const KEY_LENGTH = 32;

export interface Verifier {
  readonly iterationCount: number;
  readonly salt: Uint8Array;
  /** `KEY_LENGTH` bytes: H(ClientKey). */
  readonly storedKey: Uint8Array;
  /** `KEY_LENGTH` bytes. */
  readonly serverKey: Uint8Array;
}

export type ParsedVerifier =
  | { readonly kind: 'verifier'; readonly verifier: Verifier }
  /** `detail` goes on after the name of the place: it says what to do, and never repeats what stands there. */
  | { readonly kind: 'malformed'; readonly detail: string };

const VERIFIER = /^SCRAM-SHA-256\$([1-9]\d{0,9}):([^:$]+)\$([^:$]+):([^:$]+)$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const deriveKey = promisify(pbkdf2);

/** `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, the last three as base64. */
export function parseVerifier(text: string): ParsedVerifier {
  if (/^md5[0-9a-f]{32}$/.test(text)) {
    const advice = 'set the password again in the database, with password_encryption = scram-sha-256';
    return { kind: 'malformed', detail: `is an MD5 hash, and only SCRAM-SHA-256 is spoken here: ${advice}` };
  }
  const [, iterations, ...encoded] = VERIFIER.exec(text) ?? [];
  const [salt, storedKey, serverKey] = encoded.map((part) => decodeBase64(part));
  if (salt === undefined || storedKey?.length !== KEY_LENGTH || serverKey?.length !== KEY_LENGTH) {
    const shape = 'SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>';
    return { kind: 'malformed', detail: `has to be ${shape}, as in pg_authid.rolpassword` };
  }
  const iterationCount = Number(iterations);
  if (iterationCount > LIMITS.iterationCount || salt.length > LIMITS.saltLength) {
    const most = `${LIMITS.iterationCount} iterations and ${LIMITS.saltLength} bytes of salt`;
    return { kind: 'malformed', detail: `may have at most ${most}` };
  }
  return { kind: 'verifier', verifier: { iterationCount, salt, storedKey, serverKey } };
}

/** Takes milliseconds of a thread beside the event loop, more with more iterations. */
export async function makeVerifier(password: string, salt: Uint8Array, iterationCount: number): Promise<Verifier> {
  const saltedPassword = await deriveKey(preparePassword(password), salt, iterationCount, KEY_LENGTH, 'sha256');
  const storedKey = sha256(hmacSha256(saltedPassword, 'Client Key'));
  return { iterationCount, salt, storedKey, serverKey: hmacSha256(saltedPassword, 'Server Key') };
}

export function hmacSha256(key: Uint8Array, data: string | Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', key).update(data).digest());
}

export function sha256(data: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(data).digest());
}

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** Undefined where it is no base64 (RFC 4648 section 4); bits to spare in the last character may be anything, as PostgreSQL has it. */
export function decodeBase64(text: string): Uint8Array | undefined {
  return BASE64.test(text) ? new Uint8Array(Buffer.from(text, 'base64')) : undefined;
}
