// Versions: which snapshots a service goes on from, what upgrades make of older ones, and what validators refuse.

import test from 'ava';
import { z } from 'zod';
import { SnapshotInvalid, type SnapshotContent, type SnapshotMismatchReason } from '@migratory/framework';
import { FINISHED } from '@migratory/framework/internal/runtime/frame.js';
import { encodeValue } from '@migratory/framework/internal/snapshotable.js';
import {
  at,
  snapshotOf,
  snapshotService,
  type Fields,
  type Schema,
  type SnapshotService,
} from '../support/snapshot-service.js';

function refusal(service: SnapshotService, state: Uint8Array): { reason: SnapshotMismatchReason; message: string } {
  const examined = service.format.examine(state);
  if (examined.kind === 'usable') throw new Error('The snapshot is usable.');
  const session: Fields = {};
  try {
    service.frame(session).restore(state);
  } catch (error) {
    if (!(error instanceof Error) || error.message !== examined.error.message) throw error;
    return examined.error;
  }
  throw new Error('A refused snapshot was restored.');
}

const box = snapshotService();

/** The bytes of a snapshot of format 2, whether or not anybody would take it. */
function format2(header: unknown, point: unknown, journal: unknown = []): Uint8Array {
  return Buffer.concat([header, point, journal].map(encodeValue));
}

test('snapshots of another service, version, plan, format or stage are refused, each for its reason', (t) => {
  const { fingerprint } = box.plan;
  const header2 = [2, 'box', 1, fingerprint, ['value']];
  const reasons: [SnapshotMismatchReason, Uint8Array][] = [
    ['other-service', snapshotOf(snapshotService({ name: 'other' }), { value: 1 }, 'begin')],
    ['newer-version', snapshotOf(snapshotService({ version: 2 }), { value: 1 }, 'begin')],
    ['other-plan', snapshotOf(snapshotService({ fields: () => ({ value: 0 }) }), { value: 1 }, 'begin')],
    ['other-plan', snapshotOf(snapshotService({ stages: ['begin'] }), { value: 1 }, 'begin')],
    ['other-format', encodeValue([3, 'box', 1, fingerprint, 'begin', [1]])],
    ['other-format', Buffer.concat([encodeValue([3, 'box']), Buffer.of(0xc1, 0xff)])],
    ['unknown-stage', encodeValue([1, 'box', 1, fingerprint, 'elsewhere', [1]])],
    ['unknown-stage', format2([2, 'box', 1, fingerprint, ['value']], ['elsewhere', 1, 1])],
    ['unreadable', encodeValue([1, 'box', 1, fingerprint, 'begin', []])],
    ['unreadable', encodeValue([1, 'box', 1, fingerprint, undefined, [1]])],
    ['unreadable', format2([2, 'box', 1, fingerprint, ['value']], ['begin', 1])],
    ['unreadable', format2([2, 'box', 1, fingerprint, ['value']], ['begin', -1, 1])],
    ['unreadable', format2([2, 'box', 1, fingerprint, ['other']], ['begin', 1, 1])],
    ['unreadable', format2([2, 'box', 1, fingerprint, ['value', 'value']], ['begin', 1, 1, 1])],
    ['unreadable', format2([2, 'box', 1, fingerprint, [1]], ['begin', 1, 1])],
    ['unreadable', format2([2, 'box', 0.5, fingerprint, ['value']], ['begin', 1, 1])],
    ['unreadable', format2([2, 'box', 1, 5, ['value']], ['begin', 1, 1])],
    ['unreadable', format2([2, 'box', 1, fingerprint, ['value']], 'begin')],
    ['unreadable', format2(header2, ['begin', 1, /a regular expression/])],
    ['unreadable', format2(header2, ['begin', 1, 1], [['key', /a regular expression/]])],
    ['unreadable', format2(header2, ['begin', 1, 1], [['key']])],
    ['unreadable', format2(header2, ['begin', 1, 1], [[5, 'result']])],
    ['unreadable', format2(header2, ['begin', 1, 1], 'results')],
    ['unreadable', encodeValue('text')],
    ['unreadable', new Uint8Array(0)],
  ];
  for (const [reason, state] of reasons) t.is(refusal(box, state).reason, reason, Buffer.from(state).toString());
});

