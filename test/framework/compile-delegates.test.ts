// Delegates in plans: stages, fields and ways of sub-protocols under their owner's names, in both forms.

import test from 'ava';
import {
  compile,
  defineService,
  Delegate,
  done,
  next,
  Service,
  Snapshot,
  Stage,
  type Next,
  type StageIo,
  type StagePlan,
} from '@migratory/framework';
import { tryCompile } from '@migratory/framework/internal/compiler.js';
import { Routes } from '@migratory/framework/internal/routes.js';

class Code {
  @Snapshot() tries: number = 0;
  @Stage({ entry: true, timeoutMs: 5_000 }) async ask(io: StageIo<Code>): Promise<Next<Code>> {
    await io.write(`${this.tries}`);
    return this.tries > 3 ? done() : next('ask');
  }
}

@Service({ name: 'login-alone', version: 7 })
class Login {
  @Snapshot() user: string = '';
  @Delegate({ then: 'welcome' }) code!: Code;

  @Stage({ entry: true }) async name(io: StageIo<Login>): Promise<Next<Login>> {
    io.snapshot({ stage: 'code' });
    return Promise.resolve(this.user === '' ? next('name') : next('code'));
  }
  @Stage({ lock: true, output: 'held' }) async welcome(io: StageIo<Login>): Promise<Next<Login>> {
    await io.write(this.user);
    return done();
  }
}

@Service({ name: 'game', version: 1 })
class Game {
  @Snapshot() moves: number = 0;
  @Delegate({ then: 'lobby' }) login!: Login;
  @Delegate({ then: 'login' }) gate!: Code;

  @Stage({ entry: true }) async begin(io: StageIo<Game>): Promise<Next<Game>> {
    await io.write('hello');
    return next('gate');
  }
  @Stage() async lobby(): Promise<Next<Game>> {
    return Promise.resolve(this.moves === 0 ? next('login') : done());
  }
}

/** The same without decorators. */
const code = defineService({
  name: 'code',
  version: 1,
  entry: 'ask',
  fields: () => ({ tries: 0 }),
  settings: { ask: { timeoutMs: 5_000 } },
  stages: { ask: async (session) => Promise.resolve(session.tries > 3 ? done() : next('ask')) },
});
const login = defineService({
  name: 'login',
  version: 1,
  entry: 'name',
  fields: () => ({ user: '' }),
  delegates: { code: { service: code, then: 'welcome' } },
  settings: { welcome: { lock: true, output: 'held' } },
  stages: {
    name: async (session, io) => {
      io.snapshot({ stage: 'code' });
      return Promise.resolve(session.user === '' ? next('name') : next('code'));
    },
    welcome: async (session, io) => {
      await io.write(session.user + String(session.code.tries));
      return done();
    },
  },
});
const game = defineService({
  name: 'game',
  version: 1,
  entry: 'begin',
  fields: () => ({ moves: 0 }),
  delegates: { login: { service: login, then: 'lobby' }, gate: { service: Code, then: 'login' } },
  stages: {
    begin: async () => Promise.resolve(next('gate')),
    lobby: async (session) => Promise.resolve(session.moves === 0 ? next('login') : done()),
  },
});

const known = (stages: readonly string[], ends: boolean) => ({ kind: 'known', stages, ends }) as const;
const plain = { lock: 'open', output: 'live', recorded: [] } as const;

test('stages, fields and ways of delegates are those of the service, under its names', (t) => {
  const plan = compile(Game);
  t.deepEqual(plan.stages, [
    { ...plain, name: 'begin', successors: known(['gate.ask'], false) },
    { ...plain, name: 'lobby', successors: known(['login.name'], true) },
    {
      ...plain,
      name: 'login.name',
      successors: known(['login.name', 'login.code.ask'], false),
      recorded: ['login.code.ask'],
    },
    { ...plain, name: 'login.welcome', lock: 'locked', output: 'held', successors: known(['lobby'], false) },
    {
      ...plain,
      name: 'login.code.ask',
      timeoutMs: 5_000,
      successors: known(['login.code.ask', 'login.welcome'], false),
    },
    { ...plain, name: 'gate.ask', timeoutMs: 5_000, successors: known(['gate.ask', 'login.name'], false) },
  ]);
  t.deepEqual(plan.delegates, [
    { name: 'login', entry: 'login.name', then: 'lobby' },
    { name: 'login.code', entry: 'login.code.ask', then: 'welcome' },
    { name: 'gate', entry: 'gate.ask', then: 'login' },
  ]);
  t.deepEqual(
    plan.fields.map(({ name, type }) => [name, type]),
    [
      ['gate.tries', 'number'],
      ['login.code.tries', 'number'],
      ['login.user', 'string'],
      ['moves', 'number'],
    ],
  );
  t.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
});

