// A transaction in two phases: the slides' second example. Each case of their `switch (stage)` is a stage here.
//
//   npx migratory run examples/dist/transaction-two-phase.js
//
// Then `alice bob 10`. It survives a move and the death of a member at any instant: all that the bank is asked for may be
// asked again, and each answer is recorded before anything is built on it.

import { Container, done, next, Failed, Service, Snapshot, Stage, type Next, type StageIo } from '@migratory/framework';
import { Bank, BankInMemory, type Transfer } from './bank.js';
import { readOrder } from './transfer-order.js';

@Service({ name: 'transaction-two-phase', version: 1 })
export class TwoPhaseTransaction {
  @Snapshot({ type: Object }) order: Transfer = { from: '', to: '', amount: 0 };
  @Snapshot() transaction: string = '';

  constructor(private readonly bank: Bank) {}

  @Stage({ entry: true })
  async request(io: StageIo): Promise<Next<TwoPhaseTransaction>> {
    const order = await readOrder(io);
    if (order === undefined) return done();
    this.order = order;
    return next('begin'); // set_state("begin", params)
  }

  @Stage()
  async begin(io: StageIo<TwoPhaseTransaction>): Promise<Next<TwoPhaseTransaction>> {
    this.transaction = await this.bank.begin();
    io.snapshot({ stage: 'started' }); // set_state("started", tid): needed to abort at the new member
    await this.bank.transfer(this.transaction, this.order);
    return next('prepare');
  }

  /** Only a connection that has left in the middle of the work goes on here. */
  @Stage()
  async started(): Promise<Next<TwoPhaseTransaction>> {
    await this.bank.abort(this.transaction);
    return next('begin');
  }

  @Stage()
  async prepare(io: StageIo): Promise<Next<TwoPhaseTransaction>> {
    if ((await this.bank.prepare(this.transaction)) === 'prepared') return next('commit');
    await io.write('refused\n');
    return next('request');
  }

  @Stage()
  async commit(io: StageIo): Promise<Next<TwoPhaseTransaction>> {
    await this.bank.commit(this.transaction);
    await io.write('done\n');
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
