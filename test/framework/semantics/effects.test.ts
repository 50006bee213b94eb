// Effects made once: `io.once` at every instant of a move (docs/semantics.md, E).

import test from 'ava';
import {
  defineService,
  done,
  EffectOutOfPlace,
  next,
  SnapshotNotSerialisable,
  SnapshotTooLarge,
  type ServiceDefinition,
  type StageIo,
} from '@migratory/framework';
import { Gate, inServiceWorld, never, oneStage, textOf, thrownBy } from '../../support/service-world.js';

test('[E1] while an effect is under way a move waits; then the destination answers the result without the effect', async (t) => {
  const gate = new Gate();
  const log: string[] = [];
  const service = oneStage(async (io, member) => {
    const result = await io.once('pay', async () => {
      log.push(`${member} pays`);
      await gate.passed;
      return 42;
    });
    log.push(`${member} has ${result}`);
    await io.write(String(result));
  });
  await inServiceWorld({ service }, async (world) => {
    const moved = world.client.move(2);
    await world.pass();
    t.deepEqual(log, ['1 pays']);
    gate.open();
    t.is(await moved, 'moved');
    await world.pass();
    t.deepEqual(log, ['1 pays', '2 has 42']);
    t.is(world.client.text, '42');
    t.deepEqual([world.counters(1).effectsMade, world.counters(2).effectsRecalled], [1, 1]);
  });
});

test('[E2] once a result is recorded, the destination answers it, whenever the move comes', async (t) => {
  const log: string[] = [];
  const service = oneStage(async (io, member) => {
    const list = await io.once('ask', () => {
      log.push(`${member} asks`);
      return { items: ['a', 'b'] };
    });
    if (member === 1) await io.read();
    await io.write(list.items.join());
  });
  await inServiceWorld({ service }, async (world) => {
    await world.pass();
    await world.move(2);
    t.deepEqual([log, world.client.text], [['1 asks'], 'a,b']);
  });
});

test('[E3] what an effect throws is thrown and not recorded: the effect may be tried again', async (t) => {
  const log: string[] = [];
  const service = oneStage(async (io) => {
    for (const attempt of ['first', 'second']) {
      const error = await thrownBy(async () => {
        const result = await io.once('pay', () => {
          if (attempt === 'first') throw new Error('bank closed');
          return 'paid';
        });
        log.push(result);
      });
      if (error !== undefined) log.push((error as Error).message);
    }
  });
  await inServiceWorld({ service }, async (world) => {
    await world.pass();
    t.deepEqual(log, ['bank closed', 'paid']);
  });
});

test('[E4] the token is the same whenever one effect is tried, at whatever member, and different for every other', async (t) => {
  const tokens: string[] = [];
  const gate = new Gate();
  const service = (member: number): ServiceDefinition =>
    defineService({
      name: 'subject',
      version: 1,
      entry: 'round',
      fields: () => ({ round: 0 }),
      stages: {
        round: async (session, io) => {
          session.round++;
          for (const key of ['a', 'b']) {
            await thrownBy(() =>
              io.once(key, async (token) => {
                tokens.push(token);
                if (member === 1 && key === 'b' && session.round === 2) {
                  await gate.passed;
                  throw new Error('tried again elsewhere');
                }
              }),
            );
          }
          return session.round === 2 ? done() : next('round');
        },
      },
    });
  await inServiceWorld({ service }, async (world) => {
    const moved = world.client.move(2);
    await world.pass();
    gate.open();
    t.is(await moved, 'moved');
    await world.pass();
    const [a1, b1, a2, b2, again] = tokens;
    t.is(tokens.length, 5);
    t.is(b2, again);
    t.is(new Set([a1, b1, a2, b2]).size, 4);
    t.true(tokens.every((token) => token.includes(world.client.connection.cid ?? '-')));
  });
});

test('[E5] a result that is too large, or can not travel, has been made and is not recorded; the stage is told, with the key', async (t) => {
  const errors: unknown[] = [];
  const service = oneStage(async (io) => {
    errors.push(await thrownBy(() => io.once('fetch', () => 'x'.repeat(1_000))));
    errors.push(await thrownBy(() => io.once('connect', () => () => 'a function')));
  });
  await inServiceWorld({ service, limits: { snapshotLength: 500 } }, async (world) => {
    await world.pass();
    t.true(errors[0] instanceof SnapshotTooLarge);
    t.regex(String(errors[0]), /'io\.once\(fetch\)' alone has 10\d\d/);
    const { effectsMade, snapshotsTooLarge } = world.counters(1);
    t.deepEqual([effectsMade, snapshotsTooLarge], [2, 1]);
    t.true(errors[1] instanceof SnapshotNotSerialisable);
  });
});

test('[E6] a snapshot that is taken while an effect is under way gets the result, too', async (t) => {
  const gate = new Gate();
  const log: string[] = [];
  const service = oneStage(async (io, member) => {
    const paying = io.once('pay', async () => {
      log.push(`${member} pays`);
      await gate.passed;
      return 'paid';
    });
    if (member === 1) {
      await io.write('before ');
      io.snapshot();
    }
    await io.write(await paying);
    if (member === 1) await never();
  });
  await inServiceWorld({ service }, async (world) => {
    await world.pass();
    gate.open();
    await world.pass();
    await world.move(2);
    t.deepEqual([log, world.client.text], [['1 pays'], 'before paid']);
  });
});

