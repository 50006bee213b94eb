// The host: what becomes of one connection when its handler, its client or its snapshot misbehaves, or it leaves.

import test from 'ava';
import {
  createApplication,
  defineService,
  done,
  FieldNotSnapshotted,
  formatReport,
  InvalidOption,
  Moved,
  next,
  NotATransition,
  Service,
  Snapshot,
  SnapshotInvalid,
  Stage,
  UnknownStage,
  type Departure,
  type Next,
  type Report,
  type ServiceSource,
  type StageIo,
} from '@migratory/framework';
import { hostConnection } from '@migratory/framework/internal/runtime/host.js';
import { FakeClient, FakeConnection } from '@migratory/framework/internal/testing/fake-connection.js';
import { FakeStack } from '../support/fake-stack.js';
import { hosted, runSession, turn } from '../support/fake-session.js';
import { calculator } from '../support/framework-services.js';

/** A name that can't be read from the stage that uses it. */
const NOWHERE: string = 'nowhere';

@Service({ name: 'steps', version: 1 })
class Steps {
  static readonly log: string[] = [];
  @Snapshot() count: number = 0;
  private step: string = 'none';

  @Stage({ entry: true })
  async first(io: StageIo): Promise<Next<Steps>> {
    const line = await io.readUntil('\n', { maxLength: 100 });
    const word = Buffer.from(line ?? []).toString();
    this.count++;
    if (word === 'field') this.step = word;
    if (word === 'early') {
      this.step = word;
      io.snapshot();
      this.step = 'none';
    }
    if (word === 'value') this.count = (() => 1) as unknown as number;
    if (word === 'throw') throw new Error('on purpose');
    if (word === 'string') throw 'a string' as unknown as Error;
    if (word === 'nothing') return undefined as unknown as Next<Steps>;
    if (word === 'unknown') return next(NOWHERE as 'first');
    if (word === 'done') return done();
    await io.write(`${this.step} ${this.count}\n`);
    return next('first');
  }

  @Moved()
  left(departure: Departure): void {
    Steps.log.push(`left ${this.count} to ${String(departure.to)} epoch ${departure.epoch}`);
  }
}

const failures: [word: string, message: RegExp, type: (new (...parameters: never[]) => Error) | undefined][] = [
  ['throw', /on purpose/, Error],
  ['string', /a string/, undefined],
  ['nothing', /'first' returned neither/, NotATransition],
  ['unknown', /'first' goes to 'nowhere', which is not one of its stages: first\./, UnknownStage],
  ['field', /'first' changed the field 'step'/, FieldNotSnapshotted],
  ['early', /'first' changed the field 'step'/, FieldNotSnapshotted],
  ['value', /'count'.* a function/, SnapshotInvalid],
];

for (const [word, message, type] of failures) {
  test(`a stage that fails (${word}) is reported and its connection destroyed`, async (t) => {
    const { client, outcomes, reports } = await runSession(Steps, `hello\n${word}\n`, []);
    t.deepEqual(outcomes, ['failed']);
    t.is(client.receivedEnd, 'open');
    t.is(reports.length, 1);
    const [report] = reports;
    t.like(report, { kind: 'stage-failed', service: 'steps', stage: 'first', cid: '00112233aabbccdd', epoch: 0 });
    if (type !== undefined) t.true(report?.error instanceof type);
    t.regex(String(report?.error), message);
    t.regex(formatReport(report as Report), /^stage-failed steps\/first cid 00112233aabbccdd epoch 0: /);
  });
}

test('a stage that fails leaves the other connections of its service alone', async (t) => {
  const [bad, good] = await Promise.all([
    runSession(Steps, 'throw\n', []),
    runSession(Steps, 'a\nb\nc\ndone\n', [
      { kind: 'arrive', length: 2 },
      { kind: 'move' },
      { kind: 'arrive', length: 2 },
    ]),
  ]);
  t.deepEqual(bad.outcomes, ['failed']);
  t.deepEqual(good.outcomes, ['moved', 'finished']);
  t.is(good.client.received.toString(), 'none 1\nnone 2\nnone 3\n');
});

