// Failures of a stage, of what tells them, and of what is around it (docs/semantics.md, F).

import test from 'ava';
import {
  ConnectionLost,
  defineService,
  done,
  StageOver,
  type ServiceDefinition,
  type StageIo,
} from '@migratory/framework';
import { Gate, inServiceWorld, never, oneStage, textOf, thrownBy } from '../../support/service-world.js';

const failing = async (io: StageIo): Promise<void> => {
  await io.write('half ');
  throw new Error('on purpose');
};

test('[F1] a stage that throws is reported, and the client sees a reset, not the end of a stream', async (t) => {
  await inServiceWorld({ service: oneStage(failing) }, async (world) => {
    const { cid } = world.client.connection;
    await world.pass();
    t.is(world.client.state, 'lost');
    const [{ report } = { report: undefined }] = world.reports.filter(
      ({ report: { kind } }) => kind === 'stage-failed',
    );
    t.like(report, { kind: 'stage-failed', service: 'subject', stage: 'only', cid, epoch: 0 });
    t.deepEqual([world.failures, world.counters(1).failed], [['stage-failed'], 1]);
  });
});

test('[F2] @Failed says so to the client, behind what the stage had written; then the stream ends in order', async (t) => {
  const failed = (_session: object, io: StageIo, error: unknown): Promise<void> => io.write(String(error));
  for (const output of ['live', 'held'] as const) {
    const service = oneStage(failing, { failed, settings: { only: { output } } });
    await inServiceWorld({ service }, async (world) => {
      await world.pass();
      t.deepEqual([world.client.text, world.client.state], ['half Error: on purpose', 'ended']);
      t.deepEqual([world.failures, world.counters(1).failed], [['stage-failed'], 0]);
      world.client.connection.end();
      await world.pass();
      t.is(world.counters(1).failed, 1);
    });
  }
});

test('[F3] while @Failed tells, the connection stays: no other member runs the stage again', async (t) => {
  const gate = new Gate();
  const runs: number[] = [];
  const service = oneStage(
    (io, member) => {
      runs.push(member);
      return failing(io);
    },
    { failed: async (_session, io) => gate.passed.then(() => io.write('sorry')) },
  );
  await inServiceWorld({ service }, async (world) => {
    const moved = world.client.move(2);
    await world.pass();
    t.is(world.counters(1).departed, 0);
    gate.open();
    t.is(await moved, 'moved');
    await world.pass();
    t.deepEqual([runs, world.client.text, world.client.state], [[1], 'half sorry', 'ended']);
  });
});

test('[F4] an @Failed that throws is reported, and the client sees a reset', async (t) => {
  const failed = async (_session: object, io: StageIo): Promise<void> => {
    await io.write('so');
    throw new Error('also on purpose');
  };
  await inServiceWorld({ service: oneStage(failing, { failed }) }, async (world) => {
    await world.pass();
    t.deepEqual([world.failures, world.client.state], [['stage-failed', 'failed-failed'], 'lost']);
    t.is(world.counters(1).failed, 1);
  });
});

test('[F5] an @Failed that takes longer than failureTimeMs is not waited for, and the client sees a reset', async (t) => {
  const service = oneStage(failing, { failed: never });
  await inServiceWorld({ service, limits: { failureTimeMs: 200 } }, async (world) => {
    await world.pass(190);
    t.is(world.client.state, 'open');
    await world.pass();
    t.deepEqual([world.failures, world.client.state], [['stage-failed', 'failed-failed'], 'lost']);
    t.deepEqual([world.counters(1).failuresTimedOut, world.counters(1).stagesTimedOut], [1, 0]);
  });
});

test('[F6] a failure is that of one connection: the others of the service go on', async (t) => {
  const service = oneStage(async (io) => {
    const word = textOf(await io.readExactly(4));
    if (word === 'fail') throw new Error('on purpose');
    await io.write(word);
  });
  await inServiceWorld({ service }, async (world) => {
    const other = await world.connect(1);
    world.client.send('fail');
    await world.pass();
    other.send('well');
    await world.pass();
    t.deepEqual([world.client.state, other.text, other.state], ['lost', 'well', 'ended']);
  });
});

test("[F7] a handler that can't be built is reported, and its connection is reset", async (t) => {
  let built = 0;
  const service = oneStage(never, {
    fields: () => {
      if (++built > 4) throw new Error('no database'); // compiled twice, tried twice
      return {};
    },
  });
  await inServiceWorld({ service, begins: 'stopped' }, async (world) => {
    for (const application of world.applications) await application.start();
    built = 4;
    const client = await world.connect(1, 'plain');
    await world.pass();
    t.deepEqual([world.failures, client.state, world.counters(1).failed], [['handler-not-built'], 'lost', 1]);
    t.is(world.counters(1).accepted, 1, 'it has connected all the same');
  });
});

test('[F8] what a reporter throws changes nothing, not even in the midst of a departure', async (t) => {
  const service = oneStage((io, member) => (member === 1 ? io.read() : io.write('well')));
  const told: string[] = [];
  const { error: tell } = console;
  console.error = (text: string) => void told.push(text);
  try {
    const report = (): void => {
      throw new Error('the log is full');
    };
    await inServiceWorld({ service, report }, async (world) => {
      t.is(await world.move(2), 'moved');
      t.deepEqual([world.client.text, world.client.state], ['well', 'ended']);
    });
  } finally {
    console.error = tell;
  }
  t.true(told.some((text) => text.includes('reporter failed on: departed subject')));
});

test('[F9] an error that speaks of another connection is a failure of this one, which is reset', async (t) => {
  const service = oneStage(() => {
    throw new ConnectionLost();
  });
  await inServiceWorld({ service }, async (world) => {
    await world.pass();
    t.deepEqual([world.failures, world.client.state], [['stage-failed'], 'lost']);
  });
});

test('[F10] @Failed can read and write, but takes no snapshot and makes no recorded effect', async (t) => {
  const errors: unknown[] = [];
  const failed = async (_session: object, io: StageIo): Promise<void> => {
    errors.push(await thrownBy(() => io.snapshot()));
    errors.push(await thrownBy(() => io.once('key', () => undefined)));
    await io.write(textOf(await io.readExactly(3)));
  };
  const service = oneStage(() => Promise.reject(new Error('on purpose')), { failed });
  await inServiceWorld({ service }, async (world) => {
    world.client.send('why');
    await world.pass();
    t.true(errors.length === 2 && errors.every((error) => error instanceof StageOver));
    t.is(world.client.text, 'why');
  });
});

test("[F11] initial fields that can't be recorded are a failure of the entry stage", async (t) => {
  const service = (): ServiceDefinition =>
    defineService({
      name: 'subject',
      version: 1,
      entry: 'only',
      fields: () => ({ word: 'x'.repeat(1_000) }),
      stages: { only: async () => Promise.resolve(done()) },
    });
  await inServiceWorld({ service, limits: { snapshotLength: 500 }, begins: 'plain' }, async (world) => {
    await world.pass();
    t.like(world.failureReports[0], { kind: 'stage-failed', stage: 'only' });
    t.is(world.counters(1).snapshotsTooLarge, 1);
  });
});
