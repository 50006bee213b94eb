// Compiling: what a plan is made of, and every diagnostic there is.

import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import test from 'ava';
import {
  compile,
  CompileFailed,
  createApplication,
  defineService,
  done,
  Moved,
  next,
  Service,
  Snapshot,
  Stage,
  type DiagnosticKind,
  type Next,
  type ServiceSource,
} from '@migratory/framework';
import { tryCompile } from '@migratory/framework/internal/compiler.js';
import { FakeStack } from '../support/fake-stack.js';
import { calculator, FileSession } from '../support/framework-services.js';

function diagnosticsOf(source: ServiceSource): { kind: DiagnosticKind; code: string; text: string }[] {
  const compilation = tryCompile(source);
  if (compilation.kind === 'compiled') return [];
  return compilation.diagnostics.map(({ kind, code, cause, remedy }) => ({ kind, code, text: `${cause}. ${remedy}` }));
}

function codesOf(source: ServiceSource): string[] {
  return diagnosticsOf(source).map(({ code }) => code);
}

const END = done();
/** Its code doesn't say where it goes, so that any stage may be reached. */
const finish = async (): Promise<Next<never>> => Promise.resolve(END);

test('a class compiles into plain data that survives JSON', (t) => {
  const plan = compile(FileSession);
  t.like(plan, {
    service: 'files',
    version: 1,
    entry: 'request',
    stages: [{ name: 'request' }, { name: 'body' }],
    fields: [
      { name: 'offset', type: 'number' },
      { name: 'path', type: 'string' },
    ],
  });
  t.regex(plan.fingerprint, /^[0-9a-f]{16}$/);
  t.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
});

test('a service without decorators compiles into the same kind of plan', (t) => {
  const plan = compile(calculator);
  t.is(plan.entry, 'command');
  t.deepEqual(plan.fields, [
    { name: 'expected', type: 'number', guard: 'unguarded' },
    { name: 'history', type: 'map', guard: 'unguarded' },
    { name: 'total', type: 'number', guard: 'unguarded' },
  ]);
});

test('a class is read anew where one of its methods has been replaced since', (t) => {
  @Service({ name: 'late', version: 1 })
  class Late {
    @Stage({ entry: true })
    async first(): Promise<Next<Late>> {
      return Promise.resolve(next('second'));
    }

    @Stage()
    async second(): Promise<Next<Late>> {
      return Promise.resolve(done());
    }
  }
  t.deepEqual(codesOf(Late), []);
  const replaced = async (): Promise<unknown> => Promise.resolve(done());
  Object.defineProperty(Late.prototype, 'first', { value: replaced });
  t.deepEqual(codesOf(Late), ['MIG020']);
});

test('the fingerprint changes with name, version, stages and fields, and not with their order', (t) => {
  const form = {
    name: 'form',
    version: 1,
    entry: 'a',
    fields: () => ({ x: 1, y: '' }),
    stages: { a: finish, b: finish },
  } as const;
  const fingerprint = (change: object): string => compile(defineService({ ...form, ...change })).fingerprint;
  const same = fingerprint({});
  t.is(fingerprint({ fields: () => ({ y: '', x: 2 }), stages: { b: finish, a: finish } }), same);
  const others = [
    { name: 'other' },
    { version: 2 },
    { stages: { a: finish, c: finish } },
    { fields: () => ({ x: 1, z: '' }) },
    { fields: () => ({ x: '', y: '' }) },
  ].map(fingerprint);
  t.is(new Set([same, ...others]).size, others.length + 1);
});

test('a derived class has the stages and fields of its base, and may override them', (t) => {
  class Base {
    @Snapshot() count: number = 0;
    @Stage({ entry: true }) async begin(): Promise<Next<Base>> {
      return Promise.resolve(next('begin'));
    }
  }
  @Service({ name: 'derived', version: 1 })
  class Derived extends Base {
    @Snapshot() more: string = '';
    @Stage({ entry: true }) override async begin(): Promise<Next<Derived>> {
      return Promise.resolve(done());
    }
  }
  const plan = compile(Derived);
  t.deepEqual(
    plan.stages.map(({ name }) => name),
    ['begin'],
  );
  t.deepEqual(
    plan.fields.map(({ name }) => name),
    ['count', 'more'],
  );
});

test('MIG001 a class without @Service', (t) => {
  class Plain {
    @Stage({ entry: true }) async begin(): Promise<Next<Plain>> {
      return Promise.resolve(done());
    }
  }
  t.deepEqual(codesOf(Plain), ['MIG001']);
});