test.serial('@Moved is called once at each origin, with where the connection went', async (t) => {
  Steps.log.length = 0;
  const { outcomes, reports } = await runSession(Steps, 'a\ndone\n', [
    { kind: 'arrive', length: 2 },
    { kind: 'move' },
    { kind: 'move' },
  ]);
  t.deepEqual(outcomes, ['moved', 'moved', 'finished']);
  t.deepEqual(Steps.log, ['left 1 to 2 epoch 1', 'left 1 to 2 epoch 2']);
  t.deepEqual(reports, []);
});

function leaving(moved: () => void | Promise<void>, afterwards: (io: StageIo) => Promise<void>): ServiceSource {
  return defineService({
    name: 'leaving',
    version: 1,
    entry: 'only',
    fields: () => ({}),
    stages: {
      only: async (_session, io) => {
        if (io.epoch === 0) await afterwards(io);
        return done();
      },
    },
    moved,
  });
}

test('a @Moved method that fails is reported, and the connection is well at the other member', async (t) => {
  for (const moved of [
    () => {
      throw new Error('sync');
    },
    () => Promise.reject(new Error('async')),
  ]) {
    const service = leaving(moved, async (io) => {
      await io.read();
    });
    const { outcomes, reports, client } = await runSession(service, '', [{ kind: 'move' }]);
    t.deepEqual(outcomes, ['moved', 'finished']);
    t.deepEqual(
      reports.map(({ kind }) => kind),
      ['moved-failed'],
    );
    t.is(client.receivedEnd, 'ended');
  }
});

test('what a handler throws because its connection has left is not an error; anything else is', async (t) => {
  const abort = (io: StageIo): Promise<void> =>
    new Promise((_resolve, reject) => {
      io.signal.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
    });
  const bug = async (io: StageIo): Promise<void> => {
    await io.read().catch(() => undefined);
    throw new Error('clean-up failed');
  };
  const quiet = await runSession(
    leaving(() => undefined, abort),
    '',
    [{ kind: 'move' }],
  );
  t.deepEqual([quiet.outcomes, quiet.reports], [['moved', 'finished'], []]);
  const loud = await runSession(
    leaving(() => undefined, bug),
    '',
    [{ kind: 'move' }],
  );
  t.deepEqual(loud.outcomes, ['moved', 'finished']);
  t.deepEqual(
    loud.reports.map(({ kind }) => kind),
    ['stage-failed'],
  );
});

test('a write that nobody awaits does not take the process down when the connection moves', async (t) => {
  const unhandled: unknown[] = [];
  const listener = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', listener);
  const service = leaving(
    () => undefined,
    async (io) => {
      void io.write('x'.repeat(1_000));
      await io.read();
    },
  );
  await runSession(service, '', [{ kind: 'move' }]);
  await turn();
  process.off('unhandledRejection', listener);
  t.deepEqual(unhandled, []);
});

test('a client that goes away is no error of the stage', async (t) => {
  const { service, reports } = hosted(Steps);
  const connection = new FakeConnection(new FakeClient('x'));
  const outcome = hostConnection(service, connection);
  await turn();
  connection.destroy(new Error('reset'));
  t.is(await outcome, 'lost');
  t.deepEqual(reports, []);
});

test('a connection that was gone before its turn came is no error either', async (t) => {
  const { service, reports } = hosted(Steps);
  const connection = new FakeConnection(new FakeClient('x'));
  connection.destroy();
  await turn();
  t.is(await hostConnection(service, connection), 'lost');
  t.deepEqual(reports, []);
});

