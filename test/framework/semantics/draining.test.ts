// Draining and stopping, the life of an application, and rolling upgrades (docs/semantics.md, Q, A, X).

import test from 'ava';
import {
  defineService,
  done,
  InvalidOption,
  next,
  ServiceStopping,
  type ServiceDefinition,
  type ServiceLifecycle,
  type StageIo,
} from '@migratory/framework';
import {
  Gate,
  inServiceWorld,
  never,
  oneStage,
  textOf,
  thrownBy,
  type TestClient,
} from '../../support/service-world.js';

const line = async (io: StageIo): Promise<string> => textOf(await io.readUntil('\n', { maxLength: 100 }));
/** Answers one line, with the member that does. */
const answering = oneStage(async (io, member) => io.write(`${await line(io)} from ${member}`));
const sorry = { failed: (_session: object, io: StageIo, error: unknown) => io.write((error as Error).name) };

test('[Q1] a drain accepts nothing new, advises the clients to move, and is over when all have left', async (t) => {
  await inServiceWorld({ service: answering }, async (world) => {
    const outcome = await world.application(1).drain();
    t.deepEqual(outcome, { departed: 1, ended: 0, remaining: 0 });
    t.is(world.application(1).state, 'stopped');
    t.regex(String(await thrownBy(() => world.connect(1))), /refused|REFUSED/);
    world.client.send('hello\n');
    await world.pass();
    t.deepEqual([world.client.text, world.client.state], ['hello from 2', 'ended']);
  });
});

test('[Q2] the advice names the other members in turn: the connections are spread over them', async (t) => {
  await inServiceWorld({ service: answering, memberCount: 3 }, async (world) => {
    const others: TestClient[] = [];
    for (let count = 0; count < 5; count++) others.push(await world.connect(1));
    t.is((await world.application(1).drain()).departed, 6);
    t.deepEqual([world.counters(2).arrived, world.counters(3).arrived], [3, 3]);
    for (const client of others) client.send('hello\n');
    await world.pass();
    t.true(others.every(({ text }) => /^hello from [23]$/.test(text)));
  });
});

test('[Q3] advice is repeated, for another member: one that takes none does not hold a drain up', async (t) => {
  const service = (member: number): ServiceDefinition =>
    member === 2 ? versioned(2)(member) : oneStage(line, { name: 'versioned' })(member);
  await inServiceWorld({ service, memberCount: 3 }, async (world) => {
    t.deepEqual(await world.application(1).drain(), { departed: 1, ended: 0, remaining: 0 });
    t.deepEqual([world.counters(2).arrived, world.counters(3).arrived], [0, 1]);
  });
});

test('[Q4] a locked connection leaves when its lock opens; until then the drain waits', async (t) => {
  const gate = new Gate();
  const log: string[] = [];
  const service = oneStage(async (io, member) => {
    await io.once('pay', () => gate.passed.then(() => log.push('paid')));
    await io.write(`${await line(io)} from ${member}`);
  });
  await inServiceWorld({ service, stack: { limits: { lockWaitMs: 100 } } }, async (world) => {
    const draining = world.application(1).drain();
    await world.pass(3_000);
    t.is(world.counters(1).departed, 0);
    gate.open();
    t.is((await draining).departed, 1);
    world.client.send('hello\n');
    await world.pass();
    t.deepEqual([log, world.client.text], [['paid'], 'hello from 2']);
  });
});

test('[Q5] a drain ends only when what has left has been confirmed elsewhere: nothing hangs on this member any more', async (t) => {
  await inServiceWorld({ service: answering }, async (world) => {
    await world.application(1).drain();
    t.is(world.stacks.member(1).unconfirmedCount, 0);
    await world.stacks.member(1).close();
    world.client.send('hello\n');
    await world.pass();
    t.is(world.client.text, 'hello from 2');
  });
});