test('both forms give the same plan, and the same fingerprint', (t) => {
  t.deepEqual(compile(game), compile(Game));
});

test('a delegate that is a service can be hosted alone, too', (t) => {
  t.like(compile(Login), { service: 'login-alone', version: 7, entry: 'name' });
});

test('the fingerprint knows the fields and stages of delegates', (t) => {
  const withDelegate = (fields: () => object, stage: string): string => {
    const only = async (): Promise<Next<never>> => Promise.resolve(done());
    const stages = { [stage]: only };
    const inner = defineService({ name: 'inner', version: 1, entry: stage, fields, stages });
    return compile(
      defineService({
        name: 'outer',
        version: 1,
        entry: 'begin',
        fields: () => ({}),
        delegates: { inner: { service: inner, then: 'begin' } },
        stages: { begin: async () => Promise.resolve(next('inner')) },
      }),
    ).fingerprint;
  };
  const all = [
    withDelegate(() => ({}), 'a'),
    withDelegate(() => ({}), 'b'),
    withDelegate(() => ({ x: 1 }), 'a'),
    withDelegate(() => ({ x: '' }), 'a'),
  ];
  t.is(new Set(all).size, all.length);
});

test('what the runtime resolves is what the plan says', (t) => {
  for (const plan of [compile(Game), compile(game)]) {
    const routes = new Routes(plan);
    t.is(routes.resolve('begin', 'gate'), 'gate.ask');
    t.is(routes.resolve('login.name', 'code'), 'login.code.ask');
    t.is(routes.resolve('login.name', 'lobby'), undefined);
    t.is(routes.resolve('begin', 'login.name'), undefined, 'a delegate is entered at its entry');
    t.is(routes.afterDone('gate.ask'), 'login.name');
    t.is(routes.afterDone('login.code.ask'), 'login.welcome');
    t.is(routes.afterDone('lobby'), undefined);
  }
});

/** Every way in the plan leads to a stage of the plan. */
function leadsNowhere(plan: StagePlan): string[] {
  const names = new Set(plan.stages.map(({ name }) => name));
  return plan.stages
    .flatMap(({ successors, recorded }) => [...(successors.kind === 'known' ? successors.stages : []), ...recorded])
    .filter((name) => !names.has(name));
}

test('every way leads to a stage', (t) => {
  t.deepEqual(leadsNowhere(compile(Game)), []);
});

test('what is wrong inside of a delegate is said of it, once', (t) => {
  class Inner {
    @Snapshot() inferred = 0;
    @Stage({ entry: true, timeoutMs: -1 }) async only(): Promise<Next<Inner>> {
      return Promise.resolve(next('olny' as 'only'));
    }
  }
  @Service({ name: 'outer', version: 1 })
  class Outer {
    @Delegate({ then: 'begin' }) inner!: Inner;
    @Stage({ entry: true }) async begin(): Promise<Next<Outer>> {
      return Promise.resolve(next('inner'));
    }
  }
  const compilation = tryCompile(Outer);
  t.deepEqual(
    compilation.kind === 'failed' ? compilation.diagnostics.map(({ code: id, cause }) => `${id} ${cause}`) : [],
    [
      "MIG023 in the delegate 'inner': the stage 'only' has timeoutMs: -1",
      "MIG010 in the delegate 'inner': the type of the snapshot field 'inferred' is not known",
      "MIG019 the stage 'inner.only' returns next('olny')",
    ],
  );
});
