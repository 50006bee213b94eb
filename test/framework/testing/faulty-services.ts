// Services with one fault each, that no run without a move shows.

import { done, Moved, next, Service, Snapshot, Stage, type Next, type StageIo } from '@migratory/framework';
import { Shop, TransactionManager } from './shops.js';

async function readWord(io: StageIo): Promise<string | undefined> {
  const line = await io.readUntil('\n', { maxLength: 64 });
  return line === undefined ? undefined : Buffer.from(line).toString();
}

/** Writes the time of day: another one when the line is written again. */
@Service({ name: 'clock', version: 1 })
export class UnkeptClock {
  constructor(private readonly shop: Shop) {}

  @Stage({ entry: true })
  async request(io: StageIo): Promise<Next<UnkeptClock>> {
    const word = await readWord(io);
    if (word === undefined) return done();
    await io.write(`${word} at ${await this.shop.now()}\n`);
    return next('request');
  }
}

/** The same, and asks for its output to be compared. */
@Service({ name: 'verified-clock', version: 1 })
export class VerifiedClock {
  constructor(private readonly shop: Shop) {}

  @Stage({ entry: true, output: 'verified' })
  async request(io: StageIo): Promise<Next<VerifiedClock>> {
    const word = await readWord(io);
    if (word === undefined) return done();
    await io.write(`${word} at ${await this.shop.now()}\n`);
    await io.write('over\n');
    return next('request');
  }
}

/** Counts lines where no snapshot sees it. */
@Service({ name: 'counter', version: 1 })
export class UnseenCounter {
  #count = 0;

  @Stage({ entry: true })
  async request(io: StageIo): Promise<Next<UnseenCounter>> {
    const word = await readWord(io);
    if (word === undefined) return done();
    this.#count++;
    await io.write(`${this.#count}: ${word}\n`);
    return next('request');
  }
}

/** Takes the snapshot between the change of the field and the write that goes with it. */
@Service({ name: 'early', version: 1 })
export class EarlySnapshot {
  @Snapshot() offset: number = 0;

  @Stage({ entry: true })
  async body(io: StageIo): Promise<Next<EarlySnapshot>> {
    const body = ['one ', 'two ', 'three '];
    while (this.offset < body.length) {
      const piece = body[this.offset] ?? '';
      this.offset++;
      io.snapshot();
      await io.write(piece);
    }
    return done();
  }
}

/** Charges without `io.once`. */
@Service({ name: 'charge', version: 1 })
export class BareCharge {
  constructor(private readonly shop: Shop) {}

  @Stage({ entry: true })
  async request(io: StageIo): Promise<Next<BareCharge>> {
    const word = await readWord(io);
    if (word === undefined) return done();
    await io.write(`${await this.shop.charge(word)}\n`);
    return next('request');
  }
}

/** The slides' third example without its lock. */
@Service({ name: 'unlocked', version: 1 })
export class UnlockedTransaction {
  @Snapshot() amount: string = '';
  @Snapshot() result: string = '';
  #transaction = 0;

  constructor(private readonly manager: TransactionManager) {}

  @Stage({ entry: true })
  async request(io: StageIo): Promise<Next<UnlockedTransaction>> {
    const word = await readWord(io);
    if (word === undefined) return done();
    this.amount = word;
    return next('transact');
  }

  @Stage()
  async transact(io: StageIo<UnlockedTransaction>): Promise<Next<UnlockedTransaction>> {
    this.#transaction = await this.manager.begin();
    this.result = await this.manager.add(this.#transaction, this.amount);
    io.snapshot({ stage: 'answer' });
    await this.manager.prepare(this.#transaction);
    await this.manager.commit(this.#transaction);
    return next('answer');
  }

  @Stage()
  async answer(io: StageIo): Promise<Next<UnlockedTransaction>> {
    await io.write(`${this.result}\n`);
    return next('request');
  }

  @Moved()
  async left(): Promise<void> {
    await this.manager.abort(this.#transaction);
  }
}

/** Waits for a second line that the client has no reason to send, where the first was read before a snapshot. */
@Service({ name: 'forgetful', version: 1 })
export class ForgetfulReader {
  @Stage({ entry: true })
  async request(io: StageIo): Promise<Next<ForgetfulReader>> {
    const word = await readWord(io);
    if (word === undefined) return done();
    io.snapshot();
    await io.write(`thanks for ${word}\n`);
    await io.readExactly(4);
    return done();
  }
}
