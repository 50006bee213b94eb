// Limits: each with its error and its counter, the times of stages among them (docs/semantics.md, T, N).

import test from 'ava';
import {
  createApplication,
  DEFAULT_SERVICE_LIMITS,
  InputLogOverflowed,
  InvalidOption,
  OutputTooLong,
  SnapshotTooLarge,
  StageTimedOut,
  defineService,
  done,
  type ServiceDefinition,
} from '@migratory/framework';
import { Gate, inServiceWorld, never, oneStage, thrownBy } from '../../support/service-world.js';
import { StackWorld } from '../../support/stack-world.js';

test('[T1] a stage that takes too long is told StageTimedOut by what it awaits, and @Failed tells the client', async (t) => {
  const errors: unknown[] = [];
  const service = oneStage(
    async (io) => {
      errors.push(await thrownBy(() => io.readExactly(100)));
    },
    {
      failed: async (_session, io, error) => {
        const unread = Buffer.from((await io.readExactly(3)) ?? []).toString();
        await io.write(`${(error as StageTimedOut).limitMs} ${unread}`);
      },
    },
  );
  await inServiceWorld({ service, limits: { stageTimeMs: 1_000 } }, async (world) => {
    world.client.send('why');
    await world.pass(990);
    t.is(world.client.text, '');
    await world.pass();
    t.true(errors[0] instanceof StageTimedOut);
    t.deepEqual([world.client.text, world.client.state], ['1000 why', 'ended']);
    t.deepEqual([world.failures, world.counters(1).stagesTimedOut], [['stage-failed'], 1]);
  });
});

test('[T2] a stage that hears of nothing is not waited for; without @Failed its connection is reset', async (t) => {
  const service = oneStage(never, { settings: { only: { timeoutMs: 300 } } });
  await inServiceWorld({ service }, async (world) => {
    await world.pass(290);
    t.is(world.client.state, 'open');
    await world.pass();
    t.is(world.client.state, 'lost');
    t.true(world.failureReports[0]?.error instanceof StageTimedOut);
  });
});

test('[T3] the time of a stage begins anew at every restart point, also at the arrival at another member', async (t) => {
  const service = oneStage(async (io) => {
    for (let count = 0; count < 3; count++) {
      await io.readExactly(1);
      io.snapshot();
    }
  });
  await inServiceWorld({ service, limits: { stageTimeMs: 1_000 } }, async (world) => {
    for (const to of [2, 1, 2]) {
      await world.pass(700);
      await world.move(to);
      await world.pass(700);
      world.client.send('x');
      await world.pass(200);
    }
    t.deepEqual(world.failures, []);
  });
});

test('[T4] a stage that was given up reaches nothing any more: its calls throw StageTimedOut', async (t) => {
  const gate = new Gate();
  const errors: unknown[] = [];
  const service = oneStage(
    async (io) => {
      await gate.passed;
      for (const call of [() => io.write('late'), () => io.read(), () => io.snapshot()])
        errors.push(await thrownBy(call));
    },
    { failed: (_session, io) => io.write('sorry') },
  );
  await inServiceWorld({ service, limits: { stageTimeMs: 1_000 } }, async (world) => {
    await world.pass(1_100);
    gate.open();
    await world.pass();
    t.true(errors.length === 3 && errors.every((error) => error instanceof StageTimedOut));
    t.is(world.client.text, 'sorry');
  });
});

test('[T5] behind done() a client has closingTimeMs to close, whatever it still sends; then it is given up', async (t) => {
  const service = oneStage((io) => io.write('bye'));
  const limits = { closingTimeMs: 1_000 };
  await inServiceWorld({ service, limits, stack: { lingerMs: 500 } }, async (world) => {
    for (let count = 0; count < 9; count++) {
      world.client.send('still here');
      await world.pass(100);
    }
    t.is(world.counters(1).current, 1);
    await world.pass(200);
    t.deepEqual([world.counters(1).current, world.counters(1).lost, world.counters(1).closingsTimedOut], [0, 1, 1]);
    t.deepEqual([world.failures, world.client.text, world.client.state], [[], 'bye', 'ended']);
    await world.pass(600);
    t.true(world.client.connection.destroyed);
  });
});

