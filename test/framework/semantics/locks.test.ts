// Locked stages, and the transactions of the slides moved at every instant (docs/semantics.md, L).

import test from 'ava';
import {
  defineService,
  done,
  next,
  type ServiceDefinition,
  type ServiceSource,
  type StageIo,
} from '@migratory/framework';
import { Bank, bankContainer, LockedTransfer, OnceTransfer, TwoPhaseTransfer } from '../../support/bank.js';
import { Gate, inServiceWorld, never } from '../../support/service-world.js';

type Locked = 'first' | 'second';

/** Two stages; those in `locked` are locked, the first waits at the gate. */
function twoStages(
  log: string[],
  gate: Gate,
  locked: readonly Locked[],
  second: (io: StageIo, member: number) => Promise<void> = (io) => io.write('bye'),
): (member: number) => ServiceDefinition {
  return (member) =>
    defineService({
      name: 'subject',
      version: 1,
      entry: 'first',
      fields: () => ({ word: '' }),
      settings: Object.fromEntries(locked.map((stage) => [stage, { lock: true }])),
      stages: {
        first: async (session, io) => {
          log.push(`${member} first`);
          session.word = 'set';
          await io.write('hello ');
          await gate.passed;
          return next('second');
        },
        second: async (_session, io) => {
          log.push(`${member} second`);
          await second(io, member);
          return done();
        },
      },
    });
}

test('[L1] a locked stage stays where it is; a move that was asked for happens when it is left, at the stage it leads to', async (t) => {
  const [log, gate] = [[] as string[], new Gate()];
  await inServiceWorld({ service: twoStages(log, gate, ['first']) }, async (world) => {
    const moved = world.client.move(2);
    await world.pass();
    t.deepEqual(log, ['1 first']);
    gate.open();
    t.is(await moved, 'moved');
    await world.pass();
    t.deepEqual([log.at(-1), world.client.text], ['2 second', 'hello bye']);
  });
});

test('[L2] where a move was waiting, the stage behind the locked one does not begin at the origin', async (t) => {
  const [log, gate] = [[] as string[], new Gate()];
  await inServiceWorld({ service: twoStages(log, gate, ['first']) }, async (world) => {
    const moved = world.client.move(2);
    await world.pass();
    gate.open();
    await moved;
    await world.pass();
    t.deepEqual(log, ['1 first', '2 second']);
    t.is(world.counters(1).departed, 1);
  });
});

test('[L3] between two locked stages there is no instant at which the connection could move', async (t) => {
  const [log, gate, second] = [[] as string[], new Gate(), new Gate()];
  const service = twoStages(log, gate, ['first', 'second'], async (io) => {
    await second.passed;
    await io.write('bye');
  });
  await inServiceWorld({ service }, async (world) => {
    const moved = world.client.move(2);
    await world.pass();
    gate.open();
    await world.pass();
    t.is(world.counters(1).departed, 0);
    second.open();
    t.is(await moved, 'moved');
    await world.pass();
    t.deepEqual([log, world.client.text], [['1 first', '1 second'], 'hello bye']);
  });
});

test('[L4] a lock that is held longer than lockWaitMs makes the move fail as busy; the connection goes on here', async (t) => {
  const [log, gate] = [[] as string[], new Gate()];
  const stack = { limits: { lockWaitMs: 100 } };
  await inServiceWorld({ service: twoStages(log, gate, ['first']), stack }, async (world) => {
    t.is(await world.move(2), 'stayed');
    gate.open();
    await world.pass();
    t.deepEqual([log, world.client.text], [['1 first', '1 second'], 'hello bye']);
  });
});

test("[L10] with lock: 'pinned' a move is refused at once, one that has waited too; a drain gives no advice", async (t) => {
  const [locked, pinned, after] = [new Gate(), new Gate(), new Gate()];
  const stage = (gate: Gate, then: () => ReturnType<typeof done>) => async (_session: object, io: StageIo) => {
    await io.write('x');
    await gate.passed;
    return then();
  };
  const service = (): ServiceDefinition =>
    defineService({
      name: 'subject',
      version: 1,
      entry: 'first',
      fields: () => ({}),
      settings: { first: { lock: true }, second: { lock: 'pinned' } },
      stages: {
        first: stage(locked, () => next('second') as never),
        second: stage(pinned, () => next('third') as never),
        third: stage(after, done),
      },
    });
  await inServiceWorld({ service, stack: { limits: { lockWaitMs: 60_000 } } }, async (world) => {
    const waiting = world.client.move(2);
    await world.pass();
    locked.open();
    t.is(await waiting, 'stayed');
    t.is(await world.client.move(2), 'stayed');
    const { epoch } = world.client.connection;
    const drained = world.application(1).drain({ timeoutMs: 20_000 });
    await world.pass(3_000);
    t.is(world.client.connection.epoch, epoch, 'nobody was advised to try');
    pinned.open();
    t.like(await drained, { departed: 1, remaining: 0 });
  });
});

