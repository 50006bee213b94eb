// Snapshots: what goes in comes out at another member, and what can't travel is named.

import test from 'ava';
import fc from 'fast-check';
import {
  compile,
  FieldNotSnapshotted,
  SnapshotMismatch,
  SnapshotNotSerialisable,
  defineService,
  done,
} from '@migratory/framework';
import { Frame, FINISHED } from '@migratory/framework/internal/runtime/frame.js';
import type { Session } from '@migratory/framework/internal/runtime/handler.js';
import { encodeValue } from '@migratory/framework/internal/snapshotable.js';
import { FileSession } from '../support/framework-services.js';

const finish = async (): Promise<ReturnType<typeof done>> => Promise.resolve(done());

function planWith(
  change: { name?: string; version?: number; fields?: () => object; stages?: Record<string, typeof finish> } = {},
) {
  const stages = change.stages ?? { begin: finish, body: finish };
  const form = { name: 'box', version: 1, entry: 'begin', fields: () => ({ value: null }), ...change, stages };
  return compile(defineService(form));
}

const plan = planWith();

function roundTrip(value: unknown): unknown {
  const state = new Frame(plan, { value }).encode({ kind: 'stage', stage: 'body' });
  const arrived: Session = { value: undefined };
  const point = new Frame(plan, arrived).restore(Uint8Array.from(state));
  if (point.kind !== 'stage' || point.stage !== 'body') throw new Error('Another restart point arrived.');
  return arrived.value;
}

const scalar = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.integer(),
  fc.double().map((value) => (Object.is(value, -0) ? 0 : value)),
  fc.boolean(),
  fc.bigInt(),
  fc.constantFrom(
    null,
    undefined,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    2 ** 31,
    -(2 ** 31) - 1,
    2n ** 63n,
    -(2n ** 64n),
  ),
  fc.date(),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Uint8Array.from(bytes)),
);
const key = fc.string().filter((name) => name !== '__proto__');
const { data } = fc.letrec((tie) => ({
  data: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie('data'), { maxLength: 4 }),
    fc.dictionary(key, tie('data'), { maxKeys: 4, noNullPrototype: true }),
    fc.array(fc.tuple(scalar, tie('data')), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(scalar, { maxLength: 4 }).map((items) => new Set(items)),
  ),
}));

test('any data comes back as it was', (t) => {
  fc.assert(
    fc.property(data, (value) => {
      t.deepEqual(roundTrip(value), value);
    }),
    { numRuns: 500 },
  );
});

test('cycles and what is shared stay so', (t) => {
  const loop: { self?: unknown; twice: unknown[] } = { twice: [] };
  loop.self = loop;
  loop.twice.push(loop.twice);
  const back = roundTrip(loop) as typeof loop;
  t.is(back.self, back);
  t.is(back.twice[0], back.twice);
});

test('bytes keep their class and share no memory with the image', (t) => {
  t.true(Buffer.isBuffer(roundTrip(Buffer.from('ab'))));
  const state = new Frame(plan, { value: [Uint8Array.of(1, 2, 3), Buffer.from('ab')] }).encode(FINISHED);
  const image = Uint8Array.from(state);
  const arrived: Session = { value: undefined };
  t.is(new Frame(plan, arrived).restore(image).kind, 'finished');
  image.fill(0);
  t.deepEqual(arrived.value, [Uint8Array.of(1, 2, 3), Buffer.from('ab')]);
});

test('a later snapshot does not write over an earlier one', (t) => {
  const session = { value: 'a'.repeat(50) };
  const frame = new Frame(plan, session);
  const first = frame.encode({ kind: 'stage', stage: 'body' });
  const kept = Uint8Array.from(first);
  for (let index = 0; index < 1_000; index++) {
    session.value = 'b'.repeat(50);
    frame.encode({ kind: 'stage', stage: 'begin' });
  }
  t.deepEqual(Uint8Array.from(first), kept);
});

class Account {
  readonly owner: string = 'nobody';
}

