// Worlds outside for services that are moved: a shop, and the transaction manager of the slides' examples.
//
// Both answer after a turn of the event loop, as another machine would, and record only what is there to stay.

import type { RecordEffect } from '@migratory/framework/testing';

/** Another machine's answer takes a while. */
function roundTrip(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Charges amounts, and gives a receipt with a number. */
export class Shop {
  readonly #record: RecordEffect;
  #receipts = 0;

  constructor(record: RecordEffect) {
    this.#record = record;
  }

  async charge(amount: string): Promise<string> {
    await roundTrip();
    this.#record(`charge ${amount}`);
    this.#receipts++;
    return `paid ${amount}`;
  }

  /** A second later each time it is asked. */
  async now(): Promise<number> {
    await Promise.resolve();
    this.#receipts++;
    return 1_000 * this.#receipts;
  }
}

/** A shop that knows a charge again by its token. */
export class TokenShop extends Shop {
  readonly #charges = new Map<string, Promise<string>>();

  chargeOnce(token: string, amount: string): Promise<string> {
    const charge = this.#charges.get(token) ?? this.charge(amount);
    this.#charges.set(token, charge);
    return charge;
  }
}

type TransactionState = 'begun' | 'prepared' | 'committed' | 'aborted';

/** BeginTransaction, PrepareCommit, Commit, Committed and AbortTransaction, as the slides call them. */
export class TransactionManager {
  readonly #record: RecordEffect;
  readonly #transactions: { state: TransactionState; amount: string }[] = [];

  constructor(record: RecordEffect) {
    this.#record = record;
  }

  async begin(): Promise<number> {
    await roundTrip();
    return this.#transactions.push({ state: 'begun', amount: '' });
  }

  async add(id: number, amount: string): Promise<string> {
    await roundTrip();
    const transaction = this.#in(id, 'begun');
    transaction.amount = amount;
    return `balance ${amount}`;
  }

  /** May be asked again. */
  async prepare(id: number): Promise<void> {
    await roundTrip();
    const transaction = this.#transactions[id - 1];
    if (transaction?.state === 'begun') transaction.state = 'prepared';
  }

  async committed(id: number): Promise<boolean> {
    await roundTrip();
    return this.#transactions[id - 1]?.state === 'committed';
  }

  /** Asked again, it has no effect. */
  async commit(id: number): Promise<void> {
    await roundTrip();
    const transaction = this.#transactions[id - 1];
    if (transaction === undefined || transaction.state === 'committed') return;
    if (transaction.state === 'aborted') throw new Error('The transaction has been rolled back.');
    this.#record(`commit ${transaction.amount}`);
    transaction.state = 'committed';
  }

  async abort(id: number): Promise<void> {
    await roundTrip();
    const transaction = this.#transactions[id - 1];
    if (transaction !== undefined && transaction.state !== 'committed') transaction.state = 'aborted';
  }

  #in(id: number, state: TransactionState): { amount: string } {
    const transaction = this.#transactions[id - 1];
    if (transaction?.state !== state) throw new Error(`The transaction ${id} is ${String(transaction?.state)}.`);
    return transaction;
  }
}