test('another plan under the same version is told by the fields that differ', (t) => {
  const ours = snapshotService({ fields: () => ({ path: '', offset: 0 }) });
  const theirs = snapshotService({ fields: () => ({ path: '', position: 0 }) });
  const { message } = refusal(ours, snapshotOf(theirs, { path: '', position: 0 }, 'begin'));
  t.regex(message, /the field 'offset' is not in it; its field 'position' is not known here, under the same version 1/);
  const retyped = snapshotService({ fields: () => ({ path: '', offset: '' }) });
  t.regex(refusal(ours, snapshotOf(retyped, { path: '', offset: '' }, 'begin')).message, /their types or the stages/);
});

test('a snapshot of format 1 of the very same plan is gone on from, and results can be added to it', (t) => {
  const state = encodeValue([1, 'box', 1, box.plan.fingerprint, 'body', [{ a: 1 }]]);
  const session: Fields = { value: null };
  const frame = box.frame(session);
  t.deepEqual(frame.restore(state), at('body'));
  t.deepEqual(session, { value: { a: 1 } });
  session.value = 'later';
  const next: Fields = { value: null };
  const atNext = box.frame(next);
  t.deepEqual(atNext.restore(frame.record('key', 5n)), at('body'));
  t.deepEqual(next, { value: { a: 1 } });
  t.deepEqual(atNext.recorded('key'), { kind: 'recorded', result: 5n });
});

// Versions 1, 2 and 4 of a service. Version 3 changed nothing that 2 has, and 2's upgrade leads to 4.
const first = snapshotService({ fields: () => ({ path: '', offset: 0 }), stages: ['begin', 'body', 'wait'] });
const upgradeFrom1 = ({ stage, fields }: SnapshotContent): SnapshotContent => ({
  stage,
  fields: { path: fields.path, position: BigInt(fields.offset as number) },
});
const second = snapshotService({
  version: 2,
  fields: () => ({ path: '', position: 0n }),
  stages: ['begin', 'body', 'wait'],
  upgrades: { 1: upgradeFrom1 },
});
const fourth = snapshotService({
  version: 4,
  fields: () => ({ segments: [], position: 0n }),
  stages: ['begin', 'body', 'pause'],
  upgrades: {
    2: ({ stage, fields }) => ({
      stage: stage === 'wait' ? 'pause' : stage,
      fields: { segments: String(fields.path).split('/'), position: fields.position },
    }),
    1: upgradeFrom1,
  },
});

function restored(service: SnapshotService, state: Uint8Array) {
  const session: Fields = {};
  const frame = service.frame(session);
  return { point: frame.restore(state), session, frame };
}

test('upgrades lead from any older version to this one, in ascending order', (t) => {
  const of1 = snapshotOf(first, { path: 'a/b', offset: 7 }, 'wait');
  const of2 = snapshotOf(second, { path: 'c', position: 9n }, 'body');
  t.like(restored(second, of1), { point: at('wait'), session: { path: 'a/b', position: 7n } });
  t.like(restored(fourth, of1), { point: at('pause'), session: { segments: ['a', 'b'], position: 7n } });
  t.like(restored(fourth, of2), { point: at('body'), session: { segments: ['c'], position: 9n } });
  const examined = fourth.format.examine(of1);
  t.is(examined.kind === 'usable' ? examined.fromVersion : undefined, 1);
});

test('what was upgraded is sent on as a snapshot of this version', (t) => {
  const { frame } = restored(fourth, snapshotOf(first, { path: 'a/b', offset: 7 }, 'body', [['before', 1]]));
  t.is(frame.visit, 1);
  const again = restored(fourth, frame.record('after', 2));
  t.like(again, { point: at('body'), session: { segments: ['a', 'b'], position: 7n } });
  t.deepEqual(again.frame.recorded('before'), { kind: 'recorded', result: 1 });
  t.deepEqual(again.frame.recorded('after'), { kind: 'recorded', result: 2 });
  t.is(refusal(second, frame.record('more', 3)).reason, 'newer-version');
});

test('recorded results go along to the stage of the same name, and are never dropped', (t) => {
  const inBody = restored(fourth, snapshotOf(first, { path: '', offset: 0 }, 'body', [['charge', 'c-1']]));
  t.deepEqual(inBody.frame.recorded('charge'), { kind: 'recorded', result: 'c-1' });
  const inWait = refusal(fourth, snapshotOf(first, { path: '', offset: 0 }, 'wait', [['charge', 'c-1']]));
  t.is(inWait.reason, 'upgrade-failed');
  t.regex(inWait.message, /stage 'wait' has recorded 'charge', the upgraded snapshot goes on at 'pause'/);
  t.like(restored(fourth, snapshotOf(first, { path: '', offset: 0 }, 'wait')), { point: at('pause') });
});

