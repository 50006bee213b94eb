// Reading stages: where their code says they go, over many shapes of code.
//
// The expected answer is known by construction: a generator writes a function together with what it returns.

import test from 'ava';
import fc from 'fast-check';
import { readClass, readFunction, type StageCode } from '@migratory/framework/internal/analysis/stage-code.js';

interface Returns {
  readonly stages: readonly string[];
  readonly ends: boolean;
  readonly extent: 'complete' | 'partial';
}

/** Code of one value, and what returning it means. */
interface Value {
  readonly code: string;
  readonly returns: Returns;
}

const NOTHING: Returns = { stages: [], ends: false, extent: 'complete' };
const UNREAD: Returns = { ...NOTHING, extent: 'partial' };

function both(one: Returns, other: Returns): Returns {
  return {
    stages: [...new Set([...one.stages, ...other.stages])],
    ends: one.ends || other.ends,
    extent: one.extent === 'partial' ? 'partial' : other.extent,
  };
}

const stageName = fc.constantFrom('a', 'b', 'c', 'login');
const literal = fc.tuple(stageName, fc.constantFrom("'", '"', '`')).map(([name, quote]) => quote + name + quote);
const callee = (name: string) =>
  fc.constantFrom(name, `framework_1.${name}`, `(0, framework_1.${name})`, `(0,__import_0__.${name})`);

const leaf: fc.Arbitrary<Value> = fc.oneof(
  fc.tuple(callee('next'), literal).map(([call, name]) => ({
    code: `${call}(${name})`,
    returns: { ...NOTHING, stages: [name.slice(1, -1)] },
  })),
  callee('done').map((call) => ({ code: `${call}()`, returns: { ...NOTHING, ends: true } })),
  fc.constantFrom('undefined', 'null', 'void 0', '0', '!1').map((code) => ({ code, returns: NOTHING })),
  fc
    .constantFrom(
      'go()',
      'x',
      'next(x)',
      'other.stage("a")',
      '{ kind: "done" }',
      'this.absent()',
      'new X()',
      'x?.next("a")',
    )
    .map((code) => ({ code: code.startsWith('{') ? `(${code})` : code, returns: UNREAD })),
);

const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.tuple(tie('value'), tie('value')).map(([one, other]) => ({
      code: `(t ? ${one.code} : ${other.code})`,
      returns: both(one.returns, other.returns),
    })),
    fc.tuple(tie('value'), tie('value'), fc.constantFrom('||', '??')).map(([one, other, operator]) => ({
      code: `((${one.code}) ${operator} (${other.code}))`,
      returns: both(one.returns, other.returns),
    })),
    tie('value').map(({ code, returns }) => ({ code: `(t && ${code})`, returns })),
    tie('value').map(({ code, returns }) => ({ code: `(t++, ${code})`, returns })),
    tie('value').map(({ code, returns }) => ({ code: `await (${code})`, returns })),
    tie('value').map(({ code, returns }) => ({ code: `Promise.resolve(${code})`, returns })),
  ),
}));

/** Around a return statement: it still counts. */
const around = fc.constantFrom<(statement: string) => string>(
  (statement) => statement,
  (statement) => `if (t) { ${statement} }`,
  (statement) => `for (const x of t) ${statement}`,
  (statement) => `label: while (t) { ${statement} break label; }`,
  (statement) => `try { t(); } catch { ${statement} } finally { t(); }`,
  (statement) => `switch (t) { case 1: ${statement} default: t(); }`,
);

/** Code without any return of the function itself. */
const noise = fc.constantFrom(
  '',
  'await io.write("x");',
  'const f = () => next("zz");',
  'function g() { return next("zz"); }',
  'list.map(function () { return next("zz"); });',
  'class K { m() { return next("zz"); } static { t(); } }',
  'const o = { m() { return next("zz"); }, get p() { return done(); } };',
  'for await (const c of this.files.read(this.path)) { await io.write(c); io.snapshot(); }',
  'const text = `${this.total} return next("zz")`; // return next("zz")',
);

interface Body {
  readonly code: string;
  readonly returns: Returns;
}

const body: fc.Arbitrary<Body> = fc
  .array(fc.tuple(noise, around, value), { minLength: 0, maxLength: 4 })
  .map((parts) => ({
    code: parts.map(([before, wrap, { code }]) => `{ ${before}\n }${wrap(`return ${code};`)}`).join('\n'),
    returns: parts.reduce((all, [, , { returns }]) => both(all, returns), NOTHING),
  }));

function normal({ stages, ends, extent }: Returns): Returns {
  return { stages: [...stages].sort(), ends, extent };
}

