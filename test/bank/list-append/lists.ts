// Who wrote what, and in which order: the versions of each list, recovered from what was read.
//
// The longest list that was read of a key is the order of its versions; every other read has to be a beginning of it.

import type { History, Transaction } from './history.js';

export interface Lists {
  /** By value: who appended it. Values that nobody appended are not in it. */
  readonly writers: ReadonlyMap<number, Transaction>;
  /** By key: the values in their order. */
  readonly orders: ReadonlyMap<number, readonly number[]>;
  /** By value: the value that the same transaction appended to the same list next. */
  readonly overwrittenBy: ReadonlyMap<number, number>;
}

export function listsOf({ transactions, final }: History): Lists {
  const writers = new Map<number, Transaction>();
  const orders = new Map<number, readonly number[]>(final);
  const overwrittenBy = new Map<number, number>();
  for (const transaction of transactions) {
    const lastOwn = new Map<number, number>();
    for (const operation of transaction.operations) {
      if (operation.kind === 'append') {
        writers.set(operation.value, transaction);
        const last = lastOwn.get(operation.key);
        if (last !== undefined) overwrittenBy.set(last, operation.value);
        lastOwn.set(operation.key, operation.value);
      } else if (transaction.told === 'committed') {
        const known = orders.get(operation.key) ?? [];
        if (operation.values.length > known.length) orders.set(operation.key, operation.values);
      }
    }
  }
  return { writers, orders, overwrittenBy };
}

/** Whether the transaction really happened: one of unknown fate has if somebody else saw one of its values. */
export function happened(lists: Lists): (transaction: Transaction) => boolean {
  const seen = new Set([...lists.orders.values()].flat().map((value) => lists.writers.get(value)));
  return (transaction) => transaction.told === 'committed' || (transaction.told === 'unknown' && seen.has(transaction));
}