test('a version that no upgrade leads on from is refused, and so is one of format 1, without names', (t) => {
  const third = snapshotService({ version: 3, fields: () => ({ path: '', position: 0n }) });
  const error = refusal(fourth, snapshotOf(third, { path: '', position: 0n }, 'begin'));
  t.is(error.reason, 'other-version');
  t.regex(error.message, /no upgrade leads on from version 3, and this is version 4/);
  const onlyFrom2 = snapshotService({ version: 3, upgrades: { 2: (content) => content } });
  t.is(refusal(onlyFrom2, snapshotOf(box, { value: 1 }, 'begin')).reason, 'other-version');
  t.is(refusal(snapshotService({ version: 2 }), snapshotOf(box, { value: 1 }, 'begin')).reason, 'other-version');
  const old = encodeValue([1, 'box', 1, first.plan.fingerprint, 'body', [0, '']]);
  t.is(refusal(fourth, old).reason, 'other-version');
});

test('what no member of an older version would have sent never gets to its upgrade', (t) => {
  const service = snapshotService({
    version: 2,
    upgrades: { 1: () => ({ stage: 'begin', fields: { value: 'made' } }) },
  });
  t.like(restored(service, format2([2, 'box', 1, 'any', ['a', 'b']], ['old', 3, 1, 2])), {
    session: { value: 'made' },
  });
  t.is(refusal(service, format2([2, 'box', 1, 'any', ['a', 'b']], ['old', 3, 1])).reason, 'unreadable');
  t.is(refusal(service, format2([2, 'box', 1, 'any', ['a', 'a']], ['old', 3, 1, 2])).reason, 'unreadable');
});

test('a service that has finished needs no upgrade, nor a version that is known', (t) => {
  for (const service of [first, second, fourth, snapshotService({ version: 3 })]) {
    const finished = service
      .frame({ ...service, path: '', offset: 0, position: 0n, segments: [] })
      .encode(FINISHED, 'cleared');
    for (const other of [first, second, fourth]) t.deepEqual(restored(other, finished).point, FINISHED);
  }
  const ended = snapshotService({
    version: 2,
    upgrades: { 1: () => ({ stage: undefined, fields: {} }) },
  });
  t.deepEqual(restored(ended, snapshotOf(box, { value: 1 }, 'begin')).point, FINISHED);
});

const right = { path: '', offset: 0 };
const failures: [
  what: string,
  make: (content: SnapshotContent) => unknown,
  reason: SnapshotMismatchReason,
  says: RegExp,
][] = [
  [
    'throws',
    () => {
      throw new Error('no idea');
    },
    'upgrade-failed',
    /the upgrade from version 1 failed: no idea, and this is version 2/,
  ],
  [
    'throws no error',
    () => {
      throw Object.create(null) as Error;
    },
    'upgrade-failed',
    /failed: a object was thrown/,
  ],
  ['is asynchronous', async () => Promise.reject(new Error('late')), 'upgrade-failed', /is asynchronous/],
  ['answers nothing', () => undefined, 'upgrade-failed', /answered no \{ stage, fields \}/],
  ['answers no fields', () => ({ stage: 'body', fields: null }), 'upgrade-failed', /answered no/],
  ['answers no stage', () => ({ stage: 5, fields: right }), 'upgrade-failed', /answered no/],
  [
    'fails when it is read',
    () => ({
      stage: 'body',
      fields: {
        ...right,
        get path() {
          throw new Error('unread');
        },
      },
    }),
    'upgrade-failed',
    /failed: unread/,
  ],
  [
    'leaves a field out',
    () => ({ stage: 'body', fields: { path: '' } }),
    'upgrade-failed',
    /the field 'offset' is missing/,
  ],
  [
    'leaves a field in',
    () => ({ stage: 'body', fields: { ...right, value: 1 } }),
    'upgrade-failed',
    /'value' is none of version 2/,
  ],
  [
    'makes another type',
    () => ({ stage: 'body', fields: { ...right, offset: '0' } }),
    'upgrade-failed',
    /'offset': it is a string, and the field is declared as number/,
  ],
  [
    'makes what cannot travel',
    () => ({ stage: 'body', fields: { path: 'half \ud800', offset: 0 } }),
    'upgrade-failed',
    /'path': path is a string with half/,
  ],
  [
    'makes what is invalid',
    () => ({ stage: 'body', fields: { ...right, offset: -1 } }),
    'upgrade-failed',
    /'offset': .*>=0/,
  ],
  [
    'makes too much',
    () => ({ stage: 'body', fields: { ...right, path: 'x'.repeat(2_000) } }),
    'too-large',
    /'path' alone/,
  ],
  ['goes elsewhere', () => ({ stage: 'elsewhere', fields: right }), 'unknown-stage', /'elsewhere'/],
];

