// The bank of the transaction examples: stands for a database that all members share.
//
//   B1. Nothing changes before the commit, but what an open transaction takes from an account is held for it.
//   B2. prepare, commit and abort may be said again: they answer as they did the first time.
//   B3. Every call takes a turn of the event loop, as one to another machine would.

import { setImmediate } from 'node:timers/promises';

/** Amounts in whole units of a currency. */
export interface Transfer {
  readonly from: string;
  readonly to: string;
  readonly amount: number;
}

export abstract class Bank {
  /** Answers the transaction's id, which any member may use. */
  abstract begin(): Promise<string>;
  /** Does the work; it counts once it has been committed. */
  abstract transfer(transaction: string, transfer: Transfer): Promise<void>;
  /** 'refused': an account would have less than nothing, or it has been aborted. */
  abstract prepare(transaction: string): Promise<'prepared' | 'refused'>;
  /** Throws, and has aborted, where it was not prepared and an account would have less than nothing. */
  abstract commit(transaction: string): Promise<void>;
  abstract abort(transaction: string): Promise<void>;
  abstract balanceOf(account: string): Promise<number>;
}

interface Transaction {
  readonly transfers: Transfer[];
  state: 'begun' | 'prepared' | 'committed' | 'aborted';
}

export class BankInMemory extends Bank {
  readonly #balances: Map<string, number>;
  readonly #transactions: Transaction[] = [];
  readonly #changed: (change: string) => void;

  /** `changed` is told of every change that is there to stay, right before it is made. */
  constructor(balances: Readonly<Record<string, number>>, changed: (change: string) => void = () => undefined) {
    super();
    this.#balances = new Map(Object.entries(balances));
    this.#changed = changed;
  }

  async begin(): Promise<string> {
    await setImmediate(); // B3
    return String(this.#transactions.push({ transfers: [], state: 'begun' }) - 1);
  }

  async transfer(id: string, transfer: Transfer): Promise<void> {
    await setImmediate();
    this.#find(id, 'begun').transfers.push(transfer);
  }

  async prepare(id: string): Promise<'prepared' | 'refused'> {
    await setImmediate();
    const transaction = this.#find(id, 'begun', 'prepared', 'committed', 'aborted');
    if (transaction.state === 'begun') transaction.state = this.#isCovered(transaction) ? 'prepared' : 'aborted';
    return transaction.state === 'aborted' ? 'refused' : 'prepared';
  }

  async commit(id: string): Promise<void> {
    await setImmediate();
    const transaction = this.#find(id, 'begun', 'prepared', 'committed');
    if (transaction.state === 'committed') return; // B2
    if (transaction.state === 'begun' && !this.#isCovered(transaction)) {
      transaction.state = 'aborted';
      throw new Error('Not enough money.');
    }
    for (const { from, to, amount } of transaction.transfers) {
      this.#changed(`${amount} from ${from} to ${to}`);
      this.#balances.set(from, this.#balance(from) - amount);
      this.#balances.set(to, this.#balance(to) + amount);
    }
    transaction.state = 'committed';
  }

  async abort(id: string): Promise<void> {
    await setImmediate();
    this.#find(id, 'begun', 'prepared', 'aborted').state = 'aborted';
  }

  async balanceOf(account: string): Promise<number> {
    await setImmediate();
    return this.#balance(account);
  }

  /** B1. */
  #isCovered(transaction: Transaction): boolean {
    const others = this.#transactions.filter(({ state }) => state === 'begun' || state === 'prepared');
    return transaction.transfers.every(({ from, amount }) => {
      const held = others.filter((other) => other !== transaction).flatMap(({ transfers }) => transfers);
      const heldAmount = held.reduce((sum, other) => (other.from === from ? sum + other.amount : sum), 0);
      return amount <= this.#balance(from) - heldAmount;
    });
  }

  #balance(account: string): number {
    return this.#balances.get(account) ?? 0;
  }

  #find(id: string, ...states: Transaction['state'][]): Transaction {
    const transaction = this.#transactions[Number(id)];
    if (transaction !== undefined && states.includes(transaction.state)) return transaction;
    throw new Error(`Transaction ${id} is ${transaction?.state ?? 'unknown'}, and not ${states.join(' or ')}.`);
  }
}
