// The catalogue of diagnostics: every kind can be produced, and has a page that says what it means.
//
// The table names every kind, so a new one without a case does not compile.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import {
  CompileFailed,
  createApplication,
  defineService,
  Delegate,
  done,
  Failed,
  formatDiagnostic,
  Moved,
  next,
  Service,
  Snapshot,
  Stage,
  Upgrade,
  type Diagnostic,
  type DiagnosticKind,
  type Next,
  type ServiceBinding,
  type ServiceSource,
  type SnapshotContent,
  type StageIo,
} from '@migratory/framework';
import { tryCompile } from '@migratory/framework/internal/compiler.js';
import { DIAGNOSTIC_KINDS } from '@migratory/framework/internal/diagnostics.js';
import { FakeStack } from '../support/fake-stack.js';

const PAGES = new URL('../../../docs/diagnostics/', import.meta.url);

const END = done();
/** Its code doesn't say where it goes, so that any stage may be reached. */
const finish = async (): Promise<Next<never>> => Promise.resolve(END);
const NO_FIELDS = { fields: () => ({}) };

/** A service of one stage, but for what is wrong with it. Plain JavaScript may say anything. */
function form(change: object): ServiceSource {
  const right = { name: 'form', version: 2, entry: 'a', ...NO_FIELDS, stages: { a: finish } } as const;
  return defineService({ ...right, ...change });
}

/** Decorators on the members of a class that is right otherwise, as a compiler would call them. */
function decorated(decorate: (prototype: object) => void): ServiceSource {
  @Service({ name: 'decorated', version: 2 })
  class Decorated {
    @Stage({ entry: true }) async begin(): Promise<Next<Decorated>> {
      return Promise.resolve(END);
    }
    method(): void {
      return undefined;
    }
    static upgrade(snapshot: SnapshotContent): SnapshotContent {
      return snapshot;
    }
  }
  decorate(Decorated.prototype);
  return Decorated;
}

function method(prototype: object, name: string): [object, string, PropertyDescriptor] {
  return [prototype, name, Object.getOwnPropertyDescriptor(prototype, name) ?? {}];
}

function compiled(source: ServiceSource): readonly Diagnostic[] {
  const compilation = tryCompile(source);
  return compilation.kind === 'compiled' ? [] : compilation.diagnostics;
}

async function started(...services: ServiceBinding[]): Promise<readonly Diagnostic[]> {
  try {
    await createApplication({ stack: new FakeStack(), services }).start();
    return [];
  } catch (error) {
    if (error instanceof CompileFailed) return error.diagnostics;
    throw error;
  }
}

class Inner {
  @Stage({ entry: true }) async only(): Promise<Next<Inner>> {
    return Promise.resolve(END);
  }
}
const inner = (change: object = {}) => form({ name: 'inner', ...change });

class Missing {
  readonly kind = 'missing';
}
@Service({ name: 'needy', version: 1 })
class Needy {
  constructor(readonly missing: Missing) {}
  @Stage({ entry: true }) async begin(): Promise<Next<Needy>> {
    return Promise.resolve(END);
  }
}

@Service({ name: 'menu', version: 1 })
class Menu {
  @Delegate({ then: 'choice' }) submenu!: Menu;
  @Stage({ entry: true }) async choice(): Promise<Next<Menu>> {
    return Promise.resolve(END);
  }
}

/** As a compiler leaves it that emits no types: nobody knows what the constructor asks for. */
function withoutTypes(): ServiceSource {
  class Untyped {
    readonly missing: Missing;
    constructor(missing: Missing) {
      this.missing = missing;
    }
    async begin(): Promise<Next<Untyped>> {
      return Promise.resolve(END as Next<Untyped>);
    }
  }
  Stage({ entry: true })(...(method(Untyped.prototype, 'begin') as Parameters<ReturnType<typeof Stage>>));
  Service({ name: 'untyped', version: 1 })(Untyped);
  return Untyped;
}