for (const [what, make, reason, says] of failures) {
  test(`an upgrade that ${what} is a refusal that says so`, (t) => {
    const service = snapshotService({
      version: 2,
      fields: () => ({ ...right }),
      validate: { offset: z.number().min(0) },
      upgrades: { 1: make as (content: SnapshotContent) => SnapshotContent },
      snapshotLength: 1_000,
    });
    const error = refusal(service, snapshotOf(box, { value: 1 }, 'begin'));
    t.is(error.reason, reason);
    t.regex(error.message, says);
  });
}

test('an upgrade cannot change the results, nor the snapshot that the next examination sees', (t) => {
  const service = snapshotService({
    version: 2,
    upgrades: {
      1: ({ stage, fields }) => {
        (fields.value as unknown[]).push('more');
        return { stage, fields };
      },
    },
  });
  const state = snapshotOf(box, { value: [1] }, 'begin', [['key', [1]]]);
  for (let time = 0; time < 2; time++) {
    const { session, frame } = restored(service, state);
    t.deepEqual(session, { value: [1, 'more'] });
    t.deepEqual(frame.recorded('key'), { kind: 'recorded', result: [1] });
  }
});

function schema(validate: Schema['~standard']['validate']): Schema {
  return { '~standard': { version: 1, vendor: 'test', validate } };
}

const guarded = snapshotService({
  fields: () => ({ port: 0, name: '' }),
  validate: {
    port: z.number().int().max(65_535),
    name: schema((value) => (value === 'root' ? { issues: [{ message: 'must not be root' }] } : { value: 'other' })),
  },
});

test('a validator refuses values when a snapshot is taken, and names field and reason', (t) => {
  t.notThrows(() => snapshotOf(guarded, { port: 80, name: 'www' }, 'body'));
  const error = t.throws(() => snapshotOf(guarded, { port: 80, name: 'root' }, 'body'), {
    instanceOf: SnapshotInvalid,
  });
  t.like(error, {
    service: 'box',
    stage: 'body',
    field: 'name',
    because: 'must not be root',
    code: 'snapshot-invalid',
  });
  t.is(error.message, "box: the snapshot of stage 'body' can't hold the value of the field 'name': must not be root.");
  t.like(
    t.throws(() => snapshotOf(guarded, { port: 70_000, name: '' }, 'body'), { instanceOf: SnapshotInvalid }),
    { field: 'port' },
  );
});

test('a validator refuses values that arrive, and does not change those that it admits', (t) => {
  const open = snapshotService({ fields: () => ({ port: 0, name: '' }) });
  t.is(open.plan.fingerprint, guarded.plan.fingerprint);
  const { session } = restored(guarded, snapshotOf(open, { port: 80, name: 'www' }, 'body'));
  t.deepEqual(session, { port: 80, name: 'www' });
  const error = refusal(guarded, snapshotOf(open, { port: 80, name: 'root' }, 'body'));
  t.is(error.reason, 'invalid');
  t.regex(error.message, /the field 'name': must not be root/);
  t.is(refusal(guarded, snapshotOf(open, { port: -0.5, name: '' }, 'body')).reason, 'invalid');
});

test('a validator that is asynchronous, throws or says nothing is a refusal all the same', (t) => {
  const says = (validate: Schema['~standard']['validate']): string | undefined => {
    const service = snapshotService({ validate: { value: schema(validate) } });
    return t.throws(() => snapshotOf(service, { value: 1 }, 'body'), { instanceOf: SnapshotInvalid })?.because;
  };
  t.regex(says(async (value) => Promise.resolve({ value })) ?? '', /validates asynchronously/);
  t.regex(says(async () => Promise.reject(new Error('late'))) ?? '', /validates asynchronously/);
  t.is(
    says(() => {
      throw new Error('broken');
    }),
    'its validator failed: broken',
  );
  t.is(
    says(() => ({ issues: [] })),
    'its validator refuses it',
  );
});
