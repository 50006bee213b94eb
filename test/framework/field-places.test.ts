// Where fields are: in the service and in its delegates, inside of the snapshot and outside.

import test from 'ava';
import { compile, defineService, FieldNotSnapshotted, SnapshotInvalid, type StagePlan } from '@migratory/framework';
import {
  at,
  finish,
  ofDefinition,
  snapshotOf,
  snapshotService,
  type Fields,
  type Schema,
} from '../support/snapshot-service.js';

const box = snapshotService();

test('a field outside the snapshot that changed is named', (t) => {
  const shared = { used: 0 };
  const fields: Fields = { value: 1, shared, count: 0, nothing: NaN };
  const frame = box.frame(fields);
  fields.value = 2;
  shared.used = 1;
  t.notThrows(() => frame.checkAllFields('body'));
  fields.count = 1;
  const error = t.throws(() => frame.checkKnownFields('body'), { instanceOf: FieldNotSnapshotted });
  t.like(error, { service: 'box', stage: 'body', field: 'count', code: 'field-not-snapshotted' });
  fields.count = 0;
  fields.added = undefined;
  t.notThrows(() => frame.checkKnownFields('body'));
  t.like(
    t.throws(() => frame.checkAllFields('body'), { instanceOf: FieldNotSnapshotted }),
    { field: 'added' },
  );
});

test('connections with other values, or with other fields, are told apart', (t) => {
  const [one, other, more]: Fields[] = [
    { value: 1, id: 1 },
    { value: 1, id: 2 },
    { value: 1, extra: 1, id: 1 },
  ];
  const frames = [one, other, more, one].map((fields) => box.frame(fields ?? {}));
  for (const frame of frames) t.notThrows(() => frame.checkAllFields('body'));
  if (other !== undefined) other.id = 1;
  t.like(
    t.throws(() => frames[1]?.checkKnownFields('body'), { instanceOf: FieldNotSnapshotted }),
    { field: 'id' },
  );
  if (one !== undefined) one.extra = 1;
  t.throws(() => frames[3]?.checkAllFields('body'), { instanceOf: FieldNotSnapshotted });
});

/** A service with a delegate that has a delegate, as its plan says it; `login.mfa.code` is the field of the inner one. */
function delegatingService() {
  const schema: Schema = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => (value === 'root' ? { issues: [{ message: 'not root' }] } : { value }),
    },
  };
  const innermost = defineService({
    name: 'mfa',
    version: 1,
    entry: 'begin',
    fields: () => ({ code: 0 }),
    stages: { begin: finish },
  });
  const login = defineService({
    name: 'login',
    version: 1,
    entry: 'begin',
    fields: () => ({ user: '' }),
    stages: { begin: finish },
    validate: { user: schema },
  });
  const outer = defineService({
    name: 'box',
    version: 1,
    entry: 'begin',
    fields: () => ({ total: 0, 'log.level': '' }),
    stages: { begin: finish },
  });
  const inLogin = { name: 'mfa', placement: 'as-intended', then: 'begin', definition: () => innermost } as const;
  const inOuter = {
    name: 'login',
    placement: 'as-intended',
    then: 'begin',
    definition: () => ({ ...login, delegates: [inLogin] }),
  } as const;
  const plan: StagePlan = {
    ...compile(outer),
    fields: [
      { name: 'log.level', type: 'string', guard: 'unguarded' },
      { name: 'login.mfa.code', type: 'number', guard: 'unguarded' },
      { name: 'login.user', type: 'string', guard: 'validated' },
      { name: 'total', type: 'number', guard: 'unguarded' },
    ],
    delegates: [
      { name: 'login.mfa', entry: 'login.mfa.begin', then: 'begin' },
      { name: 'login', entry: 'login.begin', then: 'begin' },
    ],
  };
  return ofDefinition({ ...outer, delegates: [inOuter] }, 1_000, plan);
}

function delegatingSession(user: string, code: number) {
  return { total: 1, 'log.level': 'info', login: { user, tries: 0, mfa: { code, secret: 's' } } };
}

test('fields of delegates travel with those of their owner, and go back into the objects that are there', (t) => {
  const service = delegatingService();
  const state = snapshotOf(service, delegatingSession('ada', 42), 'begin');
  const arrived = { ...delegatingSession('', 0), total: 0, 'log.level': '' };
  const { login } = arrived;
  const { mfa } = login;
  const frame = service.frame(arrived);
  frame.restore(state);
  t.deepEqual(arrived, delegatingSession('ada', 42));
  t.is(arrived.login, login);
  t.is(arrived.login.mfa, mfa);
  t.notThrows(() => frame.checkAllFields('begin'));
});

test("a delegate's validator guards its field", (t) => {
  const service = delegatingService();
  t.like(
    t.throws(() => snapshotOf(service, delegatingSession('root', 1), 'begin'), { instanceOf: SnapshotInvalid }),
    { field: 'login.user', because: 'not root' },
  );
});

const losses: [field: string, change: (session: Fields & { login: Fields & { mfa: Fields } }) => void][] = [
  ['login.tries', (session) => (session.login.tries = 1)],
  ['login.mfa.secret', (session) => (session.login.mfa.secret = 't')],
  ['login.mfa.added', (session) => (session.login.mfa.added = 't')],
  ['login', (session) => (session.login = { ...session.login })],
  ['login.mfa', (session) => (session.login.mfa = { ...session.login.mfa })],
  ['login', (session) => delete (session as Fields).login],
];

for (const [field, change] of losses) {
  test(`in a delegate ${field} is named when it would be lost: ${change.toString().slice(13, 40)}`, (t) => {
    const session = delegatingSession('ada', 42);
    const frame = delegatingService().frame(session);
    t.notThrows(() => frame.checkAllFields('begin'));
    change(session);
    t.like(
      t.throws(() => frame.checkAllFields('begin'), { instanceOf: FieldNotSnapshotted }),
      { field },
    );
  });
}

test('a delegate that is gone is no snapshot without it', (t) => {
  const session: Fields = delegatingSession('ada', 42);
  const frame = delegatingService().frame(session);
  session.login = undefined;
  t.like(
    t.throws(() => frame.encode(at('begin'), 'cleared'), { instanceOf: FieldNotSnapshotted }),
    { field: 'login' },
  );
});
