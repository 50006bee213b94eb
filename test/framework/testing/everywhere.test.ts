// The kit's judgement: sound services pass, with something tried; each planted fault is found, at the effect that has it.

import test, { type ExecutionContext } from 'ava';
import {
  Container,
  defineService,
  done,
  InvalidOption,
  next,
  type ServiceSource,
  type StageIo,
} from '@migratory/framework';
import {
  crashEverywhere,
  DivergedAfterCrash,
  DivergedAfterMove,
  MemberDied,
  migrateEverywhere,
  NotRepeatable,
  ScenarioFailed,
  SessionDoesNotEnd,
  type RecordEffect,
  type Scenario,
} from '@migratory/framework/testing';
import { calculator, FileSession, FileStore } from '../../support/framework-services.js';
import * as faulty from './faulty-services.js';
import { Shop, TokenShop, TransactionManager } from './shops.js';
import * as sound from './sound-services.js';

function world(record: RecordEffect): Container {
  const container = new Container();
  container.bind(Shop).toConstantValue(new Shop(record));
  container.bind(TokenShop).toConstantValue(new TokenShop(record));
  container.bind(TransactionManager).toConstantValue(new TransactionManager(record));
  return container;
}

function files(): Container {
  const store = new FileStore();
  store.add('small.txt', 5);
  store.add('large.bin', 150);
  const container = new Container();
  container.bind(FileStore).toConstantValue(store);
  return container;
}

const input = 'apples\npears\n';
/** A tenth of what is tried by itself: enough for a service that is known. */
const pairLimit = 50;

/** `tried`: the least number of moves, so that a kit that tries nothing fails. */
const soundServices: [name: string, service: ServiceSource, scenario: Scenario, tried: number][] = [
  ['example 1', FileSession, { input: 'small.txt\nlarge.bin\nmissing\n', container: files }, 100],
  ['example 2', sound.StepwiseTransaction, { input, container: world }, 100],
  ['once with a token', sound.TokenCharged, { input, container: world }, 100],
  ['held output', sound.HeldClock, { input, container: world, varying: /at \d+/g }, 100],
  ['a kept time', sound.KeptClock, { input, container: world, varying: /is \d+/g }, 100],
  ['a calculator', calculator, { input: '+ 3\nsum 4\nabcd- 2\nquit\n' }, 100],
];

for (const [name, service, scenario, tried] of soundServices) {
  test(`a sound service passes: ${name}`, async (t) => {
    const moves = await migrateEverywhere(service, { pairLimit, ...scenario });
    t.true(moves.moves >= tried && moves.runs >= moves.moves / 2, JSON.stringify(moves));
    const crashes = await crashEverywhere(service, { pairLimit, ...scenario });
    t.true(crashes.crashes >= tried, JSON.stringify(crashes));
    t.is(crashes.runsWithRepeatedOnce, 0);
    t.is(crashes.effects, moves.effects);
  });
}

test('example 3 moves anywhere; a lock is no help against a death between snapshot and commit', async (t) => {
  const scenario = { input, container: world, pairLimit };
  t.true((await migrateEverywhere(sound.LockedTransaction, scenario)).moves > 100);
  const error = await t.throwsAsync(crashEverywhere(sound.LockedTransaction, scenario), {
    instanceOf: DivergedAfterCrash,
  });
  t.like(error.difference, { kind: 'outside', missing: ['commit apples'], repeated: [] });
  t.regex(error.message, /Never done: commit apples/);
  t.regex(error.message, /A lock holds off moves, not deaths/);
});

test('an effect of once is made once under moves, and may be made again after a crash', async (t) => {
  const scenario = { input, container: world, pairLimit };
  t.true((await migrateEverywhere(sound.OnceCharged, scenario)).moves > 100);
  t.true((await crashEverywhere(sound.OnceCharged, scenario)).runsWithRepeatedOnce > 0);
});

async function divergence(t: ExecutionContext, service: ServiceSource, scenario: Scenario): Promise<DivergedAfterMove> {
  return t.throwsAsync(migrateEverywhere(service, scenario), { instanceOf: DivergedAfterMove });
}

/** The effect that the story marks. */
function marked(story: string): string | undefined {
  return /^> +\d+ {2}(.*)$/m.exec(story)?.[1];
}

