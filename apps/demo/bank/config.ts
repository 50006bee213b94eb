// What the bank does when nobody says otherwise.

export const DEFAULT_DURATION_S = 10;
export const MAX_DURATION_S = 3600;

export const CLIENT_COUNT = 4;
export const ACCOUNT_COUNT = 20;
export const OPENING_BALANCE = 1_000;
export const MAX_AMOUNT = 100;

/** Transfers are numbered by client; none makes so many. */
export const TRANSFERS_PER_CLIENT = 1_000_000_000;

/** Each client's session is asked to move so often: ten times a second. */
export const MOVE_INTERVAL_MS = 100;

/** Whoever gets no answer for so long gives up. */
export const ANSWER_MS = 15_000;

/** How long removing the tables may wait for sessions that are about to end. */
export const LOCK_WAIT_MS = 5_000;

/** One plain line so often where there is no terminal. */
export const REPORT_INTERVAL_MS = 1_000;