test('[T6] an effect that is still under way when its stage is given up is not recorded, and keeps the connection here', async (t) => {
  const gate = new Gate();
  const log: string[] = [];
  const service = oneStage(
    async (io) => {
      const error = await thrownBy(() => io.once('slow', () => gate.passed.then(() => log.push('made'))));
      log.push((error as Error).name);
    },
    { failed: (_session, io) => io.write('sorry') },
  );
  await inServiceWorld(
    { service, limits: { stageTimeMs: 1_000 }, stack: { limits: { lockWaitMs: 100 } } },
    async (world) => {
      await world.pass(1_050);
      t.deepEqual([world.client.text, log], ['sorry', []]);
      t.is(await world.move(2), 'stayed');
      gate.open();
      await world.pass();
      t.deepEqual(log, ['made', 'StageTimedOut']);
      t.is(await world.move(2), 'moved');
    },
  );
});

test('[T7] what a stage never closes, or never stops opening, keeps its connection no longer than its time', async (t) => {
  for (const hangs of ['close', 'open']) {
    const service = oneStage(async (io) => {
      const opening = io.use(
        () => (hangs === 'open' ? never() : {}),
        () => (hangs === 'close' ? never() : undefined),
      );
      if (hangs === 'close') await opening;
      else await thrownBy(() => opening);
    });
    await inServiceWorld({ service, limits: { stageTimeMs: 1_000 } }, async (world) => {
      await world.pass(1_050);
      t.is(world.client.state, 'lost', hangs);
      t.deepEqual([world.failures, world.counters(1).current], [['stage-failed'], 0]);
    });
  }
});

test('[N1] snapshotLength: SnapshotTooLarge names the largest field; the restart point stays where it was', async (t) => {
  const errors: unknown[] = [];
  const service = (member: number): ServiceDefinition =>
    defineService({
      name: 'subject',
      version: 1,
      entry: 'only',
      fields: () => ({ small: '', large: '' }),
      stages: {
        only: async (session, io) => {
          if (member === 2) {
            await io.write(`[${session.large}]`);
            return done();
          }
          session.large = 'x'.repeat(1_000);
          errors.push(await thrownBy(() => io.snapshot()));
          return never();
        },
      },
    });
  await inServiceWorld({ service, limits: { snapshotLength: 500 } }, async (world) => {
    await world.move(2);
    t.true(errors[0] instanceof SnapshotTooLarge);
    t.is((errors[0] as SnapshotTooLarge).largest, 'large');
    t.deepEqual([world.counters(1).snapshotsTooLarge, world.client.text], [1, '[]']);
  });
});

test("[N2] inputLength: beyond it the connection goes on, is reported once, and can't move until the next restart point", async (t) => {
  const gate = new Gate();
  const service = oneStage(async (io, member) => {
    if (member === 2) return await io.write('moved');
    for (let count = 0; count < 3; count++) await io.readExactly(100);
    await gate.passed;
    io.snapshot();
    await never();
  });
  const stack = { migration: { inputLogLength: 150 } };
  await inServiceWorld({ service, limits: { inputLength: 150 }, stack }, async (world) => {
    world.client.send('x'.repeat(300));
    await world.pass();
    t.is(await world.move(2), 'stayed');
    t.deepEqual([world.failures, world.counters(1).inputLogsOverflowed], [['input-log-overflowed'], 1]);
    t.true(world.failureReports[0]?.error instanceof InputLogOverflowed);
    gate.open();
    await world.pass();
    t.is(await world.move(2), 'moved');
    t.is(world.client.text, 'moved');
  });
});

test('[N3] outputLength: the write that would pass it throws OutputTooLong, and nothing of it is sent', async (t) => {
  const errors: unknown[] = [];
  const service = oneStage(async (io) => {
    await io.write('x'.repeat(90));
    errors.push(await thrownBy(() => io.write('y'.repeat(20))));
    await io.write('small'); // what was refused counts for nothing
    io.snapshot();
    await io.write('z'.repeat(90));
  });
  await inServiceWorld({ service, limits: { outputLength: 100 } }, async (world) => {
    await world.pass();
    t.true(errors[0] instanceof OutputTooLong);
    t.is(world.client.text, `${'x'.repeat(90)}small${'z'.repeat(90)}`);
    t.is(world.counters(1).outputsTooLong, 1);
  });
});

test('[N4] a limit is a number above zero, or Infinity; anything else is refused before the start', (t) => {
  const stack = new StackWorld({ memberCount: 1 }).member(1);
  const service = oneStage(never)(1);
  for (const name of Object.keys(DEFAULT_SERVICE_LIMITS)) {
    const withLimit = (limit: number) => () =>
      createApplication({ stack, services: [{ service, port: 80, limits: { [name]: limit } }] });
    for (const limit of [0, -1, NaN]) t.throws(withLimit(limit), { instanceOf: InvalidOption }, `${name} ${limit}`);
    t.notThrows(withLimit(Infinity));
  }
});
