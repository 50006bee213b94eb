// Snapshots: what goes in comes out at another member, and what can't travel is named.

import test from 'ava';
import fc from 'fast-check';
import { SnapshotInvalid, SnapshotMismatch, SnapshotNotSerialisable, SnapshotTooLarge } from '@migratory/framework';
import { FINISHED } from '@migratory/framework/internal/runtime/frame.js';
import { EMPTY_JOURNAL } from '@migratory/framework/internal/runtime/snapshot-record.js';
import { encodeValue, findObstacle } from '@migratory/framework/internal/snapshotable.js';
import { data } from '../support/arbitrary-data.js';
import { at, snapshotOf, snapshotService, type Fields, type Schema } from '../support/snapshot-service.js';

const box = snapshotService();

function roundTrip(value: unknown): unknown {
  const arrived: Fields = { value: undefined };
  const point = box.frame(arrived).restore(snapshotOf(box, { value }, 'body'));
  if (point.kind !== 'stage' || point.stage !== 'body') throw new Error('Another restart point arrived.');
  return arrived.value;
}

test('any data comes back as it was', (t) => {
  fc.assert(
    fc.property(data, (value) => {
      t.deepEqual(roundTrip(value), value);
    }),
    { numRuns: 500 },
  );
});

const fieldName = fc.stringMatching(/^[a-z][A-Za-z0-9]{0,6}$/);
const session = fc.dictionary(fieldName, data, { maxKeys: 6, noNullPrototype: true });
const journal = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme' }), data), {
  maxLength: 5,
  selector: ([key]) => key,
});

test('any fields and any recorded results come back, also at the member after the next', (t) => {
  fc.assert(
    fc.property(session, journal, journal, (fields, first, second) => {
      const service = snapshotService({ fields: () => ({ ...fields }) });
      const state = snapshotOf(service, { ...fields }, 'body', first);

      const atNext = service.frame({ ...fields });
      t.deepEqual(atNext.restore(state), at('body'));
      const results = new Map([...first, ...second]);
      let last = state;
      for (const [key, result] of second) last = atNext.record(key, result);

      const arrived: Fields = {};
      const afterNext = service.frame(arrived);
      t.deepEqual(afterNext.restore(last), at('body'));
      t.deepEqual(arrived, fields);
      for (const [key, result] of results) t.deepEqual(afterNext.recorded(key), { kind: 'recorded', result });
      t.is(afterNext.visit, 1);
    }),
    { numRuns: 200 },
  );
});

test('cycles and what is shared stay so, within a field and between fields', (t) => {
  const loop: { self?: unknown; twice: unknown[] } = { twice: [] };
  loop.self = loop;
  loop.twice.push(loop.twice);
  const back = roundTrip(loop) as typeof loop;
  t.is(back.self, back);
  t.is(back.twice[0], back.twice);

  const service = snapshotService({ fields: () => ({ a: [], b: [] }) });
  const shared: unknown[] = [1];
  const arrived: Fields = { a: [], b: [] };
  service.frame(arrived).restore(snapshotOf(service, { a: shared, b: shared }, 'body', [['loop', loop]]));
  t.is(arrived.a, arrived.b);
});

test('bytes keep their class and share no memory with the image', (t) => {
  t.true(Buffer.isBuffer(roundTrip(Buffer.from('ab'))));
  const image = snapshotOf(box, { value: [Uint8Array.of(1, 2, 3), Buffer.from('ab')] }, 'body');
  const arrived: Fields = { value: undefined };
  box.frame(arrived).restore(image);
  image.fill(0);
  t.deepEqual(arrived.value, [Uint8Array.of(1, 2, 3), Buffer.from('ab')]);
});

test('a later snapshot does not write over an earlier one, and neither keeps more memory than its own', (t) => {
  const fields = { value: 'a'.repeat(50) };
  const frame = box.frame(fields);
  const first = frame.encode(at('body'), 'cleared');
  t.is(first.buffer.byteLength, first.length);
  const kept = Uint8Array.from(first);
  for (let index = 0; index < 1_000; index++) {
    fields.value = 'b'.repeat(50);
    frame.encode(at('begin'), 'cleared');
  }
  t.deepEqual(Uint8Array.from(first), kept);
});