test('a snapshot of another version is refused: reported, and the connection destroyed', async (t) => {
  const version = (number: number): ServiceSource =>
    defineService({
      name: 'versioned',
      version: number,
      entry: 'only',
      fields: () => ({}),
      stages: { only: async (_session, io) => ((await io.read()) === undefined ? done() : next('only')) },
    });
  const [older, newer] = [hosted(version(1)), hosted(version(2))];
  const connection = new FakeConnection(new FakeClient(''));
  const origin = hostConnection(older.service, connection);
  await turn();
  const destination = connection.move();
  t.is(await hostConnection(newer.service, destination), 'failed');
  t.is(await origin, 'moved');
  t.true(destination.destroyed);
  t.is(newer.reports.length, 1);
  t.like(newer.reports[0], { kind: 'restore-refused', service: 'versioned', epoch: 1 });
  t.regex(
    String(newer.reports[0]?.error),
    /SnapshotMismatch: versioned: .*other-version.*from version 1, and this is version 2/,
  );
});

test('a handler that cannot be built is reported, and the connection destroyed', async (t) => {
  const { service, reports } = hosted(calculator);
  const createHandler = (): never => {
    throw new Error('no database');
  };
  const connection = new FakeConnection(new FakeClient(''));
  t.is(await hostConnection({ ...service, createHandler }, connection), 'failed');
  t.true(connection.destroyed);
  t.deepEqual(
    reports.map(({ kind }) => kind),
    ['handler-not-built'],
  );
});

test('accepting and entering are one setState each, and a restored stage needs none', async (t) => {
  const { service } = hosted(calculator);
  const connection = new FakeConnection(new FakeClient('+ 1\n+ 2\n'));
  void hostConnection(service, connection);
  t.is(connection.states.length, 1);
  await turn();
  connection.arrive(4);
  await turn();
  t.is(connection.states.length, 3); // command, answer, command
  const destination = connection.move();
  void hostConnection(service, destination);
  await turn();
  t.is(destination.states.length, 0);
});

test('after done the stream ends, further input is discarded, and a move runs no stage again', async (t) => {
  let runs = 0;
  const service = defineService({
    name: 'brief',
    version: 1,
    entry: 'only',
    fields: () => ({}),
    stages: {
      only: async (_session, io) => {
        runs++;
        await io.write('bye');
        return done();
      },
    },
  });
  const { client, outcomes } = await runSession(service, 'x'.repeat(600), [
    { kind: 'arrive', length: 300 },
    { kind: 'move' },
    { kind: 'arrive', length: 200 },
    { kind: 'deliver', length: 1 },
    { kind: 'move' },
  ]);
  t.is(runs, 1);
  t.is(client.received.toString(), 'bye');
  t.is(client.receivedEnd, 'ended');
  t.deepEqual(outcomes, ['moved', 'moved', 'finished']);
});

test('after done a move needs no input to be remembered, and input that was discarded is not seen again', async (t) => {
  let runs = 0;
  const service = defineService({
    name: 'brief',
    version: 1,
    entry: 'only',
    fields: () => ({}),
    stages: {
      only: async () => {
        runs++;
        return Promise.resolve(done());
      },
    },
  });
  const { outcomes } = await runSession(service, 'x', [{ kind: 'move' }]);
  t.deepEqual([runs, outcomes], [1, ['moved', 'finished']]);

  const connection = new FakeConnection(new FakeClient('x'.repeat(600)));
  void hostConnection(hosted(service).service, connection);
  connection.arrive(100);
  await turn();
  const destination = connection.move();
  t.is(destination.readableLength, 0);
});

test('each connection has a handler of its own', async (t) => {
  const { service } = hosted(Steps);
  const connections = ['a\n...', 'b\n...'].map((input) => new FakeConnection(new FakeClient(input)));
  for (const connection of connections) {
    void hostConnection(service, connection);
    connection.arrive(2);
    await turn();
    connection.deliver(100);
  }
  t.deepEqual(
    connections.map(({ client }) => client.received.toString()),
    ['none 1\n', 'none 1\n'],
  );
});