test('MIG002 and MIG003 names and versions that are none', (t) => {
  const form = (name: unknown, version: unknown): string[] =>
    codesOf(
      defineService({
        name: name as string,
        version: version as number,
        entry: 'a',
        fields: () => ({}),
        stages: { a: finish },
      }),
    );
  t.deepEqual(form('fine-1', 1), []);
  for (const name of ['', 'Upper', '1st', 'a_b', 'x'.repeat(64), undefined, 7])
    t.deepEqual(form(name, 1), ['MIG002'], String(name));
  for (const version of [0, -1, 1.5, NaN, '1', undefined])
    t.deepEqual(form('fine', version), ['MIG003'], String(version));
});

test('MIG004 no stage at all', (t) => {
  @Service({ name: 'empty', version: 1 })
  class Empty {}
  t.deepEqual(codesOf(Empty), ['MIG004']);
});

test('MIG005 no entry', (t) => {
  @Service({ name: 'closed', version: 1 })
  class Closed {
    @Stage() async inside(): Promise<Next<Closed>> {
      return Promise.resolve(done());
    }
  }
  t.deepEqual(codesOf(Closed), ['MIG005']);
});

test('MIG006 two entries', (t) => {
  @Service({ name: 'doors', version: 1 })
  class Doors {
    @Stage({ entry: true }) async front(): Promise<Next<Doors>> {
      return Promise.resolve(next('back'));
    }
    @Stage({ entry: true }) async back(): Promise<Next<Doors>> {
      return Promise.resolve(done());
    }
  }
  const [diagnostic, ...others] = diagnosticsOf(Doors);
  t.deepEqual(others, []);
  t.is(diagnostic?.code, 'MIG006');
  t.regex(diagnostic?.text ?? '', /'front' and 'back'/);
});

test('MIG007 an entry that is no stage', (t) => {
  const begin = { begin: finish };
  // @ts-expect-error the type checker says it first
  const form = defineService({ name: 'form', version: 1, entry: 'bgein', fields: () => ({}), stages: begin });
  t.deepEqual(codesOf(form), ['MIG007']);
});

test('MIG008 and MIG009 a decorator twice on the same member', (t) => {
  @Service({ name: 'twice', version: 1 })
  class Twice {
    @Snapshot() @Snapshot() count: number = 0;
    @Stage({ entry: true }) @Stage({ entry: true }) async begin(): Promise<Next<Twice>> {
      return Promise.resolve(done());
    }
  }
  t.deepEqual(codesOf(Twice), ['MIG008', 'MIG009']);
});

test('MIG010 fields whose type is not written, or says nothing', (t) => {
  interface Range {
    readonly from: number;
  }
  @Service({ name: 'vague', version: 1 })
  class Vague {
    @Snapshot() inferred = 0;
    @Snapshot() union: string | undefined = undefined;
    @Snapshot() optional?: string;
    @Snapshot() range: Range = { from: 0 };
    @Snapshot({ type: Object }) said: Range | undefined = undefined;
    @Snapshot({ type: String }) also = '';
    @Stage({ entry: true }) async begin(): Promise<Next<Vague>> {
      return Promise.resolve(done());
    }
  }
  const diagnostics = diagnosticsOf(Vague);
  t.deepEqual(
    diagnostics.map(({ code }) => code),
    ['MIG010', 'MIG010', 'MIG010'],
  );
  for (const [index, name] of ['inferred', 'union', 'range'].entries()) {
    t.regex(diagnostics[index]?.text ?? '', new RegExp(`'${name}'`));
  }
});