test('[Q6] what is still here when the time is over is told ServiceStopping by @Failed, or reset', async (t) => {
  for (const told of [true, false]) {
    const service = oneStage(never, { settings: { only: { lock: true } }, ...(told ? sorry : {}) });
    await inServiceWorld({ service }, async (world) => {
      const outcome = await world.application(1).drain({ timeoutMs: 2_000 });
      t.deepEqual(outcome, { departed: 0, ended: 0, remaining: 1 });
      await world.pass();
      t.deepEqual([world.client.text, world.client.state], told ? ['ServiceStopping', 'ended'] : ['', 'lost']);
      t.deepEqual([world.failures, world.counters(1).failed, world.counters(1).lost], [[], 0, 1]);
    });
  }
});

test('[Q7] a client that can not move is waited for: what it asks for is finished', async (t) => {
  await inServiceWorld({ service: answering, begins: 'plain' }, async (world) => {
    await world.pass();
    const draining = world.application(1).drain();
    await world.pass(1_000);
    world.client.connection.end('hello\n');
    t.deepEqual(await draining, { departed: 0, ended: 1, remaining: 0 });
    t.deepEqual([world.client.text, world.client.state], ['hello from 1', 'ended']);
  });
});

test('[Q8] a drain that is asked for again is the same one; a stop in its midst ends it', async (t) => {
  const service = oneStage(never, { settings: { only: { lock: true } } });
  await inServiceWorld({ service }, async (world) => {
    const application = world.application(1);
    const drains = [application.drain(), application.drain()];
    await world.pass();
    t.is(application.state, 'draining');
    t.is(world.client.state, 'open');
    const begunAt = world.stacks.clock.now();
    await application.stop();
    const outcome = { departed: 0, ended: 1, remaining: 0 };
    t.deepEqual(await Promise.all(drains), [outcome, outcome]);
    t.true(world.stacks.clock.now() - begunAt < 1_000);
    await world.pass(5_000); // the client was asking another member, and hears of it when it comes back
    t.is(world.client.state, 'lost');
  });
});

test('[Q9] after a stop nobody comes in: neither new clients nor those that come back', async (t) => {
  const service = oneStage((io) => io.read());
  await inServiceWorld({ service }, async (world) => {
    t.is(await world.move(2), 'moved');
    await world.application(1).stop();
    t.is(await world.move(1), 'stayed');
    t.is(world.counters(1).arrived, 0);
    t.is(world.counters(2).current, 1);
  });
  // A client whose handshake ends behind the stop.
  await inServiceWorld({ service, begins: 'stopped' }, async (world) => {
    await world.application(1).start();
    const client = await world.connect(1, 'plain');
    await world.application(1).stop();
    await world.pass();
    t.deepEqual([client.state, world.counters(1).accepted], ['lost', 0]);
  });
  // The destination refuses what has left while its origin stops: it comes back to nobody, and may still be asked for.
  let stop = (): void => undefined;
  const refused = (member: number): ServiceDefinition =>
    member === 1
      ? versioned(1)(member)
      : oneStage(never, {
          name: 'versioned',
          version: 2,
          upgrades: {
            1: (snapshot) => {
              stop();
              return snapshot;
            },
          },
        })(member);
  await inServiceWorld({ service: refused }, async (world) => {
    stop = () => void world.application(1).stop();
    void world.client.move(2);
    await world.pass(1_000);
    t.deepEqual([world.application(1).state, world.counters(1).departed], ['stopped', 1]);
    t.deepEqual([world.counters(1).arrived, world.counters(2).arrivalsRefused > 0], [0, true]);
    t.deepEqual([world.client.state, world.stacks.member(1).unconfirmedCount], ['open', 1]);
  });
});

test('[Q10] a stop does not wait for a client that does not close behind what @Failed told it', async (t) => {
  await inServiceWorld({ service: oneStage(never, sorry), limits: { failureTimeMs: 300 } }, async (world) => {
    const begunAt = world.stacks.clock.now();
    await world.application(1).stop();
    t.deepEqual([world.client.text, world.client.state], ['ServiceStopping', 'ended']);
    t.true(world.stacks.clock.now() - begunAt <= 301);
  });
  // What is being told already is told to its end.
  const gate = new Gate();
  const failed = async (_session: object, io: StageIo, error: unknown): Promise<void> => {
    await gate.passed;
    await io.write((error as Error).message);
  };
  const service = oneStage(() => Promise.reject(new Error('on purpose')), { failed });
  await inServiceWorld({ service, limits: { failureTimeMs: 300 } }, async (world) => {
    await world.pass();
    const stopping = world.application(1).stop();
    await world.pass();
    gate.open();
    await stopping;
    t.deepEqual([world.client.text, world.client.state], ['on purpose', 'ended']);
    t.deepEqual([world.failures, world.counters(1).failed], [['stage-failed'], 1]);
  });
});

