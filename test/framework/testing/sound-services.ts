// Services that can be moved anywhere: the slides' examples 2 and 3, and what the framework offers for the same.
// (Example 1, the server of files, is among the services of `test/support`.)

import { done, Moved, next, Service, Snapshot, Stage, type Next, type StageIo } from '@migratory/framework';
import { Shop, TokenShop, TransactionManager } from './shops.js';

async function readWord(io: StageIo): Promise<string | undefined> {
  const line = await io.readUntil('\n', { maxLength: 64 });
  return line === undefined ? undefined : Buffer.from(line).toString();
}

/** Example 2: every step of a transaction is a stage, and each can be gone on from. */
@Service({ name: 'stepwise', version: 1 })
export class StepwiseTransaction {
  @Snapshot() amount: string = '';
  @Snapshot() transaction: number = 0;
  @Snapshot() result: string = '';

  constructor(private readonly manager: TransactionManager) {}

  @Stage({ entry: true })
  async request(io: StageIo): Promise<Next<StepwiseTransaction>> {
    const word = await readWord(io);
    if (word === undefined) return done();
    this.amount = word;
    this.transaction = 0;
    return next('work');
  }

  @Stage()
  async work(io: StageIo): Promise<Next<StepwiseTransaction>> {
    await this.manager.abort(this.transaction);
    this.transaction = await this.manager.begin();
    io.snapshot();
    this.result = await this.manager.add(this.transaction, this.amount);
    return next('prepare');
  }

  @Stage()
  async prepare(): Promise<Next<StepwiseTransaction>> {
    await this.manager.prepare(this.transaction);
    return next('commit');
  }

  @Stage()
  async commit(): Promise<Next<StepwiseTransaction>> {
    if (!(await this.manager.committed(this.transaction))) await this.manager.commit(this.transaction);
    return next('answer');
  }

  @Stage()
  async answer(io: StageIo): Promise<Next<StepwiseTransaction>> {
    await io.write(`${this.result}\n`);
    return next('request');
  }
}

/** Example 3: the results are stored, under a lock, before the commit. */
@Service({ name: 'locked', version: 1 })
export class LockedTransaction {
  @Snapshot() amount: string = '';
  @Snapshot() result: string = '';
  #transaction = 0;

  constructor(private readonly manager: TransactionManager) {}

  @Stage({ entry: true })
  async request(io: StageIo): Promise<Next<LockedTransaction>> {
    const word = await readWord(io);
    if (word === undefined) return done();
    this.amount = word;
    return next('transact');
  }

  @Stage({ lock: true })
  async transact(io: StageIo<LockedTransaction>): Promise<Next<LockedTransaction>> {
    this.#transaction = await this.manager.begin();
    this.result = await this.manager.add(this.#transaction, this.amount);
    io.snapshot({ stage: 'answer' });
    await this.manager.prepare(this.#transaction);
    await this.manager.commit(this.#transaction);
    return next('answer');
  }

  @Stage()
  async answer(io: StageIo): Promise<Next<LockedTransaction>> {
    await io.write(`${this.result}\n`);
    return next('request');
  }

  @Moved()
  async left(): Promise<void> {
    await this.manager.abort(this.#transaction);
  }
}

/** The shortest way: the effect is made once. */
@Service({ name: 'once', version: 1 })
export class OnceCharged {
  constructor(private readonly shop: Shop) {}

  @Stage({ entry: true })
  async request(io: StageIo): Promise<Next<OnceCharged>> {
    const word = await readWord(io);
    if (word === undefined) return done();
    const receipt = await io.once('charge', () => this.shop.charge(word));
    await io.write(`${receipt}\n`);
    return next('request');
  }
}

/** The same where the other side knows tokens. */
@Service({ name: 'token', version: 1 })
export class TokenCharged {
  constructor(private readonly shop: TokenShop) {}

  @Stage({ entry: true })
  async request(io: StageIo): Promise<Next<TokenCharged>> {
    const word = await readWord(io);
    if (word === undefined) return done();
    await io.write(`${await io.once('charge', (token) => this.shop.chargeOnce(token, word))}\n`);
    return next('request');
  }
}

/** What can't be repeated is held until the restart point that covers it. */
@Service({ name: 'held', version: 1 })
export class HeldClock {
  constructor(private readonly shop: Shop) {}

  @Stage({ entry: true, output: 'held' })
  async request(io: StageIo): Promise<Next<HeldClock>> {
    const word = await readWord(io);
    if (word === undefined) return done();
    await io.write(`${word} at ${await this.shop.now()}\n`);
    return next('request');
  }
}

/** What can't be repeated is kept before it is written; the output is compared all the same. */
@Service({ name: 'kept', version: 1 })
export class KeptClock {
  @Snapshot() time: number = 0;

  constructor(private readonly shop: Shop) {}

  @Stage({ entry: true, output: 'verified' })
  async request(io: StageIo): Promise<Next<KeptClock>> {
    const word = await readWord(io);
    if (word === undefined) return done();
    this.time = await this.shop.now();
    return next('answer');
  }

  @Stage({ output: 'verified' })
  async answer(io: StageIo): Promise<Next<KeptClock>> {
    await io.write(`it is ${this.time}\n`);
    return next('request');
  }
}
