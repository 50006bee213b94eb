// A bank with transactions, and the second and the third example of the slides as services that use it.
//
// The bank is outside of every member: its calls take time, in which a connection may move, and what it has done stays done.

import { Container, done, Moved, next, Service, Snapshot, Stage, type Next, type StageIo } from '@migratory/framework';
import { textOf } from './service-world.js';

export type TransactionState = 'open' | 'prepared' | 'committed' | 'rolled back';

const CALL_MS = 0.35;

export class Bank {
  readonly transactions: { amount: number; state: TransactionState }[] = [];
  /** How a call of the bank takes its time. */
  pass: (durationMs: number) => Promise<void> = () => Promise.resolve();

  get balance(): number {
    return this.transactions.reduce((sum, { amount, state }) => (state === 'committed' ? sum + amount : sum), 0);
  }

  statesOf(...states: TransactionState[]): number {
    return this.transactions.filter(({ state }) => states.includes(state)).length;
  }

  async begin(): Promise<number> {
    await this.pass(CALL_MS);
    return this.transactions.push({ amount: 0, state: 'open' }) - 1;
  }

  async add(id: number, amount: number): Promise<void> {
    await this.pass(CALL_MS);
    const transaction = this.#transaction(id);
    if (transaction.state === 'open') transaction.amount += amount;
  }

  /** May be repeated. */
  async prepare(id: number): Promise<boolean> {
    await this.pass(CALL_MS);
    const transaction = this.#transaction(id);
    if (transaction.state === 'open') transaction.state = 'prepared';
    return transaction.state !== 'rolled back';
  }

  async isCommitted(id: number): Promise<boolean> {
    await this.pass(CALL_MS);
    return this.#transaction(id).state === 'committed';
  }

  /** Takes its time before and behind the commit: whoever asked may be gone when it is done. */
  async commit(id: number): Promise<void> {
    await this.pass(CALL_MS);
    const transaction = this.#transaction(id);
    if (transaction.state === 'rolled back') throw new Error(`The transaction ${id} has been rolled back.`);
    transaction.state = 'committed';
    await this.pass(CALL_MS);
  }

  async rollBack(id: number): Promise<void> {
    await this.pass(CALL_MS);
    const transaction = this.#transaction(id);
    if (transaction.state !== 'committed') transaction.state = 'rolled back';
  }

  #transaction(id: number): { amount: number; state: TransactionState } {
    const transaction = this.transactions[id];
    if (transaction === undefined) throw new RangeError(`There is no transaction ${id}.`);
    return transaction;
  }
}

export function bankContainer(bank: Bank): Container {
  const container = new Container();
  container.bind(Bank).toConstantValue(bank);
  return container;
}

async function amountOf(io: StageIo): Promise<number | undefined> {
  const line = await io.readUntil('\n', { maxLength: 20 });
  return line === undefined ? undefined : Number(textOf(line));
}

/** The slides' third example: lock, store stage and results, commit, unlock, tell the client. */
@Service({ name: 'transfer', version: 1 })
export class LockedTransfer {
  @Snapshot() amount: number = 0;
  @Snapshot() result: string = '';
  #transaction: number | undefined;

  constructor(private readonly bank: Bank) {}

  @Stage({ entry: true })
  async order(io: StageIo): Promise<Next<LockedTransfer>> {
    const amount = await amountOf(io);
    if (amount === undefined) return done();
    this.amount = amount;
    return next('transaction');
  }

  @Stage()
  async transaction(io: StageIo): Promise<Next<LockedTransfer>> {
    this.#transaction = await this.bank.begin();
    if (io.signal.aborted) await this.rollBack(); // the connection left before there was anything to roll back
    await this.bank.add(this.#transaction, this.amount);
    return next('commit');
  }

  @Stage({ lock: true })
  async commit(io: StageIo<LockedTransfer>): Promise<Next<LockedTransfer>> {
    if (this.#transaction === undefined) return next('transaction');
    this.result = `transferred ${this.amount}\n`;
    io.snapshot({ stage: 'reply' });
    await this.bank.commit(this.#transaction);
    return next('reply');
  }

  @Stage()
  async reply(io: StageIo): Promise<Next<LockedTransfer>> {
    await io.write(this.result);
    return next('order');
  }

  @Moved()
  async rollBack(): Promise<void> {
    if (this.#transaction !== undefined) await this.bank.rollBack(this.#transaction);
  }
}

/** The slides' second example: every phase is a stage, and each looks at what the phase before it may have done. */
@Service({ name: 'two-phase', version: 1 })
export class TwoPhaseTransfer {
  @Snapshot() amount: number = 0;
  @Snapshot() transaction: number = -1;
  #begunHere: number | undefined;

  constructor(private readonly bank: Bank) {}

  @Stage({ entry: true })
  async order(io: StageIo): Promise<Next<TwoPhaseTransfer>> {
    const amount = await amountOf(io);
    if (amount === undefined) return done();
    this.amount = amount;
    return next('begin');
  }

  @Stage()
  async begin(io: StageIo): Promise<Next<TwoPhaseTransfer>> {
    await this.#begin(io);
    return next('started');
  }

  @Stage()
  async started(io: StageIo): Promise<Next<TwoPhaseTransfer>> {
    if (this.#begunHere !== this.transaction) {
      await this.bank.rollBack(this.transaction);
      await this.#begin(io);
      io.snapshot();
    }
    await this.bank.add(this.transaction, this.amount);
    return next('prepare');
  }

  @Stage()
  async prepare(): Promise<Next<TwoPhaseTransfer>> {
    return (await this.bank.prepare(this.transaction)) ? next('commit') : next('begin');
  }

  @Stage()
  async commit(): Promise<Next<TwoPhaseTransfer>> {
    if (!(await this.bank.isCommitted(this.transaction))) await this.bank.commit(this.transaction);
    return next('reply');
  }

  @Stage()
  async reply(io: StageIo): Promise<Next<TwoPhaseTransfer>> {
    await io.write(`transferred ${this.amount}\n`);
    return next('order');
  }

  async #begin(io: StageIo): Promise<void> {
    const transaction = await this.bank.begin();
    if (io.signal.aborted) return await this.bank.rollBack(transaction); // nobody knows of it
    this.#begunHere = transaction;
    this.transaction = transaction;
  }
}

/** The third example's promise by `io.once`: the commit and its result are one record. */
@Service({ name: 'once', version: 1 })
export class OnceTransfer {
  @Snapshot() amount: number = 0;

  constructor(private readonly bank: Bank) {}

  @Stage({ entry: true })
  async order(io: StageIo): Promise<Next<OnceTransfer>> {
    const amount = await amountOf(io);
    if (amount === undefined) return done();
    this.amount = amount;
    return next('transfer');
  }

  @Stage()
  async transfer(io: StageIo): Promise<Next<OnceTransfer>> {
    const { bank, amount } = this;
    const transaction = await io.use(
      () => bank.begin(),
      (id) => bank.rollBack(id), // what was committed stays so
    );
    await bank.add(transaction, amount);
    const result = await io.once('commit', async () => {
      await bank.commit(transaction);
      return `transferred ${amount}\n`;
    });
    await io.write(result);
    return next('order');
  }
}