/** Says in `log` which hook is called, with the application's state; one may throw. */
function hooks(log: string[], stateOf: () => string, throwing?: keyof ServiceLifecycle): ServiceLifecycle {
  const hook = (name: keyof ServiceLifecycle) => () => {
    log.push(`${name} while ${stateOf()}`);
    if (name === throwing) throw new Error(`${name} failed`);
  };
  return { start: hook('start'), ready: hook('ready'), drain: hook('drain'), stop: hook('stop') };
}

test('[A1] hooks: start before a port opens, ready behind it, drain before connections leave, stop behind the last one', async (t) => {
  const log: string[] = [];
  let state = (): string => '';
  const lifecycle = (member: number): ServiceLifecycle => (member === 1 ? hooks(log, () => state()) : {});
  await inServiceWorld({ service: answering, lifecycle, begins: 'stopped' }, async (world) => {
    state = () => `${world.application(1).state}, ${world.counters(1).current} here`;
    const refused = await thrownBy(() => world.connect(1));
    await world.application(1).start();
    await world.application(2).start();
    await world.connect(1);
    await world.application(1).drain();
    t.true(refused instanceof Error);
    t.deepEqual(log, [
      'start while starting, 0 here',
      'ready while ready, 0 here',
      'drain while draining, 1 here',
      'stop while stopped, 0 here',
    ]);
  });
});

test('[A2] a start or ready that throws ends start() with its error: all that had begun is stopped, no port is open', async (t) => {
  for (const throwing of ['start', 'ready'] as const) {
    const log: string[] = [];
    const lifecycle = (): ServiceLifecycle => hooks(log, () => 'any', throwing);
    await inServiceWorld({ service: answering, lifecycle, begins: 'stopped' }, async (world) => {
      t.regex(String(await thrownBy(() => world.application(1).start())), new RegExp(`${throwing} failed`));
      t.deepEqual([log.at(-1), world.application(1).state], ['stop while any', 'stopped']);
      t.true((await thrownBy(() => world.connect(1))) instanceof Error);
      t.true((await thrownBy(() => world.application(1).start())) instanceof InvalidOption);
    });
  }
});

test('[A3] a drain hook that throws ends drain() with its error; the connections stay until stop()', async (t) => {
  const lifecycle = (member: number): ServiceLifecycle => (member === 1 ? hooks([], () => '', 'drain') : {});
  await inServiceWorld({ service: answering, lifecycle }, async (world) => {
    t.regex(String(await thrownBy(() => world.application(1).drain())), /drain failed/);
    t.deepEqual([world.application(1).state, world.client.state], ['draining', 'open']);
    await world.application(1).stop();
    await world.pass();
    t.is(world.client.state, 'lost');
  });
});

test('a drain for a time that is none is refused, and changes nothing', async (t) => {
  await inServiceWorld({ service: answering }, async (world) => {
    const application = world.application(1);
    for (const timeoutMs of [NaN, -1]) {
      t.true((await thrownBy(() => application.drain({ timeoutMs }))) instanceof InvalidOption);
    }
    t.deepEqual([application.state, world.client.state], ['ready', 'open']);
  });
});

test('[A4] a stop hook that throws ends stop() with its error, when the connections have gone', async (t) => {
  const lifecycle = (member: number): ServiceLifecycle => (member === 1 ? hooks([], () => '', 'stop') : {});
  await inServiceWorld({ service: answering, lifecycle }, async (world) => {
    t.regex(String(await thrownBy(() => world.application(1).stop())), /stop failed/);
    t.deepEqual([world.application(1).state, world.counters(1).current], ['stopped', 0]);
  });
});

