// What clients are told that no database has said.

import { LIMITS } from '../limits.js';
import type { Complaint } from '../wire/backend-messages.js';

/** The client is told that the transaction is over because it could not be continued. Applications retry it. */
export const NOT_CONTINUED: Complaint = {
  severity: 'ERROR',
  code: '40001',
  message: 'could not serialize access: the transaction could not be continued at another server',
  detail: 'Run again there, a statement was answered differently from before, or could not be run.',
  hint: 'The transaction might succeed if retried.',
};

export const CANNOT_BE_RESTORED: Complaint = {
  severity: 'FATAL',
  code: '08006',
  message: 'the session at the database was lost while a transaction was being committed',
  detail: 'The transaction has changed parameters or prepared statements of the session, which could not be restored.',
};

export const TOO_MUCH_PREPARED: Complaint = {
  severity: 'FATAL',
  code: '53400',
  message: 'terminating connection because it has too many prepared statements',
  detail: `The prepared statements of a session may take up to ${LIMITS.preparedLength / 2 ** 20} MiB of the front-end's memory.`,
  hint: 'Deallocate statements that are not used any more.',
};

/** PostgreSQL's own words where a COPY is interrupted by what is no part of it. */
export const SYNCHRONIZATION_LOST: Complaint = {
  severity: 'FATAL',
  code: '08P01',
  message: 'terminating connection because protocol synchronization was lost',
};