test('what is read is what was written: functions', (t) => {
  const shape = fc.constantFrom(
    (code: string) => `async (session, io) => { ${code} }`,
    (code: string) => `async function (session, io) { ${code} }`,
    (code: string) => `async function named(session, io) { ${code} }`,
    (code: string) => `async line(session, io) { ${code} }`,
    (code: string) => `async 'line'(session, io) { ${code} }`,
    (code: string) => `async(session, io) { ${code.replaceAll('await', '')} }`.replace('for  (', 'for ('),
  );
  fc.assert(
    fc.property(shape, body, (write, { code, returns }) => {
      t.deepEqual(normal(readFunction(write(code)).returned), normal(returns));
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('what is read is what was written: arrows that are one expression', (t) => {
  fc.assert(
    fc.property(value, ({ code, returns }) => {
      t.deepEqual(normal(readFunction(`async(e,t)=>(${code})`).returned), normal(returns));
    }),
  );
  t.pass();
});

/** As `classSourcesOf` answers for these classes, most derived first. */
function sourcesOf(...classes: readonly (readonly [text: string, methods: Readonly<Record<string, string>>])[]) {
  return classes.map(([text, methods]) => ({ text, methods: new Map(Object.entries(methods)) }));
}

function readMethods(methods: Readonly<Record<string, string>>, others: string, stage: string): StageCode | undefined {
  const text = `class Sums { ${Object.values(methods).join('\n')} ${others} }`;
  return readClass(sourcesOf([text, methods]), [stage]).get(stage);
}

test('what is read is what was written: methods, helpers, private helpers', (t) => {
  fc.assert(
    fc.property(body, body, body, ({ code, returns }, helper, hidden) => {
      const methods = {
        line: `async line(io) { if (t) return this.helper(io); if (t) return await this.#hidden(io); ${code} }`,
        helper: `async helper(io) { ${helper.code} }`,
      };
      const read = readMethods(methods, `async #hidden(io) { if (t) return this.line(io); ${hidden.code} }`, 'line');
      const expected = both(both(returns, helper.returns), hidden.returns);
      t.deepEqual(normal(read?.returned ?? UNREAD), normal(expected));
    }),
  );
  t.pass();
});

test('never guess: whatever is cut out of a function, what is left is complete only with the same names', (t) => {
  const code = `async (session, io) => { if (x) return next('a'); const f = () => next('b'); return y ? next('c') : done(); }`;
  for (let at = 0; at < code.length; at++) {
    for (const length of [1, 3, 9]) {
      const { returned, recorded } = readFunction(code.slice(0, at) + code.slice(at + length));
      for (const name of [...returned.stages, ...recorded.stages]) t.true(['a', 'b', 'c', ''].includes(name), name);
    }
  }
});

test('text that does not parse, is native or is no function says nothing', (t) => {
  for (const text of [
    '',
    'function () { [native code] }',
    'get line() { return done(); }',
    'class {}',
    '1',
    'a => {',
    '})({',
  ]) {
    t.is(readFunction(text).returned.extent, 'partial', text);
    t.is(readFunction(text).recorded.extent, 'partial', text);
  }
});

test('a generator returns no transition', (t) => {
  t.is(readFunction("async *line(session, io) { return next('a'); }").returned.extent, 'partial');
  const methods = { line: 'async line(io) { return this.helper(); }', helper: "*helper() { return next('a'); }" };
  t.is(readMethods(methods, '', 'line')?.returned.extent, 'partial');
});

test('next is only next where the function does not bind it', (t) => {
  const bound = [
    "async (session, io) => { const next = go; return next('a'); }",
    "async (session, io, next) => next('a')",
    "async (session, { next }) => next('a')",
    "async (session, io) => { function next() {} return next('a'); }",
    "async (session, flow) => flow.next('a')",
    "async (session, io) => { for (const [x] of y) { return x.next('a'); } }",
    'async (session, io) => { try { z(); } catch (x) { return x.done(); } }',
    "async (session, io) => this.next('a')",
    "async (session, io) => a.b.next('a')",
    "async (session, io) => x['next']('a')",
    'async (session, io) => { const Promise = go; return Promise.resolve(done()); }',
  ];
  for (const text of bound) t.like(readFunction(text).returned, { stages: [], ends: false, extent: 'partial' }, text);
});

test('a name that is chosen between literals is each of them', (t) => {
  t.deepEqual(readFunction("async (s, io) => next(x ? 'a' : y ? 'b' : `c`)").returned, {
    stages: ['a', 'b', 'c'],
    ends: false,
    extent: 'complete',
  });
  t.like(readFunction("async (s, io) => next(x ? 'a' : y)").returned, { stages: ['a'], extent: 'partial' });
});

test('helpers are found in base classes, and as they are overridden', (t) => {
  const base = {
    line: 'async line(io) { return this.helper(); }',
    helper: "async helper() { return next('base'); }",
    again: 'async again(io) { return super.helper(); }',
  };
  const derived = {
    helper: "async helper() { return next('derived'); }",
    more: 'async more(io) { return super.helper(); }',
  };
  const sources = sourcesOf(
    [`class Derived extends Base { ${Object.values(derived).join(' ')} }`, derived],
    [`class Base { ${Object.values(base).join(' ')} }`, base],
  );
  const read = readClass(sources, ['line', 'more', 'again']);
  t.deepEqual(read.get('line')?.returned.stages, ['derived']);
  t.deepEqual(read.get('more')?.returned.stages, ['base']);
  t.is(read.get('again')?.returned.extent, 'partial');
});

test('what an instance may hide is not found', (t) => {
  const methods = { line: 'async line(io) { return this.helper(); }', helper: "async helper() { return next('a'); }" };
  const hiding = [
    'helper = go;',
    "'helper' = go;",
    '[x] = go;',
    'constructor() { this.helper = go; }',
    'set(name) { this[name] = go; }',
    'line = go;',
  ];
  for (const others of hiding) t.is(readMethods(methods, others, 'line')?.returned.extent, 'partial', others);
  t.is(readMethods(methods, 'static helper = go; other = 1; #helper = 2;', 'line')?.returned.extent, 'complete');
});

test('a method that was wrapped is read as it runs', (t) => {
  const text = "class Sums { async line(io) { return next('a'); } #helper() { return next('b'); } }";
  const wrapped = readClass(sourcesOf([text, { line: 'function (...args) { return f.apply(this, args); }' }]), [
    'line',
  ]);
  t.is(wrapped.get('line')?.returned.extent, 'partial');
  const moved = readClass(sourcesOf([text, { line: 'async line(io) { return this.#helper(); }' }]), ['line']);
  t.is(moved.get('line')?.returned.extent, 'partial', 'its #helper is that of another class');
});

test('restart points that are recorded, where io goes', (t) => {
  const seen: [code: string, stages: string[]][] = [
    ["io.snapshot({ stage: 'a' })", ['a']],
    ['io.snapshot()', []],
    ['io.snapshot({})', []],
    ['io.snapshot({ \'stage\': x ? `a` : "b" })', ['a', 'b']],
    ["await tx(async () => { io.snapshot({ stage: 'a' }); })", ['a']],
    ["await tx((io) => io.snapshot({ stage: 'a' }))", []],
    ['this.helper(1, io)', ['h']],
    ['await tx(() => this.helper(1, io))', ['h']],
    ['this.#hidden(io)', ['p']],
    ["store.snapshot({ stage: 'a' }); x.io; const o = { io: 1 }", []],
  ];
  for (const [code, stages] of seen) t.deepEqual(recordedIn(code), { stages, extent: 'complete' }, code);
  const unseen = [
    'pump(io)',
    'io.snapshot({ stage })',
    'io.snapshot(point)',
    'io.snapshot({ ...point })',
    'io["snapshot"]({ stage: "a" })',
    'const { snapshot } = io',
    'const s = io.snapshot',
    'this.io = io',
    'this.helper(...x, io)',
    'tx(function () { this.helper(1, io); })',
    'go(arguments)',
    '{ let io = x; io.snapshot({ stage: "a" }); }',
    'const o = { io }',
  ];
  for (const code of unseen) t.is(recordedIn(code)?.extent, 'partial', code);
});

function recordedIn(code: string): StageCode['recorded'] | undefined {
  const methods = {
    line: `async line(io) { ${code}; return done(); }`,
    helper: "helper(n, c) { if (n) this.helper(n - 1, c); c.snapshot({ stage: 'h' }); }",
  };
  return readMethods(methods, "#hidden(c) { c.snapshot({ stage: 'p' }); }", 'line')?.recorded;
}

test('of a function of session and io, io is the second', (t) => {
  const { recorded } = readFunction("async (e,t)=>{e.snapshot({stage:'x'});t.snapshot({stage:'a'});return done()}");
  t.deepEqual(recorded, { stages: ['a'], extent: 'complete' });
  t.deepEqual(readFunction('async () => done()').recorded, { stages: [], extent: 'complete' });
  t.is(readFunction('async (s, { snapshot }) => done()').recorded.extent, 'partial');
  t.is(readFunction('async (s, ...rest) => done()').recorded.extent, 'partial');
});