test('found: bytes that are not those of the first time', async (t) => {
  const error = await divergence(t, faulty.UnkeptClock, { input, container: world, varying: /at \d+/g });
  t.is(error.code, 'diverged-after-move');
  t.like(error.difference, { kind: 'bytes', offset: 10, regenerated: 'regenerated' });
  t.is(marked(error.message), 'write "apples at 2000\\n" (15 bytes)');
  t.regex(
    error.message,
    /the client had already {2}\.\.\."apples at " "1000\\n"\n +and was sent now {8}\.\.\."apples at " "2000\\n"/,
  );
  t.regex(error.message, /Effect 6 wrote it, in the place of what effect 3 had written\./);
  t.regex(error.message, /clock: a move after effect 3 changes what the client gets/);
});

test('found: a verified replay that is another one, though the client had nothing of it', async (t) => {
  const error = await divergence(t, faulty.VerifiedClock, { input, container: world, varying: /at \d+/g });
  t.like(error.difference, { kind: 'bytes', offset: 10, regenerated: 'regenerated' });
  t.regex(error.message, /the client has 0 bytes/);
});

test('found: state that no snapshot has', async (t) => {
  const error = await divergence(t, faulty.UnseenCounter, { input });
  t.like(error.difference, { kind: 'bytes', regenerated: 'new' });
  t.is(marked(error.message), 'write "1: pears\\n" (9 bytes)');
  t.regex(error.message, /and got {16}\.\.\."1: apples\\n" "1: pears\\n"/);
});

test('found: a snapshot before the write that it should cover', async (t) => {
  const error = await divergence(t, faulty.EarlySnapshot, { input: '' });
  t.like(error.difference, { kind: 'bytes', offset: 0 });
  t.is(marked(error.message), 'write "two " (4 bytes)');
  t.regex(error.message, /a snapshot comes behind the write/);
});

test('found: an effect that is made twice', async (t) => {
  const error = await divergence(t, faulty.BareCharge, { input, container: world });
  t.like(error.difference, { kind: 'outside', repeated: ['charge apples'], missing: [] });
  t.is(marked(error.message), 'outside: charge apples');
  t.regex(error.message, /Done twice: charge apples\nFirst as effect 3, again as effect 6\./);
  t.regex(error.message, /io\.once/);
  const crash = await t.throwsAsync(crashEverywhere(faulty.BareCharge, { input, container: world }), {
    instanceOf: DivergedAfterCrash,
  });
  t.like(crash.difference, { kind: 'outside', repeated: ['charge apples'] });
  t.regex(crash.message, /---- {2}the member dies/);
});

test('found: a commit that a move overtakes', async (t) => {
  const error = await divergence(t, faulty.UnlockedTransaction, { input, container: world });
  t.like(error.difference, { kind: 'outside', missing: ['commit apples'] });
  t.regex(error.message, /snapshot, to go on at stage 'answer'\n +---- {2}the connection moves/);
  t.regex(error.message, /@Stage\(\{ lock: true \}\)/);
});

test('found: a session that has no end at the other member', async (t) => {
  const error = await divergence(t, faulty.ForgetfulReader, {
    input: [{ send: 'a\n' }, { expect: 'a\n' }, { send: 'quit' }],
  });
  t.like(error.difference, { kind: 'stuck' });
  t.regex(error.message, /waits in readUntil\("\\n"\) of stage 'request'; the client waits for "a\\n" and has got ""/);
});

/** A service of one stage without fields, in a world that answers at once. */
function inQuickWorld(
  line: (
    io: StageIo<unknown>,
    record: RecordEffect,
  ) => Promise<ReturnType<typeof done> | { kind: 'next'; stage: 'line' }>,
): [ServiceSource, Scenario] {
  let record: RecordEffect = () => undefined;
  const service = defineService({
    name: 'quick',
    version: 1,
    entry: 'line',
    fields: () => ({}),
    stages: { line: (_session, io) => line(io, (effect) => record(effect)) },
  });
  const container = (recordInWorld: RecordEffect): Container => {
    record = recordInWorld;
    return new Container();
  };
  return [service, { input: 'a', container, varying: /tick \d+/g, pairLimit: 20 }];
}

test('found: an effect before the snapshot, though its answer came at once', async (t) => {
  const [service, scenario] = inQuickWorld(async (io, record) => {
    if ((await io.read()) === undefined) return done();
    await Promise.resolve(record('row'));
    return next('line');
  });
  const error = await divergence(t, service, scenario);
  t.like(error.difference, { kind: 'outside', repeated: ['row'] });
});