test('what a stage has recorded waits while there is a restart point of another one', (t) => {
  const frame = box.frame({ value: 1 });
  frame.encode(at('body'), 'cleared');
  frame.record('order', 42);
  const before = frame.encode(at('body'), 'kept');
  for (const stage of ['begin', 'body']) {
    const ahead = box.frame({ value: 0 });
    ahead.restore(frame.encode(at(stage), 'set-aside'));
    t.deepEqual(ahead.recorded('order'), { kind: 'new' }, 'it is none of its');
  }
  t.deepEqual(frame.encode(at('body'), 'kept'), before);
  t.deepEqual(frame.recorded('order'), { kind: 'recorded', result: 42 });
  frame.encode(at('begin'), 'set-aside');
  frame.encode(at('body'), 'cleared');
  frame.encode(at('body'), 'kept');
  t.deepEqual(frame.recorded('order'), { kind: 'new' }, 'it has been entered anew');
});

test('arrays with more or less than their elements, and keys that are no text, do not travel', (t) => {
  const holes = [1, 2, 3];
  Reflect.deleteProperty(holes, '1');
  const found: [value: unknown, path: string][] = [
    [holes, 'f'],
    [{ inside: Object.assign([1], { extra: 2 }) }, 'f.inside'],
    [/a(?<b>.)/.exec('ab'), 'f'],
    [{ ['\ud800']: 1 }, 'f'],
  ];
  for (const [value, path] of found) t.is(findObstacle(value, 'f')?.path, path);
  for (const value of [[], [undefined], ['ab'.split('')]]) t.is(findObstacle(value, 'f'), undefined);
});

test('a validator that answers no verdict refuses, and throws at nobody', (t) => {
  for (const answer of [undefined, null, { issues: 'many' }]) {
    const validate = {
      value: { '~standard': { version: 1, vendor: 'test', validate: () => answer } } as unknown as Schema,
    };
    const broken = snapshotService({ validate });
    t.throws(() => snapshotOf(broken, { value: 1 }, 'body'), { instanceOf: SnapshotInvalid });
    const examined = broken.format.examine(snapshotOf(box, { value: 1 }, 'body'));
    t.is(examined.kind === 'refused' ? examined.error.reason : undefined, 'invalid');
  }
});

test('a service that has finished sends none of its fields', (t) => {
  const frame = box.frame({ value: 'secret'.repeat(100) });
  frame.encode(at('body'), 'cleared');
  frame.record('key', 'result');
  const state = frame.encode(FINISHED, 'kept');
  t.false(Buffer.from(state).includes('secret'));
  t.false(Buffer.from(state).includes('result'));
  const arrived: Fields = { value: 'initial' };
  const restored = box.frame(arrived);
  t.deepEqual(restored.restore(state), FINISHED);
  t.deepEqual(arrived, { value: 'initial' });
  t.deepEqual(restored.recorded('key'), { kind: 'new' });
});

test('a result is added to the restart point as it was, and not to the fields as they are', (t) => {
  const fields = { value: { count: 1 } };
  const frame = box.frame(fields);
  frame.encode(at('body'), 'cleared');
  fields.value.count = 2;
  const result = { id: 7 };
  frame.record('first', result);
  result.id = 8;
  const state = frame.record('second', null);

  const arrived: Fields = { value: null };
  const restored = box.frame(arrived);
  restored.restore(state);
  t.deepEqual(arrived, { value: { count: 1 } });
  t.deepEqual(restored.recorded('first'), { kind: 'recorded', result: { id: 7 } });
  t.deepEqual(restored.recorded('second'), { kind: 'recorded', result: null });
  t.deepEqual(restored.recorded('third'), { kind: 'new' });
});

test('results stay with restart points inside their stage, here and after a move, and go when a stage is entered', (t) => {
  const frame = box.frame({ value: 1 });
  frame.encode(at('body'), 'cleared');
  frame.record('key', 'result');
  const inside = frame.encode(at('body'), 'kept');
  const moved = box.frame({ value: 0 });
  moved.restore(inside);
  t.deepEqual(moved.recorded('key'), { kind: 'recorded', result: 'result' });
  t.is(moved.visit, frame.visit);

  const again = box.frame({ value: 0 });
  again.restore(moved.encode(at('body'), 'kept'));
  t.deepEqual(again.recorded('key'), { kind: 'recorded', result: 'result' });

  const state = moved.encode(at('body'), 'cleared');
  t.deepEqual(moved.recorded('key'), { kind: 'new' });
  t.is(moved.visit, frame.visit + 1);
  again.restore(state);
  t.deepEqual(again.recorded('key'), { kind: 'new' });
});

class Account {
  readonly owner: string = 'nobody';
}

