// What every program does that asks for serializable transactions: on a serialization failure, once more from the beginning.

import { sqlStateOf } from './transcript.js';

const SERIALIZATION_FAILURE = '40001';
/** More failures in a row than bad luck explains. */
const MAX_ATTEMPTS = 200;

/** Answers how many attempts failed before the one that succeeded. */
export async function withRetry(attempt: () => Promise<unknown>, undo: () => Promise<unknown>): Promise<number> {
  for (let failureCount = 0; ; failureCount++) {
    try {
      await attempt();
      return failureCount;
    } catch (error) {
      if (sqlStateOf(error) !== SERIALIZATION_FAILURE || failureCount + 1 >= MAX_ATTEMPTS) throw error;
      await undo();
    }
  }
}
