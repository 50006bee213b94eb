// What the corpus has a snapshot of, in every format: each type of field, and what is easily got wrong.

export interface CorpusCase {
  /** Also the name of the file. */
  readonly name: string;
  readonly fields: () => Record<string, unknown>;
  /** null: the service has finished. */
  readonly stage: 'begin' | 'body' | null;
  /** Recorded by `io.once` since the stage was entered; format 1 had none. */
  readonly results?: readonly (readonly [key: string, result: unknown])[];
}

const MOMENT = new Date('2024-02-29T12:34:56.789Z');

export const CORPUS_CASES: readonly CorpusCase[] = [
  {
    name: 'string',
    stage: 'body',
    fields: () => ({
      empty: '',
      short: 'GET /index.html',
      umlauts: 'Grüße aus Zürich',
      astral: '🚀 to 𝒳',
      control: 'a\0b\r\n\u2028',
      long: 'abcdefgh'.repeat(60),
    }),
  },
  {
    name: 'number',
    stage: 'body',
    fields: () => ({
      zero: 0,
      small: 63,
      byte: 200,
      short: 40_000,
      word: 4_000_000_000,
      large: Number.MAX_SAFE_INTEGER,
      negative: -1,
      veryNegative: Number.MIN_SAFE_INTEGER,
      fraction: 0.1,
      tiny: Number.MIN_VALUE,
      infinite: -Infinity,
      none: NaN,
    }),
  },
  { name: 'boolean', stage: 'begin', fields: () => ({ yes: true, no: false }) },
  {
    name: 'bigint',
    stage: 'body',
    fields: () => ({ small: 5n, negative: -7n, word: 2n ** 63n - 1n, unsigned: 2n ** 64n - 1n, huge: -(3n ** 90n) }),
  },
  {
    name: 'date',
    stage: 'body',
    fields: () => ({
      moment: MOMENT,
      epoch: new Date(0),
      before: new Date('1899-12-31T00:00:00Z'),
      none: new Date(NaN),
    }),
  },
  {
    name: 'array',
    stage: 'body',
    fields: () => ({
      empty: [],
      mixed: [1, 'two', null, undefined, [3n, [MOMENT]]],
      long: Array.from({ length: 40 }, (_, i) => i),
    }),
  },
  {
    name: 'map',
    stage: 'body',
    fields: () => ({
      empty: new Map(),
      headers: new Map([
        ['host', 'example.org'],
        ['accept', '*/*'],
      ]),
      odd: new Map<unknown, unknown>([
        [1, 'number'],
        [2n, 'bigint'],
        [null, undefined],
        [[1], new Map([[true, false]])],
      ]),
    }),
  },
  { name: 'set', stage: 'body', fields: () => ({ empty: new Set(), seen: new Set<unknown>(['a', 1, 1n, null, [2]]) }) },
  {
    name: 'bytes',
    stage: 'body',
    fields: () => ({
      none: new Uint8Array(0),
      bytes: Uint8Array.of(0, 1, 127, 128, 255),
      buffer: Buffer.from('buffer of bytes'),
      long: Uint8Array.from({ length: 300 }, (_, i) => i & 0xff),
    }),
  },
  {
    name: 'data',
    stage: 'body',
    fields: () => ({ nothing: null, absent: undefined, empty: {}, range: { from: 0, to: 1023, unit: 'bytes' } }),
  },
  {
    name: 'nested-data',
    stage: 'body',
    fields: () => ({
      request: {
        method: 'GET',
        headers: new Map([['range', 'bytes=0-1']]),
        ranges: [
          { from: 0, to: 1 },
          { from: 5, to: 9 },
        ],
        body: { kind: 'bytes', content: Buffer.from('abc'), at: MOMENT, checks: new Set([1n, 2n]) },
        constructor: 'also a key',
      },
    }),
  },
  { name: 'cycles', stage: 'body', fields: cycles },
  {
    name: 'many-fields',
    stage: 'begin',
    fields: () => ({
      path: '/a',
      offset: 1_048_576,
      keepAlive: true,
      total: 12n,
      at: MOMENT,
      items: [1],
      tags: new Set(['x']),
      etag: undefined,
    }),
  },
  { name: 'no-fields', stage: 'body', fields: () => ({}) },
  { name: 'finished', stage: null, fields: () => ({ offset: 3, path: '/left/over' }) },
  {
    name: 'results',
    stage: 'body',
    fields: () => ({ amount: 5n }),
    results: [
      ['reserve', undefined],
      ['charge', { id: 'c-17', amount: 5n, at: MOMENT }],
      ['Größe 🚀', [Buffer.from('receipt'), null, 0.5]],
    ],
  },
];

function cycles(): Record<string, unknown> {
  const shared = { name: 'shared' };
  const loop: unknown[] = [shared];
  loop.push(loop);
  const graph = new Map<unknown, unknown>([['shared', shared]]);
  graph.set('itself', graph);
  return { loop, graph, tree: { left: shared, right: shared, up: { loop } } };
}
