// Transitions: the type checker knows the stages of a service.

import test from 'ava';
import { defineService, done, next, Stage, type Next, type StageIo } from '@migratory/framework';
import { isTransition } from '@migratory/framework/internal/transition.js';

class Typed {
  readonly body: string = '';
  constructor(private readonly dependency: object) {}
  async first(): Promise<Next<Typed>> {
    return Promise.resolve(next('second'));
  }
  async second(): Promise<Next<Typed>> {
    if (this.dependency === this) return Promise.resolve(done());
    // @ts-expect-error 'frist' is no stage
    return Promise.resolve(next('frist'));
  }
  async third(): Promise<Next<Typed>> {
    // @ts-expect-error 'body' is a field
    return Promise.resolve(next('body'));
  }
  async fourth(): Promise<Next<Typed>> {
    // @ts-expect-error 'helper' is a method, and no stage
    return Promise.resolve(next('helper'));
  }
  async helper(): Promise<number> {
    return Promise.resolve(1);
  }
}

test('next names a stage, done ends', async (t) => {
  const typed = new Typed({});
  t.deepEqual(await typed.first(), { kind: 'next', stage: 'second' });
  t.deepEqual(done(), { kind: 'done' });
});

test('a service without decorators is checked in the same way', (t) => {
  defineService({
    name: 'form',
    version: 1,
    entry: 'first',
    fields: () => ({ count: 0 }),
    stages: {
      first: async (session) => Promise.resolve(session.count > 3 ? done() : next('second')),
      // @ts-expect-error 'thrid' is no stage
      second: async () => Promise.resolve(next('thrid')),
      third: async (session) => {
        // @ts-expect-error 'cuont' is no field
        session.cuont = 1;
        return Promise.resolve(done());
      },
    },
  });
  t.pass();
});

test('anything else that a stage returns is not a transition', (t) => {
  for (const value of [next('x'), done()]) t.true(isTransition(value));
  for (const value of [undefined, null, 'x', {}, { kind: 'next' }, { kind: 'next', stage: 1 }, { kind: 'stop' }]) {
    t.false(isTransition(value));
  }
});

class Login {
  readonly user: string = '';
  @Stage({ entry: true }) async password(io: StageIo<Login>): Promise<Next<Login>> {
    io.snapshot({ stage: 'password' });
    return Promise.resolve(this.user === '' ? next('password') : done());
  }
  // @ts-expect-error a stage takes a StageIo
  @Stage() async wrong(bytes: number): Promise<Next<Login>> {
    return Promise.resolve(bytes === 0 ? done() : next('password'));
  }
}

/** Its fields are of all kinds; only some are sub-protocols. */
class Lobby {
  readonly login: Login = new Login();
  readonly map = new Map<string, Login>();
  readonly bytes: Buffer = Buffer.alloc(0);
  readonly view: Uint8Array = new Uint8Array();
  readonly since: Date = new Date(0);
  readonly list: Login[] = [];
  readonly names: string[] = [];
  readonly name: string = '';
  readonly parent: Lobby | undefined = undefined;
  readonly report: () => Promise<void> = () => Promise.resolve();

  async begin(io: StageIo<Lobby>): Promise<Next<Lobby>> {
    io.snapshot({ stage: 'begin' });
    io.snapshot({ stage: 'login' });
    // @ts-expect-error 'bdoy' is no stage
    io.snapshot({ stage: 'bdoy' });
    await this.log(io);
    return next('login');
  }
  /** A helper takes the io of any service, and may name any stage. */
  async log(io: StageIo): Promise<void> {
    io.snapshot({ stage: 'whatever' });
    await io.write(this.name);
  }
  async map2(): Promise<Next<Lobby>> {
    // @ts-expect-error a Map is no delegate
    return Promise.resolve(next('map'));
  }
  async bytes2(io: StageIo): Promise<Next<Lobby>> {
    // @ts-expect-error a Buffer is no delegate
    if (io.epoch === 0) return Promise.resolve(next('bytes'));
    // @ts-expect-error neither is a Uint8Array
    return Promise.resolve(next('view'));
  }
  async since2(): Promise<Next<Lobby>> {
    // @ts-expect-error a Date is no delegate
    return Promise.resolve(next('since'));
  }
  async list2(io: StageIo): Promise<Next<Lobby>> {
    // @ts-expect-error an array is no delegate, whatever is in it
    if (io.epoch === 0) return Promise.resolve(next('list'));
    // @ts-expect-error nor is one of strings
    return Promise.resolve(next('names'));
  }
  async name2(io: StageIo): Promise<Next<Lobby>> {
    // @ts-expect-error a string is no delegate
    if (io.epoch === 0) return Promise.resolve(next('name'));
    // @ts-expect-error nor is a function that answers no transition
    return Promise.resolve(next('report'));
  }
}

test('next and io.snapshot name a delegate of a class, and no other field', async (t) => {
  t.deepEqual(await new Lobby().name2({ epoch: 1 } as StageIo), { kind: 'next', stage: 'report' });
});

const login = defineService({
  name: 'login',
  version: 1,
  entry: 'password',
  fields: () => ({ user: '' }),
  stages: {
    password: async (session, io) => {
      io.snapshot({ stage: 'password' });
      // @ts-expect-error 'passwrod' is no stage
      if (io.epoch === 7) io.snapshot({ stage: 'passwrod' });
      session.user = 'ada';
      return Promise.resolve(done());
    },
  },
});

test('delegates of a service without decorators are known by name, with their fields', (t) => {
  defineService({
    name: 'game',
    version: 1,
    entry: 'begin',
    fields: () => ({ moves: 0 }),
    delegates: { login: { service: login, then: 'lobby' }, again: { service: Login, then: 'login' } },
    stages: {
      begin: async (session, io) => {
        io.snapshot({ stage: 'login' });
        const user: string = session.login.user + session.again.user;
        return Promise.resolve(user === '' ? next('login') : next('again'));
      },
      // @ts-expect-error 'lgoin' is neither a stage nor a delegate
      lobby: async (session) => {
        // @ts-expect-error 'usre' is no field of the delegate
        session.login.usre = '';
        return Promise.resolve(session.moves > 3 ? done() : next('lgoin'));
      },
    },
    moved: (session) => {
      session.login.user = '';
    },
  });
  defineService({
    name: 'misspelt',
    version: 1,
    entry: 'begin',
    fields: () => ({}),
    // @ts-expect-error 'bgein' is no stage
    delegates: { login: { service: login, then: 'bgein' } },
    stages: { begin: async () => Promise.resolve(done()) },
  });
  t.pass();
});
