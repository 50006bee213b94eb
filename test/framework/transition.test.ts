// Transitions: the type checker knows the stages of a service.

import test from 'ava';
import { defineService, done, next, type Next } from '@migratory/framework';
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
