// Who may log in: those of the users file, by SCRAM-SHA-256; without one, whoever says to be somebody.

import type { Users } from './users.js';

export class LoginPolicy {
  /** `nonce`: new for each call, 24 or more printable characters without a comma. */
  constructor(
    readonly users: Users | undefined,
    readonly nonce: () => string,
  ) {}
}