test('found: a snapshot before the effect, though all answers come at once', async (t) => {
  const [service, scenario] = inQuickWorld(async (io, record) => {
    if ((await io.read()) === undefined) return done();
    io.snapshot();
    for (let step = 0; step < 8; step++) await Promise.resolve();
    io.signal.throwIfAborted();
    record('row');
    return next('line');
  });
  const error = await divergence(t, service, scenario);
  t.like(error.difference, { kind: 'outside', missing: ['row'] });
});

test('not blamed: a write that nobody awaits and the end of the stage are one step', async (t) => {
  let ticks = 0;
  const [service, scenario] = inQuickWorld(async (io) => {
    if ((await io.read()) === undefined) return done();
    void io.write(`tick ${++ticks}`);
    return next('line');
  });
  t.true((await migrateEverywhere(service, scenario)).moves > 10);
});

test('found: what only a second move shows', async (t) => {
  const [service, scenario] = inQuickWorld(async (io) => {
    await io.write(io.epoch > 1 ? 'twice' : 'never');
    return (await io.read()) === undefined ? done() : next('line');
  });
  const error = await divergence(t, service, scenario);
  t.is(error.disturbances.length, 2);
  t.regex(error.message, /^quick: moves after effect \d+ and after effect \d+ change what the client gets/);
});

test('found: a service that fails at the other member', async (t) => {
  const [service, scenario] = inQuickWorld(async (io) => {
    if (io.epoch > 0) throw new Error('there is no file here');
    return (await io.read()) === undefined ? done() : next('line');
  });
  const error = await divergence(t, service, scenario);
  t.like(error.difference, { kind: 'failed', report: "stage-failed in stage 'line': Error: there is no file here" });
  t.regex(error.message, /a move after effect 1 makes the service fail/);
});

test('found: effects in another order', async (t) => {
  const [service, scenario] = inQuickWorld(async (io, record) => {
    if ((await io.read()) === undefined) return done();
    const keys = io.epoch > 0 ? ['b', 'a'] : ['a', 'b'];
    for (const key of keys) await io.once(key, () => record(key));
    return next('line');
  });
  t.like((await divergence(t, service, scenario)).difference, { kind: 'outside', order: 'another' });
});

test('a dead member does nothing more in the world outside', async (t) => {
  const errors: unknown[] = [];
  const lost: unknown[] = [];
  const [service, scenario] = inQuickWorld(async (io, record) => {
    if ((await io.read()) === undefined) return done();
    await io.once('row', async (token) => {
      for (const part of ['begin', 'end']) {
        await Promise.resolve();
        try {
          record(`${part} ${token.length}`);
        } catch (error) {
          errors.push(error);
          throw error;
        }
      }
    });
    try {
      io.snapshot();
    } catch (error) {
      lost.push(error);
    }
    return next('line');
  });
  t.true((await crashEverywhere(service, scenario)).runsWithRepeatedOnce > 0);
  t.true(errors.length > 0 && errors.every((error) => error instanceof MemberDied));
  t.deepEqual(lost, []); // nor does its handler go on
});

test('what differs without any move is not blamed on one', async (t) => {
  let runs = 0;
  const service = defineService({
    name: 'varying',
    version: 1,
    entry: 'only',
    fields: () => ({}),
    stages: {
      only: async (_session, io) => {
        await io.write(`run ${++runs}`);
        return done();
      },
    },
  });
  const error = await t.throwsAsync(migrateEverywhere(service, { input: '' }), { instanceOf: NotRepeatable });
  t.regex(error.message, /"run " "1"\n.*"run " "2"/);
});

test('a session that waits for ever is an error that says where', async (t) => {
  const reading = defineService({
    name: 'reading',
    version: 1,
    entry: 'only',
    fields: () => ({}),
    stages: { only: async (_session, io) => ((await io.readExactly(9)) === undefined ? done() : next('only')) },
  });
  const expecting = [{ send: '123456789' }, { expect: 'answer' }];
  const error = await t.throwsAsync(migrateEverywhere(reading, { input: expecting }), {
    instanceOf: SessionDoesNotEnd,
  });
  t.is(
    error.message,
    "reading: the session does not end: the service waits in readExactly(9) of stage 'only'; " +
      'the client waits for "answer" and has got "".',
  );
  const hanging = defineService({
    name: 'hanging',
    version: 1,
    entry: 'only',
    fields: () => ({}),
    stages: { only: () => new Promise<ReturnType<typeof done>>(() => undefined) },
  });
  await t.throwsAsync(migrateEverywhere(hanging, { input: '' }), {
    instanceOf: SessionDoesNotEnd,
    message: /stage 'only' waits for something that is neither its io/,
  });
});