test('[L5] entering a locked stage locks first: a connection that arrives in one is locked there', async (t) => {
  const gate = new Gate();
  const service = (member: number): ServiceDefinition =>
    defineService({
      name: 'subject',
      version: 1,
      entry: 'first',
      fields: () => ({}),
      settings: { second: { lock: true } },
      stages: {
        first: async (_session, io) => {
          io.snapshot({ stage: 'second' });
          return member === 1 ? never() : next('second');
        },
        second: async (_session, io) => {
          await gate.passed;
          await io.write(`from ${member}`);
          return done();
        },
      },
    });
  await inServiceWorld({ service, stack: { limits: { lockWaitMs: 100 } } }, async (world) => {
    t.is(await world.move(2), 'moved');
    t.is(await world.move(1), 'stayed');
    gate.open();
    await world.pass();
    t.is(world.client.text, 'from 2');
  });
});

test('[L6] a failure opens the lock: behind what was told the connection moves as after done()', async (t) => {
  const failing = (how: 'in the stage' | 'at the entrance'): (() => ServiceDefinition) => {
    return () =>
      defineService({
        name: 'subject',
        version: 1,
        entry: 'first',
        fields: () => ({ word: '' }),
        settings: { first: { lock: true }, second: { lock: true } },
        stages: {
          first: async (session) => {
            if (how === 'in the stage') throw new Error('on purpose');
            session.word = 'x'.repeat(1_000);
            return Promise.resolve(next('second'));
          },
          second: async () => Promise.resolve(done()),
        },
        failed: (_session, io) => io.write('sorry'),
      });
  };
  for (const how of ['in the stage', 'at the entrance'] as const) {
    await inServiceWorld({ service: failing(how), limits: { snapshotLength: 500 } }, async (world) => {
      await world.pass();
      t.deepEqual([world.client.text, world.client.state], ['sorry', 'ended']);
      t.is(await world.move(2), 'moved', how);
      t.deepEqual([world.failures, world.counters(1).failed], [['stage-failed'], 1]);
    });
  }
});

const STEP_MS = 0.1;
const ORDERS = ['100\n', '20\n'];

/** Two orders of a client, with a move to member 2 at `atMs`, and one back as soon as that has ended. */
async function ordersWithMoves(
  service: ServiceSource,
  atMs: number,
): Promise<{ bank: Bank; text: string; tookMs: number; moves: string[]; failures: string[] }> {
  const bank = new Bank();
  return inServiceWorld({ service, container: bankContainer(bank) }, async (world) => {
    bank.pass = (durationMs) => world.pass(durationMs);
    const moves: string[] = [];
    const begunAt = world.stacks.clock.now();
    const moving = world.pass(atMs).then(async () => {
      for (const to of [2, 1]) moves.push(await world.client.move(to));
    });
    for (const [index, order] of ORDERS.entries()) {
      world.client.send(order);
      while (world.client.text.split('\n').length < index + 2) await world.pass(STEP_MS);
    }
    const tookMs = world.stacks.clock.now() - begunAt;
    await moving;
    await world.pass();
    world.client.connection.end();
    await world.pass();
    return { bank, text: world.client.text, tookMs, moves, failures: world.failures };
  });
}

for (const [title, service] of [
  ["[L7] the slides' third example (lock, store stage and results, commit, unlock, write)", LockedTransfer],
  ["[L8] the slides' second example (two-phase commit, a stage for each phase)", TwoPhaseTransfer],
  ['[L9] the third example by io.once and io.use', OnceTransfer],
] as const) {
  test(`${title}, moved at every instant: each order is committed exactly once, nothing stays open`, async (t) => {
    const reference = await ordersWithMoves(service, 60_000);
    t.deepEqual([reference.text, reference.bank.balance], ['transferred 100\ntransferred 20\n', 120]);
    let moved = 0;
    for (let atMs = 0; atMs < reference.tookMs; atMs += STEP_MS) {
      const { bank, text, moves, failures } = await ordersWithMoves(service, atMs);
      const place = `moved after ${atMs.toFixed(1)} ms`;
      t.is(text, reference.text, place);
      t.is(bank.balance, 120, place);
      t.is(bank.statesOf('committed'), ORDERS.length, place);
      t.is(bank.statesOf('open', 'prepared'), 0, place);
      t.deepEqual([moves, failures], [['moved', 'moved'], []], place);
      moved += bank.statesOf('rolled back');
    }
    t.true(moved > 0, 'some moves came in the midst of a transaction');
  });
}