test('an application hosts its services on their ports and stops with its connections gone', async (t) => {
  const stack = new FakeStack();
  const application = createApplication({
    stack,
    services: [
      { service: calculator, port: 1 },
      { service: Steps, port: 2 },
    ],
  });
  await application.start();
  const connections = [1, 2].map((port) => {
    const connection = new FakeConnection(new FakeClient(port === 1 ? '+ 2\n' : 'x\n'));
    stack.open.get(port)?.(connection);
    return connection;
  });
  await turn();
  for (const connection of connections) connection.arrive(4);
  await turn();
  for (const connection of connections) connection.deliver(100);
  t.deepEqual(
    connections.map(({ client }) => client.received.toString().slice(0, 6)),
    ['= 2 af', 'none 1'],
  );
  await application.stop();
  t.is(stack.open.size, 0);
  t.true(connections.every((connection) => connection.destroyed));
});

test('an application that cannot open one port opens none', async (t) => {
  const stack = new FakeStack();
  stack.failingPort = 2;
  const services = [
    { service: calculator, port: 1 },
    { service: Steps, port: 2 },
  ];
  await t.throwsAsync(createApplication({ stack, services }).start(), { message: 'in use' });
  t.is(stack.open.size, 0);
});

test('options that make no sense are refused before anything starts', (t) => {
  const stack = new FakeStack();
  t.throws(() => createApplication({ stack, services: [] }), { instanceOf: InvalidOption });
  for (const port of [-1, 65_536, 1.5, NaN]) {
    t.throws(() => createApplication({ stack, services: [{ service: calculator, port }] }), {
      instanceOf: InvalidOption,
    });
  }
  const misspelt: object = { snapshotLenght: 5 };
  t.throws(() => createApplication({ stack, services: [{ service: calculator, port: 1, limits: misspelt }] }), {
    message: /^limits\.snapshotLenght must be one of snapshotLength, /,
  });
  t.notThrows(() =>
    createApplication({
      stack,
      services: [
        {
          service: class Nothing {
            readonly empty = '';
          },
          port: 1,
        },
      ],
    }),
  );
});

test('whatever a stage throws is reported, and takes nobody else down', async (t) => {
  for (const thrown of [
    Object.create(null),
    Symbol('x'),
    undefined,
    new Proxy({}, { get: () => undefined }),
  ] as Error[]) {
    const only = async (): Promise<never> => Promise.reject(thrown);
    const service = defineService({ name: 'odd', version: 1, entry: 'only', fields: () => ({}), stages: { only } });
    const { reports, outcomes } = await runSession(service, '', []);
    t.deepEqual(outcomes, ['failed']);
    t.deepEqual(
      reports.map(({ kind, error }) => [kind, error === thrown]),
      [['stage-failed', true]],
    );
  }
});

test('a stage may have the name of a hook, and neither is taken for the other', async (t) => {
  const log: string[] = [];
  const service = defineService({
    name: 'names',
    version: 1,
    entry: 'moved',
    fields: () => ({}),
    stages: {
      moved: async () => Promise.resolve(log.push('stage moved') > 0 ? next('failed') : done()),
      failed: async (_session, io) => {
        log.push('stage failed');
        await io.read();
        throw new Error('on purpose');
      },
    },
    moved: () => void log.push('hook moved'),
    failed: () => void log.push('hook failed'),
  });
  await runSession(service, 'x', [{ kind: 'move' }]);
  t.deepEqual(log, ['stage moved', 'stage failed', 'hook moved', 'stage failed', 'hook failed']);
});

test('a service that goes from stage to stage for ever lets others have their turn, and can be ended', async (t) => {
  const END = done();
  let rounds = 0;
  const restless = defineService({
    name: 'restless',
    version: 1,
    entry: 'round',
    fields: () => ({}),
    stages: {
      round: () => {
        rounds++;
        return Promise.resolve(rounds < 0 ? END : next('round'));
      },
    },
  });
  const { service, clock } = hosted(restless);
  const connection = new FakeConnection(new FakeClient(''));
  const outcome = hostConnection(service, connection);
  await turn();
  const first = rounds;
  t.true(first > 0 && first <= 4_096);
  clock.step();
  await turn();
  t.true(rounds > first);
  connection.destroy();
  clock.step();
  t.is(await outcome, 'lost');
});