function nest(levels: number): unknown {
  let value: unknown = 'inside';
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

const obstacles: [value: unknown, path: string, found: string][] = [
  [() => 1, 'value', 'a function'],
  [Symbol('x'), 'value', 'a symbol'],
  ['half \ud800', 'value', 'a string with half a surrogate pair'],
  [Promise.resolve(), 'value', 'an instance of Promise'],
  [new Account(), 'value', 'an instance of Account'],
  [Object.create(Object.create(null) as object), 'value', 'an object of some class'],
  [new WeakMap(), 'value', 'an instance of WeakMap'],
  [{ filters: [1, 2, { test: () => 1 }] }, 'value.filters[2].test', 'a function'],
  [new Map([['a', new Account()]]), 'value{0}', 'an instance of Account'],
  [new Map([[new Account(), 1]]), 'value{key 0}', 'an instance of Account'],
  [new Set([1, Symbol('y')]), 'value{1}', 'a symbol'],
  [{ [Symbol('k')]: 1 }, 'value', 'an object with a symbol as key'],
  [JSON.parse('{"a":{"__proto__":1}}'), 'value.a', "an object with a key '__proto__'"],
  [nest(1_001), `value${'[0]'.repeat(1_000)}`, 'more than 1000 levels deep'],
];

for (const [value, path, found] of obstacles) {
  test(`${path.slice(0, 40)} that is ${found} is named with service, stage and field`, (t) => {
    const error = t.throws(() => snapshotOf(box, { value }, 'body'), { instanceOf: SnapshotNotSerialisable });
    t.like(error, { service: 'box', stage: 'body', field: 'value', path, found, code: 'snapshot-not-serialisable' });
    t.is(error.message, `box: the snapshot of stage 'body' can't hold the field 'value': ${path} is ${found}.`);
  });
}

test('a deep value that is admitted comes back', (t) => {
  t.deepEqual(JSON.stringify(roundTrip(nest(1_000))), JSON.stringify(nest(1_000)));
});

test('a result that cannot travel is named with its key, and nothing is recorded', (t) => {
  const frame = box.frame({ value: 1 });
  const before = frame.encode(at('body'), 'cleared');
  t.like(
    t.throws(() => frame.record('charge', { by: new Account() }), { instanceOf: SnapshotNotSerialisable }),
    { stage: 'body', path: 'io.once(charge).by', found: 'an instance of Account' },
  );
  t.throws(() => frame.record('half \udc00', 1), { instanceOf: SnapshotNotSerialisable });
  t.deepEqual(frame.recorded('charge'), { kind: 'new' });
  t.deepEqual(frame.encode(at('body'), 'kept'), before);
});

test('a snapshot beyond the limit says its size and what is large in it, and the restart point stays', (t) => {
  const service = snapshotService({ fields: () => ({ path: '', body: '', tail: '' }), snapshotLength: 500 });
  const fields = { path: 'abc', body: 'x', tail: 'y'.repeat(10) };
  const frame = service.frame(fields);
  frame.encode(at('body'), 'cleared');
  const state = frame.record('key', 'result');
  fields.body = 'x'.repeat(600);
  const error = t.throws(() => frame.encode(at('begin'), 'cleared'), { instanceOf: SnapshotTooLarge });
  t.like(error, { code: 'snapshot-too-large', stage: 'begin', limitLength: 500, largest: 'body' });
  t.true(error.length > 600 && error.length < 700);
  t.regex(error.message, /'begin' has 6\d\d bytes, more than the 500 .* 'body' alone has 603\./);

  t.like(
    t.throws(() => frame.record('receipt', 'z'.repeat(700)), { instanceOf: SnapshotTooLarge }),
    { largest: 'io.once(receipt)', stage: 'body' },
  );
  t.deepEqual(frame.recorded('key'), { kind: 'recorded', result: 'result' });
  t.deepEqual(frame.recorded('receipt'), { kind: 'new' });
  fields.body = 'x';
  t.deepEqual(frame.encode(at('body'), 'kept'), state);

  const large = snapshotService({ fields: () => ({ path: '', body: '', tail: '' }) });
  const examined = service.format.examine(snapshotOf(large, { path: '', body: 'x'.repeat(600), tail: '' }, 'body'));
  t.is(examined.kind === 'refused' ? examined.error.reason : undefined, 'too-large');
});

const typed: Fields = {
  text: '',
  count: 0,
  open: false,
  total: 0n,
  since: new Date(0),
  list: [],
  map: new Map(),
  set: new Set(),
  bytes: new Uint8Array(0),
};

for (const [name, ours] of Object.entries(typed)) {
  test(`a field '${name}' holds and accepts only values of its type`, (t) => {
    const service = snapshotService({ fields: () => ({ ...typed }) });
    for (const [other, value] of Object.entries(typed)) {
      const fields = { ...typed, [name]: value };
      if (other === name) {
        t.deepEqual(Object.keys(fields), Object.keys(typed));
        t.notThrows(() => snapshotOf(service, fields, 'body'));
        continue;
      }
      t.like(
        t.throws(() => snapshotOf(service, fields, 'body'), { instanceOf: SnapshotInvalid }),
        { field: name, stage: 'body', code: 'snapshot-invalid' },
      );
      const values = service.plan.fields.map((field) => fields[field.name]);
      const names = service.plan.fields.map((field) => field.name);
      const hostile = Buffer.concat([
        encodeValue([2, 'box', 1, service.plan.fingerprint, names]),
        encodeValue(['body', 1, ...values]),
        EMPTY_JOURNAL,
      ]);
      const examined = service.format.examine(hostile);
      t.is(examined.kind === 'refused' ? examined.error.reason : undefined, 'unreadable');
      t.true(examined.kind === 'refused' && examined.error.message.includes(`'${name}'`));
    }
    for (const nothing of [undefined, null]) {
      t.notThrows(() => snapshotOf(service, { ...typed, [name]: nothing }, 'body'));
    }
    t.not(ours, undefined);
  });
}

function tryRestore(state: Uint8Array): 'restored' | SnapshotMismatch {
  const examined = box.format.examine(state);
  const fields: Fields = { value: 'initial' };
  try {
    box.frame(fields).restore(state);
    if (examined.kind === 'refused') throw new Error('What was refused could be restored.');
    return 'restored';
  } catch (error) {
    if (!(error instanceof SnapshotMismatch)) throw error;
    if (examined.kind === 'usable') throw new Error('What was usable could not be restored.', { cause: error });
    if (fields.value !== 'initial') throw new Error('A refused snapshot has changed a field.', { cause: error });
    return error;
  }
}

test('a snapshot that was cut short, or goes on behind its end, is refused', (t) => {
  const value = { text: 'abc', list: [1, 2, 3], map: new Map([['a', 1n]]) };
  const results: [string, unknown][] = [
    ['a', 1],
    ['b', { c: 'd' }],
  ];
  const states = [
    snapshotOf(box, { value }, 'body'),
    snapshotOf(box, { value }, 'body', results),
    box.frame({ value }).encode(FINISHED, 'cleared'),
    encodeValue([1, 'box', 1, box.plan.fingerprint, 'begin', [value]]),
  ];
  for (const state of states) {
    t.is(tryRestore(state), 'restored');
    const others = Array.from(state, (_, length) => state.slice(0, length));
    for (const other of [...others, Buffer.concat([state, Buffer.of(0x90)])]) {
      const outcome = tryRestore(other);
      t.is(outcome === 'restored' ? outcome : outcome.reason, 'unreadable', `${other.length} bytes`);
    }
  }
});

test('a snapshot that was changed is refused or restored whole, and never any other error', (t) => {
  const value = { text: 'abc', list: [1, 2, 3], at: new Date(5), bytes: Buffer.from('xyz'), big: 3n ** 50n };
  const states = [
    snapshotOf(box, { value }, 'body', [['key', new Map([[1, value]])]]),
    encodeValue([1, 'box', 1, box.plan.fingerprint, 'begin', [value]]),
  ];
  for (const state of states) {
    for (let position = 0; position < state.length; position++) {
      for (const flip of [1, 2, 4, 8, 16, 32, 64, 128, 255, 0x55]) {
        const changed = Uint8Array.from(state);
        changed[position] = (changed[position] ?? 0) ^ flip;
        tryRestore(changed);
      }
    }
  }
  t.pass();
});

test('random bytes, alone and in place of a part, are refused or restored whole', (t) => {
  const state = snapshotOf(box, { value: [1, { a: 'b' }] }, 'body', [['key', 'result']]);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(state.length), fc.nat(20), (bytes, from, length) => {
      tryRestore(bytes);
      tryRestore(Buffer.concat([state.subarray(0, from), bytes, state.subarray(from + length)]));
    }),
    { numRuns: 5_000 },
  );
  t.pass();
});

test('lengths far beyond the bytes that are there cost nothing', (t) => {
  const header = encodeValue([2, 'box', 1, box.plan.fingerprint, ['value']]);
  for (const claim of ['dd01000000', 'ddffffffff', 'dfffffffff', 'dbffffffff', 'c6ffffffff', 'c9ffffffff74']) {
    const hostile = Buffer.concat([header, Buffer.from(`93a4626f647901${claim}`, 'hex')]);
    const outcome = tryRestore(hostile);
    t.is(outcome === 'restored' ? outcome : outcome.reason, 'unreadable', claim);
  }
});
