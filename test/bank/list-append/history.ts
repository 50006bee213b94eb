// A history of transactions that append to lists and read them: what the clients asked for, what they saw, what they were told.
//
// Every value is appended once in a whole history, so a list says who wrote it, and in which order.

export type Operation =
  | { readonly kind: 'append'; readonly key: number; readonly value: number }
  | { readonly kind: 'read'; readonly key: number; readonly values: readonly number[] };

export interface Transaction {
  readonly id: number;
  /** In their order; of a transaction that failed, those that were answered, and the appends that were only asked for. */
  readonly operations: readonly Operation[];
  readonly told: 'committed' | 'aborted' | 'unknown';
  /** When its first statement was sent and when its last answer came, on one clock. */
  readonly beganAtMs: number;
  readonly endedAtMs: number;
}

export interface History {
  readonly transactions: readonly Transaction[];
  /** The lists when all was over, by key. */
  readonly final: ReadonlyMap<number, readonly number[]>;
}