test('[E7] where io.snapshot({ stage }) has left the stage behind meanwhile, a result is not recorded for that other stage', async (t) => {
  const gate = new Gate();
  const log: string[] = [];
  const service = (member: number): ServiceDefinition =>
    defineService({
      name: 'subject',
      version: 1,
      entry: 'first',
      fields: () => ({}),
      stages: {
        first: async (_session, io) => {
          const effect = io.once('key', async () => {
            await gate.passed;
            return 'of first';
          });
          io.snapshot({ stage: 'second' });
          await effect;
          return member === 1 ? never() : done();
        },
        second: async (_session, io) => {
          log.push(await io.once('key', () => 'of second'));
          return done();
        },
      },
    });
  await inServiceWorld({ service }, async (world) => {
    gate.open();
    await world.pass();
    await world.move(2);
    t.deepEqual(log, ['of second']);
  });
});

test('[E8] an effect whose result could not be found again is refused: under way already, or behind io.snapshot({ stage })', async (t) => {
  const errors: unknown[] = [];
  const service = oneStage(async (io: StageIo) => {
    const gate = new Gate();
    const first = io.once('key', () => gate.passed);
    errors.push(await thrownBy(() => io.once('key', () => undefined)));
    gate.open();
    await first;
  });
  const later = (): ServiceDefinition =>
    defineService({
      name: 'subject',
      version: 1,
      entry: 'first',
      fields: () => ({}),
      stages: {
        first: async (_session, io) => {
          io.snapshot({ stage: 'second' });
          errors.push(await thrownBy(() => io.once('key', () => undefined)));
          return next('second');
        },
        second: async () => Promise.resolve(done()),
      },
    });
  for (const each of [service, later]) await inServiceWorld({ service: each }, (world) => world.pass());
  t.is(errors.length, 2);
  t.true(errors.every((error) => error instanceof EffectOutOfPlace));
  t.regex(String(errors[0]), /is under way already/);
  t.regex(String(errors[1]), /io\.snapshot\(\{ stage: 'second' \}\)/);
});

test('[E9] where a move was waiting, nothing behind the effect runs at the origin, whether it succeeded or not', async (t) => {
  for (const ends of ['well', 'badly']) {
    const gate = new Gate();
    const log: string[] = [];
    const service = oneStage(async (io, member) => {
      const error = await thrownBy(() =>
        io.once('pay', async () => {
          await gate.passed;
          if (ends === 'badly' && member === 1) throw new Error('refused');
        }),
      );
      log.push(`${member} ${error === undefined ? 'goes on' : (error as Error).name}`);
    });
    await inServiceWorld({ service }, async (world) => {
      const moved = world.client.move(2);
      await world.pass();
      gate.open();
      t.is(await moved, 'moved');
      await world.pass();
      t.deepEqual(log, ['1 ConnectionMoved', '2 goes on']);
      t.deepEqual(world.failures, []);
    });
  }
});

test('[E10] results are forgotten when the stage is left, and a stage that is entered again makes its effects again', async (t) => {
  const made: number[] = [];
  const service = (): ServiceDefinition =>
    defineService({
      name: 'subject',
      version: 1,
      entry: 'round',
      fields: () => ({ round: 0 }),
      stages: {
        round: async (session, io) => {
          session.round++;
          await io.once('key', () => made.push(session.round));
          return session.round === 3 ? done() : next('round');
        },
      },
    });
  await inServiceWorld({ service }, async (world) => {
    await world.pass();
    t.deepEqual(made, [1, 2, 3]);
  });
});

test('[E11] an effect that takes longer than lockWaitMs keeps the connection here: the move is refused as busy', async (t) => {
  const gate = new Gate();
  const made: number[] = [];
  const service = oneStage(async (io, member) => {
    await io.once('slow', async () => {
      made.push(member);
      await gate.passed;
    });
    await io.write(textOf(await io.readExactly(1)));
  });
  const stack = { limits: { lockWaitMs: 100 } };
  await inServiceWorld({ service, stack }, async (world) => {
    t.is(await world.move(2), 'stayed');
    gate.open();
    world.client.send('x');
    await world.pass();
    t.deepEqual([made, world.client.text, world.counters(1).departed], [[1], 'x', 0]);
  });
});

test('[E12] what an effect gives is lost with the connection, and the stage is told that, not the result', async (t) => {
  const gate = new Gate();
  const log: string[] = [];
  const service = oneStage(async (io) => {
    const error = await thrownBy(() => io.once('pay', () => gate.passed.then(() => log.push('paid'))));
    log.push((error as Error).name);
  });
  await inServiceWorld({ service }, async (world) => {
    world.client.connection.resetAndDestroy();
    await world.pass();
    gate.open();
    await world.pass();
    t.deepEqual(log, ['paid', 'ConnectionLost']);
    t.is(world.counters(1).lost, 1);
  });
});