/** As ECMAScript's decorators are called: with a value and a context, members before their class. */
function standard(): ServiceSource {
  class Standard {
    readonly text = '';
    async begin(): Promise<Next<Standard>> {
      return Promise.resolve(END as Next<Standard>);
    }
  }
  const call = (decorator: unknown, value: unknown, kind: string, name: string): void => {
    (decorator as (value: unknown, context: object) => void)(value, { kind, name, static: false, private: false });
  };
  const begin: unknown = method(Standard.prototype, 'begin')[2].value;
  for (const decorator of [Stage({ entry: true }), Moved(), Failed(), Upgrade(1)]) {
    call(decorator, begin, 'method', 'begin');
  }
  for (const decorator of [Snapshot(), Delegate({ then: 'begin' })]) call(decorator, undefined, 'field', 'text');
  call(Service({ name: 'standard', version: 1 }), Standard, 'class', 'Standard');
  return Standard;
}

type Case = () => readonly Diagnostic[] | Promise<readonly Diagnostic[]>;

/** For each kind the mistakes that give it, and nothing else. */
const cases: Readonly<Record<DiagnosticKind, readonly Case[]>> = {
  'not-a-service': [() => compiled(Inner)],
  'invalid-name': [() => compiled(form({ name: 'Upper Case' }))],
  'invalid-version': [() => compiled(form({ version: 1.5 }))],
  'no-stages': [() => compiled(form({ stages: {} }))],
  'no-entry': [
    () => {
      @Service({ name: 'closed', version: 1 })
      class Closed {
        @Stage() async only(): Promise<Next<Closed>> {
          return Promise.resolve(END);
        }
      }
      return compiled(Closed);
    },
  ],
  'several-entries': [() => compiled(decorated((type) => Stage({ entry: true })(type, 'other', { value: finish })))],
  'unknown-entry': [
    () => compiled(form({ entry: 'b' })),
    () => compiled(form({ delegates: { inner: { service: inner({ entry: 'b' }), then: 'a' } } })),
  ],
  'duplicate-stage': [() => compiled(decorated((type) => Stage()(type, 'begin', { value: finish })))],
  'duplicate-snapshot': [
    () =>
      compiled(
        decorated((type) => {
          Snapshot({ type: String })(type, 'text');
          Snapshot({ type: String })(type, 'text');
        }),
      ),
  ],
  'field-type-unknown': [() => compiled(decorated((type) => Snapshot()(type, 'text')))],
  'field-type-cannot-travel': [
    () => compiled(decorated((type) => Snapshot({ type: Promise })(type, 'text'))),
    () => compiled(form({ fields: () => ({ call: finish }) })),
  ],
  'misplaced-decorator': [
    () => compiled(decorated((type) => Snapshot({ type: String })(...method(type, 'method')))),
    () => compiled(decorated((type) => Snapshot({ type: String })(type, '#hidden'))),
    () => compiled(decorated((type) => Snapshot({ type: String })(type.constructor, 'shared'))),
    () => compiled(decorated((type) => Failed()(type.constructor, 'upgrade', { value: finish }))),
    () => compiled(decorated((type) => Delegate({ then: 'begin' })(...method(type, 'method')))),
  ],
  'several-moved': [
    () =>
      compiled(
        decorated((type) => {
          Moved()(...method(type, 'method'));
          Moved()(type, 'other', { value: finish });
        }),
      ),
  ],
  'conflicting-decorators': [() => compiled(decorated((type) => Moved()(...method(type, 'begin'))))],
  'initial-values-failed': [() => compiled(form({ fields: () => null }))],
  'duplicate-service': [() => started({ service: form({}), port: 1 }, { service: form({}), port: 2 })],
  'duplicate-port': [() => started({ service: form({}), port: 1 }, { service: form({ name: 'other' }), port: 1 })],
  'dependencies-unresolved': [
    () => started({ service: Needy, port: 1 }),
    () => started({ service: withoutTypes(), port: 1 }),
  ],
  'unknown-stage': [
    () => compiled(form({ stages: { a: async () => Promise.resolve(next('bdoy')) } })),
    () =>
      compiled(
        form({
          stages: {
            a: async (_: object, io: StageIo) => {
              io.snapshot({ stage: 'bdoy' });
              return Promise.resolve(END);
            },
          },
        }),
      ),
    () => compiled(form({ delegates: { inner: { service: inner(), then: 'bdoy' } } })),
    // Stages of a delegate are not the owner's, nor the other way round.
    () =>
      compiled(
        form({
          delegates: { inner: { service: Inner, then: 'a' } },
          stages: { a: async () => Promise.resolve(next('inner.only')), b: finish },
        }),
      ),
    () =>
      compiled(
        form({
          delegates: {
            inner: { service: inner({ stages: { a: async () => Promise.resolve(next('b')) } }), then: 'a' },
          },
          stages: { a: finish, b: finish },
        }),
      ),
  ],
  'unreachable-stage': [
    () => compiled(form({ stages: { a: async () => Promise.resolve(next('a')), b: finish } })),
    () =>
      compiled(
        form({
          delegates: { inner: { service: Inner, then: 'b' } },
          stages: { a: async () => Promise.resolve(next('b')), b: async () => Promise.resolve(done()) },
        }),
      ),
  ],
  'several-failed': [
    () =>
      compiled(
        decorated((type) => {
          Failed()(...method(type, 'method'));
          Failed()(type, 'other', { value: finish });
        }),
      ),
  ],
  'conflicting-failed': [
    () => compiled(decorated((type) => Failed()(...method(type, 'begin')))),
    () =>
      compiled(
        decorated((type) => {
          Failed()(...method(type, 'method'));
          Moved()(...method(type, 'method'));
        }),
      ),
  ],
  'invalid-stage-settings': [
    ...[0, -1, NaN, Infinity, '5', null].map((timeoutMs) => () => compiled(form({ settings: { a: { timeoutMs } } }))),
    ...['hold', null, 1].map((output) => () => compiled(form({ settings: { a: { output } } }))),
    ...['yes', 1, null].map((lock) => () => compiled(form({ settings: { a: { lock } } }))),
  ],
  'invalid-validator': [
    null,
    () => true,
    {},
    { '~standard': null },
    { '~standard': { version: 2, validate: finish } },
    { '~standard': { version: 1 } },
  ].map((guard) => () => compiled(form({ fields: () => ({ text: '' }), validate: { text: guard } }))),
  'invalid-upgrade': [
    ...[0, 2, 3, 1.5, 'x'].map((from) => () => compiled(form({ upgrades: { [from]: (old: unknown) => old } }))),
    () => compiled(decorated((type) => Upgrade(1)(...method(type, 'method')))),
    () =>
      compiled(
        decorated(({ constructor }) => {
          Upgrade(1)(...method(constructor, 'upgrade'));
          Upgrade(1)(constructor, 'other', { value: (old) => old });
        }),
      ),
  ],
  'not-a-delegate': [
    () => compiled(form({ delegates: { inner: { service: Missing, then: 'a' } } })),
    () => compiled(form({ delegates: { inner: { service: inner({ stages: {} }), then: 'a' } } })).slice(0, 1),
    () => compiled(decorated((type) => Delegate({ then: 'begin' })(type, 'inner'))),
  ],
  'delegate-cycle': [
    () => compiled(Menu),
    () => compiled(form({ delegates: { inner: { service: Menu, then: 'a' } } })),
  ],
  'delegate-hook': [
    () => compiled(form({ delegates: { inner: { service: inner({ moved: finish }), then: 'a' } } })),
    () => compiled(form({ delegates: { inner: { service: inner({ failed: finish }), then: 'a' } } })),
  ],
  'conflicting-names': [
    () => compiled(decorated((type) => Snapshot({ type: String })(type, 'begin'))),
    () => compiled(form({ fields: () => ({ inner: 1 }), delegates: { inner: { service: Inner, then: 'a' } } })),
    () => compiled(form({ delegates: { a: { service: Inner, then: 'a' } } })),
  ],
  'standard-decorators': [() => compiled(standard())],
  'dotted-name': [
    () => compiled(form({ stages: { a: finish, 'b.c': finish } })),
    () => compiled(form({ delegates: { 'b.c': { service: Inner, then: 'a' } } })),
    () => compiled(form({ fields: () => ({ 'inner.x': 1 }), delegates: { inner: { service: Inner, then: 'a' } } })),
  ],
};

