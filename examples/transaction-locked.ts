// A transaction under a lock: the slides' third example. While the stage runs the connection stays, so that nothing in it
// is done twice; the restart point says already what comes after the commit.
//
//   npx migratory run examples/dist/transaction-locked.js
//
// Then `alice bob 10`. A lock holds off moves, not deaths: for those see transaction-two-phase.ts.

import { Container, done, next, Failed, Service, Snapshot, Stage, type Next, type StageIo } from '@migratory/framework';
import { Bank, BankInMemory, type Transfer } from './bank.js';
import { readOrder } from './transfer-order.js';

@Service({ name: 'transaction-locked', version: 1 })
export class LockedTransaction {
  @Snapshot({ type: Object }) order: Transfer = { from: '', to: '', amount: 0 };
  @Snapshot() balance: number = 0;

  constructor(private readonly bank: Bank) {}

  @Stage({ entry: true })
  async request(io: StageIo): Promise<Next<LockedTransaction>> {
    const order = await readOrder(io);
    if (order === undefined) return done();
    this.order = order;
    return next('transaction'); // set_state("trans-begin", params)
  }

  /** Entering it is `lock_state`; at a connection that has left it doesn't begin. */
  @Stage({ lock: true })
  async transaction(io: StageIo<LockedTransaction>): Promise<Next<LockedTransaction>> {
    const { from, amount } = this.order;
    const transaction = await this.bank.begin();
    await this.bank.transfer(transaction, this.order);
    this.balance = (await this.bank.balanceOf(from)) - amount;
    io.snapshot({ stage: 'committed' }); // set_state("trans-committed", results)
    await this.bank.commit(transaction);
    return next('committed'); // unlock_state
  }

  @Stage()
  async committed(io: StageIo): Promise<Next<LockedTransaction>> {
    await io.write(`${this.order.from} has ${this.balance}\n`);
    return next('request');
  }

  @Failed()
  async explain(io: StageIo, error: unknown): Promise<void> {
    await io.write(`${error instanceof Error ? error.message : 'failed'}\n`);
  }
}

const bank = new BankInMemory({ alice: 100, bob: 100 });

/** One bank for all members. */
export function container(): Container {
  const bindings = new Container();
  bindings.bind(Bank).toConstantValue(bank);
  return bindings;
}
