// A verifier as PostgreSQL keeps it in pg_authid.rolpassword, and as a file of users may have it.

import { encodeBase64, type Verifier } from '@migratory/pg-frontend/internal/authentication/scram-verifier.js';

export function formatVerifier({ iterationCount, salt, storedKey, serverKey }: Verifier): string {
  const [saltText, storedText, serverText] = [salt, storedKey, serverKey].map((bytes) => encodeBase64(bytes));
  return `SCRAM-SHA-256$${iterationCount}:${saltText ?? ''}$${storedText ?? ''}:${serverText ?? ''}`;
}
