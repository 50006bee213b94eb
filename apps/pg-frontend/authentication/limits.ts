// The limits of logging in: what a client may send before anybody knows who it is, and what a users file may hold.

export const LIMITS = {
  /** A SCRAM message of a client, in bytes; the same as PostgreSQL's. */
  scramMessageLength: 1024,
  /** What the server adds to a nonce, in characters: at least 18 random bytes as base64. */
  serverNonceLength: 24,
  /** Rounds of PBKDF2 in a verifier; PostgreSQL keeps the number in 32 bits with a sign. */
  iterationCount: 0x7fff_ffff,
  /** The salt in a verifier, in bytes. */
  saltLength: 256,
  /** Users in one file. */
  userCount: 10_000,
  /** A user's name, in bytes of UTF-8; PostgreSQL cuts off the rest. */
  userNameLength: 63,
  /** A password in a users file, in characters. */
  passwordLength: 1024,
  /** What is wrong with a users file, told at once; the rest is counted. */
  complaintCount: 3,
} as const;
