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

export class Other {
  map: Map<string,string> = new Map();
  bytes: Buffer = Buffer.alloc(0);
  date: Date = new Date(0);
  list: string[] = [];
  mixed: Typed[] = [];
  login: Login = new Login();
  self: Other | undefined;
  maybe?: Login;
  async lobby(io: StageIo<Other>): Promise<Next<Other>> {
    io.snapshot({ stage: 'lobby' });
    io.snapshot({ stage: 'login' });
    // @ts-expect-error no stage
    io.snapshot({ stage: 'bdoy' });
    return next('login');
  }
  async plain(io: StageIo): Promise<Next<Other>> {
    io.snapshot({stage: 'whatever'});
    // @ts-expect-error no stage
    if (io.epoch === 1) return next('map');
    // @ts-expect-error no stage
    if (io.epoch === 1) return next('bytes');
    // @ts-expect-error no stage
    if (io.epoch === 1) return next('date');
    // @ts-expect-error no stage
    if (io.epoch === 1) return next('list');
    // @ts-expect-error no stage
    if (io.epoch === 1) return next('mixed');
    return next('self');
  }
}
class Login {
  @Stage({entry:true}) async user(io: StageIo<Login>): Promise<Next<Login>> { io.snapshot({stage:'user'}); return done() }
  // @ts-expect-error no io
  @Stage() async wrong(io: number): Promise<Next<Login>> { return done() }
}

const login = defineService({ name:'login', version:1, entry:'user', fields: () => ({user: ''}), stages: { user: async (session, io) => {
  io.snapshot({stage:'user'});
  // @ts-expect-error no
  io.snapshot({stage:'usre'});
  session.user = 'x'; return Promise.resolve(done())} } });
export const x = defineService({
  name: 'x', version: 1, entry: 'a', fields: () => ({n: 1}), delegates: {login: {service: login, then: 'a'}, classy: {service: Login, then: 'b'}},
  stages: {
    a: async (session, io) => { session.n++; const user: string = session.login.user; io.snapshot({stage:'login'}); return Promise.resolve(user === '' ? next('login') : next('classy')) },
    // @ts-expect-error no such
    b: async (session) => {
      // @ts-expect-error no such
      session.login.usre = '';
      return Promise.resolve(next('lgoin')) },
  },
  moved: (session) => { session.login.user = ''; },
});
export const y = defineService({
  name: 'x', version: 1, entry: 'a', fields: () => ({n: 1}),
  // @ts-expect-error then
  delegates: {login: {service: login, then: 'aa'}},
  stages: {
    a: async () =>  Promise.resolve(next('login')),
  },
});