const obstacles: [value: unknown, path: string, found: string][] = [
  [() => 1, 'value', 'a function'],
  [Symbol('x'), 'value', 'a symbol'],
  ['half \ud800', 'value', 'a string with half a surrogate pair'],
  [Promise.resolve(), 'value', 'an instance of Promise'],
  [new Account(), 'value', 'an instance of Account'],
  [new WeakMap(), 'value', 'an instance of WeakMap'],
  [{ filters: [1, 2, { test: () => 1 }] }, 'value.filters[2].test', 'a function'],
  [new Map([['a', new Account()]]), 'value{0}', 'an instance of Account'],
  [new Map([[new Account(), 1]]), 'value{key 0}', 'an instance of Account'],
  [new Set([1, Symbol('y')]), 'value{1}', 'a symbol'],
  [{ [Symbol('k')]: 1 }, 'value', 'an object with a symbol as key'],
  [JSON.parse('{"a":{"__proto__":1}}'), 'value.a', "an object with a key '__proto__'"],
];

for (const [value, path, found] of obstacles) {
  test(`${path} that is ${found} is named with service, stage and field`, (t) => {
    const frame = new Frame(plan, { value });
    const error = t.throws(() => frame.encode({ kind: 'stage', stage: 'body' }), {
      instanceOf: SnapshotNotSerialisable,
    });
    t.like(error, { service: 'box', stage: 'body', field: 'value', path, found, code: 'snapshot-not-serialisable' });
    t.is(error.message, `box: the snapshot of stage 'body' can't hold the field 'value': ${path} is ${found}.`);
  });
}

test('snapshots of another service, version, plan, format or stage are refused, each for its reason', (t) => {
  const reasonOf = (state: Uint8Array): string | undefined =>
    t.throws(() => new Frame(plan, { value: null }).restore(state), { instanceOf: SnapshotMismatch })?.reason;
  const snapshotOf = (other: typeof plan, session: Session): Uint8Array =>
    new Frame(other, session).encode({ kind: 'stage', stage: 'begin' });

  t.is(reasonOf(snapshotOf(compile(FileSession), { path: '', offset: 0 })), 'other-service');
  t.is(reasonOf(snapshotOf(planWith({ version: 2 }), { value: 1 })), 'other-version');
  t.is(reasonOf(snapshotOf(planWith({ fields: () => ({ value: 0 }) }), { value: 1 })), 'other-plan');
  t.is(reasonOf(snapshotOf(planWith({ stages: { begin: finish } }), { value: 1 })), 'other-plan');
  t.is(reasonOf(encodeValue([2, 'box', 1, plan.fingerprint, 'begin', [1]])), 'other-format');
  t.is(reasonOf(encodeValue([1, 'box', 1, plan.fingerprint, 'elsewhere', [1]])), 'unknown-stage');
  t.is(reasonOf(encodeValue([1, 'box', 1, plan.fingerprint, 'begin', []])), 'unreadable');
  t.is(reasonOf(encodeValue('text')), 'unreadable');
  t.is(reasonOf(new Uint8Array(0)), 'unreadable');
});

test('a snapshot that was cut short or changed is refused or restored whole, and never any other error', (t) => {
  const state = new Frame(plan, { value: { text: 'abc', list: [1, 2, 3] } }).encode({ kind: 'stage', stage: 'body' });
  for (let length = 0; length < state.length; length++) {
    t.throws(() => new Frame(plan, { value: null }).restore(state.slice(0, length)), { instanceOf: SnapshotMismatch });
  }
  for (let at = 0; at < state.length; at++) {
    for (const flip of [0x01, 0x80, 0xff]) {
      const changed = state.slice();
      changed[at] = (changed[at] ?? 0) ^ flip;
      try {
        new Frame(plan, { value: null }).restore(changed);
      } catch (error) {
        t.true(error instanceof SnapshotMismatch);
      }
    }
  }
});

test('a field outside the snapshot that changed is named', (t) => {
  const shared = { used: 0 };
  const session: Session = { value: 1, shared, count: 0, nothing: NaN };
  const frame = new Frame(plan, session);
  session.value = 2;
  shared.used = 1;
  t.notThrows(() => frame.checkAllFields('body'));
  session.count = 1;
  const error = t.throws(() => frame.checkKnownFields('body'), { instanceOf: FieldNotSnapshotted });
  t.like(error, { service: 'box', stage: 'body', field: 'count', code: 'field-not-snapshotted' });
  session.count = 0;
  session.added = undefined;
  t.notThrows(() => frame.checkKnownFields('body'));
  t.like(
    t.throws(() => frame.checkAllFields('body'), { instanceOf: FieldNotSnapshotted }),
    { field: 'added' },
  );
});