for (const kind of DIAGNOSTIC_KINDS) {
  test(`${kind} is found wherever it is made, and nothing else is`, async (t) => {
    for (const [index, produce] of cases[kind].entries()) {
      const found = await produce();
      t.deepEqual(
        found.map((diagnostic) => diagnostic.kind),
        [kind],
        `case ${index}: ${found.map(formatDiagnostic).join('\n')}`,
      );
    }
  });
}

test('what is right is not complained about', (t) => {
  const guard = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } };
  t.deepEqual(compiled(form({})), []);
  t.deepEqual(compiled(form({ version: 4, upgrades: { 1: finish, 3: finish } })), []);
  t.deepEqual(compiled(form({ settings: { a: { lock: false, output: 'verified', timeoutMs: 0.5 } } })), []);
  t.deepEqual(compiled(form({ fields: () => ({ text: '' }), validate: { text: guard } })), []);
  t.deepEqual(compiled(form({ fields: () => ({ a: 1, 'b.c': 2 }) })), [], 'stages of functions are no fields');
  t.deepEqual(compiled(decorated((type) => Failed()(...method(type, 'method')))), []);
  t.deepEqual(compiled(decorated(({ constructor }) => Upgrade(1)(...method(constructor, 'upgrade')))), []);
});

/** Somewhere else, where nobody looks. */
function pump(io: StageIo): boolean {
  return io.epoch === 0;
}