test('a session that ends in a farewell which the scenario does not expect is an error with its cause', async (t) => {
  const cause = new Error('on purpose');
  const service = defineService({
    name: 'farewell',
    version: 1,
    entry: 'only',
    fields: () => ({}),
    stages: { only: () => Promise.reject<ReturnType<typeof done>>(cause) },
    failed: async (_session, io) => io.write('sorry\n'),
  });
  const error = await t.throwsAsync(migrateEverywhere(service, { input: [{ expect: 'answer' }] }), {
    instanceOf: SessionDoesNotEnd,
    message: /waits for "answer" and has got "sorry\\n"\. Before that: stage-failed in stage 'only': Error: on purpose/,
  });
  t.is(error.cause, cause);
});

test('a mistake in the service is an error, however well @Failed tells the client of it', async (t) => {
  const END = done();
  const service = defineService({
    name: 'mistaken',
    version: 1,
    entry: 'only',
    fields: () => ({ value: 1 }),
    stages: {
      only: (session) => {
        session.value = 'one' as unknown as number;
        return Promise.resolve(session.value === 2 ? END : next('only'));
      },
    },
    failed: async (_session, io) => io.write('sorry\n'),
  });
  const error = await t.throwsAsync(migrateEverywhere(service, { input: '' }), { instanceOf: ScenarioFailed });
  t.regex(error.message, /^mistaken: the service is wrong without any move: stage-failed in stage 'only'.*value/);
});

test('a service that fails without any move is an error with its cause', async (t) => {
  const cause = new Error('on purpose');
  const service = defineService({
    name: 'failing',
    version: 1,
    entry: 'only',
    fields: () => ({}),
    stages: { only: () => Promise.reject<ReturnType<typeof done>>(cause) },
  });
  const error = await t.throwsAsync(migrateEverywhere(service, { input: '' }), { instanceOf: ScenarioFailed });
  t.is(error.cause, cause);
  t.regex(
    error.message,
    /failing: the session fails without any move: stage-failed in stage 'only': Error: on purpose/,
  );
});

test('a service that tells its client of a failure may be moved while it does', async (t) => {
  const service = defineService({
    name: 'polite',
    version: 1,
    entry: 'only',
    fields: () => ({}),
    stages: {
      only: async (_session, io) => {
        if ((await io.readUntil('\n', { maxLength: 9 })) === undefined) return done();
        throw new Error('no such word');
      },
    },
    failed: async (_session, io, error) => io.write(`sorry: ${String(error)}\n`),
  });
  t.true((await migrateEverywhere(service, { input: 'word\n', pairLimit })).moves > 10);
});

test('time passes when the scenario says so', async (t) => {
  const service = defineService({
    name: 'patient',
    version: 1,
    entry: 'only',
    fields: () => ({}),
    settings: { only: { timeoutMs: 1_000 } },
    stages: { only: async (_session, io) => ((await io.read()) === undefined ? done() : next('only')) },
    failed: async (_session, io) => io.write('too late'),
  });
  const tried = await migrateEverywhere(service, {
    input: [{ send: 'a' }, { passMs: 999 }, { send: 'b' }, { passMs: 1_001 }],
  });
  t.true(tried.moves > 10);
  await t.throwsAsync(migrateEverywhere(service, { input: [{ passMs: 1_001 }, { expect: 'too early' }] }), {
    instanceOf: SessionDoesNotEnd,
    message: /has got "too late"/,
  });
});

test('limits are kept, spread evenly, and options that make no sense are refused', async (t) => {
  const scenario = { input: '+ 1\n'.repeat(20) };
  const few = await migrateEverywhere(calculator, { ...scenario, singleLimit: 5, pairLimit: 0 });
  t.true(few.runs <= 2 + 3 * 5 && few.moves >= 5, JSON.stringify(few));
  for (const wrong of [{ singleLimit: -1 }, { pairLimit: 0.5 }, { varying: /x/ }]) {
    await t.throwsAsync(migrateEverywhere(calculator, { ...scenario, ...wrong }), { instanceOf: InvalidOption });
  }
});