test('MIG011 fields of types that cannot travel', (t) => {
  class Account {
    owner = 'nobody';
  }
  @Service({ name: 'heavy', version: 1 })
  class Heavy {
    @Snapshot() callback: () => void = () => undefined;
    @Snapshot() pending: Promise<void> = Promise.resolve();
    @Snapshot() key: symbol = Symbol('key');
    @Snapshot() socket: Duplex = new Duplex();
    @Snapshot() emitter: EventEmitter = new EventEmitter();
    @Snapshot() body: ReadableStream = new ReadableStream();
    @Snapshot() account: Account = new Account();
    @Snapshot() pattern: RegExp = /x/;
    @Stage({ entry: true }) async begin(): Promise<Next<Heavy>> {
      return Promise.resolve(done());
    }
  }
  const diagnostics = diagnosticsOf(Heavy);
  t.deepEqual(
    diagnostics.map(({ code }) => code),
    new Array<string>(8).fill('MIG011'),
  );
  t.regex(diagnostics[3]?.text ?? '', /'socket' can't travel: a Duplex is a resource/);
  t.regex(diagnostics[6]?.text ?? '', /'account' can't travel: an instance of Account would/);
});

test('MIG011 is also found in initial values', (t) => {
  const form = defineService({
    name: 'form',
    version: 1,
    entry: 'a',
    fields: () => ({ fine: null, bare: Object.create(null) as object, call: () => 1, url: new URL('http://x/') }),
    stages: { a: finish },
  });
  t.deepEqual(codesOf(form), ['MIG011', 'MIG011']);
});

test('MIG012 decorators on what they are not for', (t) => {
  const secret = Symbol('secret');
  @Service({ name: 'misplaced', version: 1 })
  class Misplaced {
    @Snapshot() static shared: number = 0;
    @Snapshot() get computed(): number {
      return Misplaced.shared;
    }
    @Snapshot() method(): number {
      return Misplaced.shared;
    }
    @Snapshot() [secret]: number = 0;
    @Stage() static async aside(): Promise<Next<Misplaced>> {
      return Promise.resolve(done());
    }
    @Moved() get left(): number {
      return Misplaced.shared;
    }
    @Stage({ entry: true }) async begin(): Promise<Next<Misplaced>> {
      return Promise.resolve(done());
    }
  }
  Snapshot({ type: Number })(Misplaced.prototype, '#hidden');
  const diagnostics = diagnosticsOf(Misplaced);
  t.deepEqual(new Set(diagnostics.map(({ code }) => code)), new Set(['MIG012']));
  const texts = diagnostics.map(({ text }) => text.slice(0, text.indexOf('. ')));
  t.deepEqual(texts.sort(), [
    "@Moved is on 'left', which is an accessor",
    "@Snapshot is on '#hidden', which is a #private name",
    "@Snapshot is on 'Symbol(secret)', which is a symbol",
    "@Snapshot is on 'computed', which is an accessor",
    "@Snapshot is on 'method', which is a method",
    "@Snapshot is on 'shared', which is a static member",
    "@Stage is on 'aside', which is a static member",
  ]);
});

test('MIG012 a stage that is no function', (t) => {
  const stages = { a: finish, b: 'not a function' as unknown as typeof finish };
  t.deepEqual(codesOf(defineService({ name: 'form', version: 1, entry: 'a', fields: () => ({}), stages })), ['MIG012']);
});

test('MIG013 and MIG014 @Moved twice, and on a stage', (t) => {
  @Service({ name: 'leaving', version: 1 })
  class Leaving {
    @Moved() clean(): number {
      return 1;
    }
    @Moved() @Stage({ entry: true }) async begin(): Promise<Next<Leaving>> {
      return Promise.resolve(done());
    }
  }
  t.deepEqual(codesOf(Leaving), ['MIG013', 'MIG014']);
});

test('MIG015 initial values that fail', (t) => {
  const form = (fields: () => object): string[] =>
    codesOf(defineService({ name: 'form', version: 1, entry: 'a', fields, stages: { a: finish } }));
  t.deepEqual(
    form(() => {
      throw new Error('no values');
    }),
    ['MIG015'],
  );
  t.deepEqual(
    form(() => null as unknown as object),
    ['MIG015'],
  );
});

class Missing {
  readonly kind = 'missing';
}

@Service({ name: 'calculator', version: 1 })
class Needy {
  constructor(readonly missing: Missing) {}
  @Stage({ entry: true }) async begin(): Promise<Next<Needy>> {
    return Promise.resolve(done());
  }
}

test('MIG016, MIG017 and MIG018 what only an application can know, before any port is opened', async (t) => {
  const stack = new FakeStack();
  const services = [
    { service: calculator, port: 80 },
    { service: Needy, port: 80 },
  ];
  const error = await t.throwsAsync(createApplication({ stack, services }).start(), { instanceOf: CompileFailed });
  t.deepEqual(
    error.diagnostics.map(({ code }) => code),
    ['MIG016', 'MIG017', 'MIG018'],
  );
  t.regex(error.diagnostics[2]?.cause ?? '', /Missing/);
});

test('all that is wrong with all services is one error', async (t) => {
  @Service({ name: 'Wrong Name', version: 0 })
  class Wrong {
    @Snapshot() inferred = 0;
    @Snapshot() callback: () => void = () => undefined;
  }
  t.deepEqual(codesOf(Wrong), ['MIG002', 'MIG003', 'MIG004', 'MIG010', 'MIG011']);
  const error = t.throws(() => compile(Wrong), { instanceOf: CompileFailed });
  t.is(error.code, 'compile-failed');
  t.is(error.message.split('\n').length, 6);
  t.regex(error.message, /MIG003 Wrong Name: 0 is not a version\. Give the service/);

  const stack = new FakeStack();
  const application = createApplication({
    stack,
    services: [
      { service: Wrong, port: 1 },
      { service: Needy, port: 2 },
    ],
  });
  const both = await t.throwsAsync(application.start(), { instanceOf: CompileFailed });
  t.is(both.diagnostics.length, 6);
});
