// The books: what the tables have to hold in the end, and where they do not.

/** One transfer, as its client asked for it and as the tables have it. */
export interface Transfer {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly amount: number;
}

export interface Account {
  readonly id: number;
  readonly balance: number;
}

/** What is in the tables. A transfer is there as often as it was booked. */
export interface Books {
  readonly accounts: readonly Account[];
  readonly transfers: readonly Transfer[];
}

/** Transfers by number, accounts by number; all lists are empty where all is as it should be. */
export interface Findings {
  readonly sumBefore: number;
  readonly sumAfter: number;
  /** Acknowledged, but not there. */
  readonly missing: readonly number[];
  readonly doubled: readonly number[];
  /** There, but never acknowledged. */
  readonly unasked: readonly number[];
  /** Accounts that have not what the acknowledged transfers leave them. */
  readonly wrongAccounts: readonly number[];
}

export function audit(opening: readonly Account[], acknowledged: readonly Transfer[], books: Books): Findings {
  const counts = new Map<number, number>();
  for (const { id } of books.transfers) counts.set(id, (counts.get(id) ?? 0) + 1);
  const asked = new Set(acknowledged.map(({ id }) => id));
  const due = new Map(opening.map(({ id, balance }) => [id, balance]));
  for (const { from, to, amount } of acknowledged) {
    due.set(from, (due.get(from) ?? 0) - amount);
    due.set(to, (due.get(to) ?? 0) + amount);
  }
  const found = new Map(books.accounts.map(({ id, balance }) => [id, balance]));
  const accountIds = new Set([...due.keys(), ...found.keys()]);
  return {
    sumBefore: sumOf(opening),
    sumAfter: sumOf(books.accounts),
    missing: [...asked].filter((id) => !counts.has(id)),
    doubled: [...counts].filter(([, count]) => count > 1).map(([id]) => id),
    unasked: [...counts.keys()].filter((id) => !asked.has(id)),
    wrongAccounts: [...accountIds].filter((id) => due.get(id) !== found.get(id)),
  };
}

function sumOf(accounts: readonly Account[]): number {
  return accounts.reduce((sum, { balance }) => sum + balance, 0);
}
