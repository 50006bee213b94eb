// Departures and deaths: what the member that was left, or that goes on alone, sees (docs/semantics.md, M, C).

import test from 'ava';
import { ConnectionLost, ConnectionMoved } from '@migratory/framework';
import { Gate, inServiceWorld, never, oneStage, thrownBy, type ServiceWorld } from '../../support/service-world.js';

test('[M1] @Moved is called once, at the origin, with the destination and the epoch there, before it resumes', async (t) => {
  const log: string[] = [];
  const service = (member: number) =>
    oneStage(
      (io) => {
        log.push(`${member} runs in epoch ${io.epoch}`);
        return io.read();
      },
      { moved: (_session, { to, epoch }) => void log.push(`${member} was left for ${to} in epoch ${epoch}`) },
    )(member);
  await inServiceWorld({ service }, async (world) => {
    await world.move(2);
    t.deepEqual(log, ['1 runs in epoch 0', '1 was left for 2 in epoch 1', '2 runs in epoch 1']);
  });
});

test('[M2] io.signal is aborted with ConnectionMoved, also where it is asked for only afterwards', async (t) => {
  const signals: AbortSignal[] = [];
  const service = oneStage(async (io, member) => {
    if (member === 2) return;
    signals.push(io.signal);
    await thrownBy(() => io.read());
    signals.push(io.signal);
    await never();
  });
  const late = oneStage(async (io, member) => {
    if (member === 2) return;
    await thrownBy(() => io.read());
    signals.push(io.signal);
    await never();
  });
  for (const each of [service, late]) await inServiceWorld({ service: each }, (world) => world.move(2));
  t.is(signals.length, 3);
  t.true(signals.every(({ aborted, reason }) => aborted && reason instanceof ConnectionMoved));
});

test('[M3] what a stage throws because the connection has left is no failure; anything else is reported, and nothing else happens', async (t) => {
  const throwing = (make: (error: unknown) => unknown) =>
    oneStage(async (io, member) => {
      if (member === 2) return;
      const error = await thrownBy(() => io.read());
      throw make(error);
    });
  for (const [make, failures] of [
    [(error: unknown) => error, []],
    [() => new DOMException('stopped', 'AbortError'), []],
    [() => new Error('a mistake in the cleaning up'), ['stage-failed']],
  ] as const) {
    await inServiceWorld({ service: throwing(make) }, async (world) => {
      await world.move(2);
      t.deepEqual(world.failures, failures);
      t.deepEqual([world.client.state, world.counters(1).departed, world.counters(1).failed], ['ended', 1, 0]);
    });
  }
});

test('[M4] an @Moved that throws is reported; the connection is well at the destination', async (t) => {
  for (const moved of [() => Promise.reject(new Error('later')), (): void => raise(new Error('at once'))]) {
    const service = oneStage((io, member) => (member === 1 ? io.read() : io.write('well')), { moved });
    await inServiceWorld({ service }, async (world) => {
      await world.move(2);
      t.deepEqual([world.failures, world.client.text], [['moved-failed'], 'well']);
    });
  }
});

function raise(error: Error): never {
  throw error;
}

test('[M5] while @Moved runs at the origin, the destination is at work already', async (t) => {
  const service = oneStage((io, member) => (member === 1 ? io.read() : io.write('at work')), { moved: never });
  await inServiceWorld({ service }, async (world) => {
    await world.move(2);
    t.is(world.client.text, 'at work');
    t.is(world.counters(1).departed, 1);
  });
});

test('[M6] a stage that goes on after the connection has left reaches nothing of it', async (t) => {
  const gate = new Gate();
  const errors: unknown[] = [];
  const service = oneStage(async (io, member) => {
    if (member === 2) return await io.write('from 2');
    await gate.passed;
    for (const call of [() => io.write('from 1'), () => io.once('key', () => 1), () => io.snapshot(), () => io.end()]) {
      errors.push(await thrownBy(call));
    }
  });
  await inServiceWorld({ service }, async (world) => {
    await world.move(2);
    gate.open();
    await world.pass();
    t.is(world.client.text, 'from 2');
    t.is(errors.length, 4);
    t.true(errors.every((error) => error instanceof ConnectionMoved));
  });
});

test('[M7] a stage that never returns after the connection has left is waited for until its stage time is over', async (t) => {
  const service = oneStage((_io, member) => (member === 1 ? never() : undefined));
  await inServiceWorld({ service, limits: { stageTimeMs: 1_000 } }, async (world) => {
    await world.move(2);
    t.deepEqual([world.counters(1).current, world.counters(1).departed], [1, 0]);
    await world.pass(1_000);
    t.deepEqual([world.counters(1).current, world.counters(1).departed], [0, 1]);
    t.deepEqual(world.failures, []);
  });
});

test('[M8] a client that goes away ends what the stage awaits with ConnectionLost, and is no failure', async (t) => {
  const errors: unknown[] = [];
  const service = oneStage(async (io) => {
    errors.push(await thrownBy(() => io.read()));
    throw errors[0];
  });
  await inServiceWorld({ service }, async (world) => {
    world.client.connection.resetAndDestroy();
    await world.pass();
    t.true(errors[0] instanceof ConnectionLost);
    t.deepEqual([world.failures, world.counters(1).lost], [[], 1]);
  });
});

/** Until the client has given the connection up. */
async function untilLost({
  client,
  pass,
}: {
  client: ServiceWorld['client'];
  pass: () => Promise<void>;
}): Promise<void> {
  for (let count = 0; client.state !== 'lost' && count < 1_000; count++) await pass();
}

test('[C1] when the member that serves it dies, a connection is lost; what the stage has done stays done', async (t) => {
  const effects: string[] = [];
  const service = oneStage(async (io, member) => {
    await io.once('pay', () => effects.push(`paid by ${member}`));
    io.snapshot();
    await io.write('half of the answer');
    await never();
  });
  await inServiceWorld({ service }, async (world) => {
    await world.pass();
    world.crash(1);
    t.is(await world.client.move(2), 'lost');
    await untilLost({ client: world.client, pass: () => world.pass(1_000) });
    t.deepEqual([world.client.state, world.client.text], ['lost', 'half of the answer']);
    t.deepEqual(effects, ['paid by 1']);
    t.is(world.counters(2).arrived, 0);
  });
});

test('[C2] when the destination dies before it has the image, the connection goes on at the origin', async (t) => {
  const log: string[] = [];
  const service = oneStage(async (io, member) => {
    log.push(`${member} runs`);
    await io.read();
    await io.write('answer');
  });
  await inServiceWorld({ service }, async (world) => {
    world.crash(2);
    t.is(await world.move(2), 'stayed');
    world.client.send('question');
    await world.pass();
    t.deepEqual([log, world.client.text], [['1 runs'], 'answer']);
  });
});

test('[C3] when the origin dies after a move, nothing is lost: it holds nothing of the connection any more', async (t) => {
  const service = oneStage(async (io) => {
    await io.read();
    await io.write('answer');
  });
  await inServiceWorld({ service }, async (world) => {
    t.is(await world.move(2), 'moved');
    world.crash(1);
    world.client.send('question');
    await world.pass();
    t.deepEqual([world.client.text, world.client.state], ['answer', 'ended']);
  });
});
