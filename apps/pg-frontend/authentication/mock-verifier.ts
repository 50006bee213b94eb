// What a client is challenged with that names a user nobody knows, so that it can't find out which users there are.
//
// Everything is derived from a secret that all members share: the same name is offered the same salt by every member, today and
// tomorrow, as a known one is. Salts for passwords in a users file come from the same place, so that a user who is added or
// removed is offered what was offered before.

import { hmacSha256, type Verifier } from './scram-verifier.js';

/** PostgreSQL's own length, in bytes. */
const SALT_LENGTH = 16;

/** Of any name, known or not; the same at all members with the same secret. */
export function saltOf(secret: Uint8Array, user: string): Uint8Array {
  return derive(secret, 'salt', user).slice(0, SALT_LENGTH);
}

/**
 * No password fits: the stored key is not the hash of anything that could be found. The exchange with it does the same work
 * as with another one.
 */
export function mockVerifier(secret: Uint8Array, user: string, iterationCount: number): Verifier {
  return {
    iterationCount,
    salt: saltOf(secret, user),
    storedKey: derive(secret, 'stored key', user),
    serverKey: derive(secret, 'server key', user),
  };
}

function derive(secret: Uint8Array, purpose: string, user: string): Uint8Array {
  return hmacSha256(secret, `migratory pg-frontend ${purpose}\0${user}`);
}
