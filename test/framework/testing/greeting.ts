// The example of docs/testing.md, as it stands there; run by node:test, from `examples.test.ts`.

// example
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Container, done, next, Service, Snapshot, Stage, type Next, type StageIo } from '@migratory/framework';
import { connect, crashEverywhere, migrateEverywhere } from '@migratory/framework/testing';

/** Stands for a database on another machine, which knows by its token a row that it has. */
class Ledger {
  readonly #rows: string[] = [];
  constructor(private readonly record: (effect: unknown) => void) {}

  async insert(token: string, name: string): Promise<number> {
    if (!this.#rows.includes(token)) {
      this.record(`row for ${name}`); // first of all: a member that has died is stopped here
      this.#rows.push(token);
    }
    return Promise.resolve(this.#rows.indexOf(token) + 1);
  }
}

@Service({ name: 'greeting', version: 1 })
class Greeting {
  @Snapshot() count: number = 0;
  constructor(private readonly ledger: Ledger) {}

  @Stage({ entry: true })
  async line(io: StageIo): Promise<Next<Greeting>> {
    const line = await io.readUntil('\n', { maxLength: 64 });
    if (line === undefined) return done();
    const name = new TextDecoder().decode(line);
    const row = await io.once('insert', (token) => this.ledger.insert(token, name));
    this.count++;
    await io.write(`hello ${name}, you are row ${row} and greeting ${this.count}\n`);
    return next('line');
  }
}

const world = (record: (effect: unknown) => void): Container => {
  const container = new Container();
  container.bind(Ledger).toConstantValue(new Ledger(record));
  return container;
};

await test('nobody can tell that a greeting has moved', async () => {
  const { moves } = await migrateEverywhere(Greeting, { input: 'ann\nbob\n', container: world });
  assert.ok(moves > 100);
});

await test('nor that its member has died', async () => {
  await crashEverywhere(Greeting, { input: 'ann\nbob\n', container: world });
});

await test('a greeting on two members', async () => {
  const client = await connect(Greeting, { container: world(() => undefined) });
  await client.write('ann\n');
  assert.equal(await client.readLine(), 'hello ann, you are row 1 and greeting 1');
  await client.move();
  await client.write('bob\n');
  assert.equal(await client.readLine(), 'hello bob, you are row 2 and greeting 2');
  assert.deepEqual([client.member, client.moves.length], [2, 1]);
  await client.close();
});