test('[A5] a stop while the application starts ends start() with ServiceStopping, and no port stays open', async (t) => {
  const gate = new Gate();
  const lifecycle = (): ServiceLifecycle => ({ start: () => gate.passed });
  await inServiceWorld({ service: answering, lifecycle, begins: 'stopped' }, async (world) => {
    const starting = thrownBy(() => world.application(1).start());
    await world.pass();
    const stopping = world.application(1).stop();
    gate.open();
    await stopping;
    t.true((await starting) instanceof ServiceStopping);
    t.is(world.application(1).state, 'stopped');
    t.true((await thrownBy(() => world.connect(1))) instanceof Error);
  });
});

/** Version 2 has another name for the field, and an upgrade. */
function versioned(version: 1 | 2): (member: number) => ServiceDefinition {
  const stages = {
    line: async (session: { count?: number; total?: number }, io: StageIo) => {
      const text = await line(io);
      if (text === '') return done();
      if (version === 1) session.count = (session.count ?? 0) + 1;
      else session.total = (session.total ?? 0) + 1;
      await io.write(`${session.count ?? session.total} by version ${version}, `);
      return next('line');
    },
  };
  return () =>
    defineService<{ count?: number; total?: number }, 'line'>({
      name: 'versioned',
      version,
      entry: 'line',
      fields: () => (version === 1 ? { count: 0 } : { total: 0 }),
      stages,
      ...(version === 1
        ? {}
        : { upgrades: { 1: ({ stage, fields }) => ({ stage, fields: { total: fields.count } }) } }),
    });
}

test('[X1] a connection of version 1 moves to version 2, which goes on with what its upgrade makes of the snapshot', async (t) => {
  await inServiceWorld({ service: (member) => versioned(member === 1 ? 1 : 2)(member) }, async (world) => {
    world.client.send('a\n');
    await world.pass();
    t.is(await world.move(2), 'moved');
    world.client.send('b\n');
    await world.pass();
    t.is(world.client.text, '1 by version 1, 2 by version 2, ');
  });
});

test('[X2] version 1 refuses a connection of version 2 and reports the reason; the connection goes on where it was', async (t) => {
  await inServiceWorld({ service: (member) => versioned(member === 1 ? 1 : 2)(member) }, async (world) => {
    await world.move(2);
    world.client.send('a\n');
    await world.pass();
    t.is(await world.move(1), 'stayed');
    world.client.send('b\n');
    await world.pass();
    t.is(world.client.text, '1 by version 2, 2 by version 2, ');
    const refusals = world.reports.flatMap(({ member, report }) =>
      report.kind === 'arrival-refused' ? [{ member, report }] : [],
    );
    t.true(refusals.length > 0 && refusals.every(({ member }) => member === 1));
    t.is(refusals[0]?.report.because.reason, 'newer-version');
    t.deepEqual([world.counters(1).arrivalsRefused, world.counters(1).arrived], [refusals.length, 0]);
    t.deepEqual([world.failures, world.client.state], [[], 'open']);
  });
});

test('[X3] what a destination refuses has left and comes back: @Moved is called, and a new handler goes on at the origin', async (t) => {
  const log: string[] = [];
  const service = (member: number): ServiceDefinition =>
    member === 1
      ? versioned(1)(member)
      : oneStage(
          async (io) => {
            log.push('runs');
            await io.write(await line(io));
          },
          { name: 'versioned', version: 2, moved: (_session, { to }) => void log.push(`left for ${to}`) },
        )(member);
  await inServiceWorld({ service, begins: 'stopped' }, async (world) => {
    for (const application of world.applications) await application.start();
    const client = await world.connect(2);
    await world.pass();
    t.is(await client.move(1), 'stayed');
    client.send('hello\n');
    await world.pass();
    t.deepEqual([log, client.text], [['runs', 'left for 1', 'runs'], 'hello']);
  });
});

test('[X4] a finished connection has nothing to go on with: any version takes it', async (t) => {
  await inServiceWorld({ service: (member) => versioned(member === 1 ? 2 : 1)(member) }, async (world) => {
    world.client.send('\n');
    await world.pass();
    t.is(await world.move(2), 'moved');
    t.deepEqual([world.counters(2).arrived, world.counters(2).stagesEntered], [1, 0]);
  });
});