test('a stage is only called unreachable where all is known, and no upgrade may lead to it', (t) => {
  const next1 = async () => Promise.resolve(next('a'));
  const stages = { a: next1, b: next1 };
  t.is(compiled(form({ stages })).length, 1);
  t.deepEqual(compiled(form({ stages, upgrades: { 1: finish } })), []);
  t.deepEqual(compiled(form({ stages: { ...stages, a: finish } })), []);
  const pumps = async (_: object, io: StageIo) => Promise.resolve(pump(io) ? next('a') : done());
  t.deepEqual(compiled(form({ stages: { ...stages, a: pumps } })), [], 'io went where it is not followed');
  const records = async (_: object, io: StageIo) => {
    io.snapshot({ stage: 'b' });
    return Promise.resolve(next('a'));
  };
  t.deepEqual(compiled(form({ stages: { ...stages, a: records } })), [], 'a recorded stage is reached by a move');
});

test('each code has its page, and each page its code', (t) => {
  const codes = DIAGNOSTIC_KINDS.map((_, index) => `MIG${String(index + 1).padStart(3, '0')}`);
  const pages = readdirSync(PAGES).filter((name) => name !== 'README.md');
  t.deepEqual(
    pages.sort(),
    codes.map((code) => `${code}.md`),
  );
  const index = readFileSync(new URL('README.md', PAGES), 'utf8');
  for (const [position, kind] of DIAGNOSTIC_KINDS.entries()) {
    const code = codes[position] ?? '';
    const page = readFileSync(new URL(`${code}.md`, PAGES), 'utf8');
    t.true(page.startsWith(`# ${code}: `), code);
    for (const part of [`\`${kind}\``, '## Wrong', '## Right']) t.true(page.includes(part), `${code}: ${part}`);
    t.regex(index, new RegExp(`\\[${code}\\]\\(${code}\\.md\\) +\\| \`${kind}\``));
  }
});

test('a diagnostic says code, cause, remedy and page', async (t) => {
  for (const kind of DIAGNOSTIC_KINDS) {
    const [diagnostic] = (await cases[kind][0]?.()) ?? [];
    if (diagnostic === undefined) return t.fail(kind);
    const { code, cause, remedy, page, service } = diagnostic;
    t.is(formatDiagnostic(diagnostic), `${code} ${service}: ${cause}. ${remedy}`);
    t.regex(remedy, /[.]$/, kind);
    t.notRegex(cause, /[.]$|\[object/, kind);
    t.true(existsSync(fileURLToPath(new URL(`../../${page}`, PAGES))), page);
  }
});
