// The checker of histories: each anomaly made by hand, and histories in which there is none.

import test from 'ava';
import { anomaliesOf, type AnomalyName } from './list-append/checker.js';
import type { History, Operation, Transaction } from './list-append/history.js';

const append = (key: number, value: number): Operation => ({ kind: 'append', key, value });
const read = (key: number, ...values: number[]): Operation => ({ kind: 'read', key, values });

/** All at the same time, unless told otherwise. */
function transaction(id: number, operations: readonly Operation[], more: Partial<Transaction> = {}): Transaction {
  return { id, operations, told: 'committed', beganAtMs: 0, endedAtMs: 100, ...more };
}

function history(final: Readonly<Record<number, readonly number[]>>, ...transactions: Transaction[]): History {
  return { transactions, final: new Map(Object.entries(final).map(([key, values]) => [Number(key), values])) };
}

const clean: readonly (readonly [what: string, history: History])[] = [
  ['nothing', history({})],
  [
    'one after the other',
    history({ 1: [1, 2] }, transaction(1, [append(1, 1)]), transaction(2, [read(1, 1), append(1, 2)])),
  ],
  [
    'own appends in between',
    history(
      { 1: [1, 2, 3] },
      transaction(1, [append(1, 1)]),
      transaction(2, [append(1, 2), read(1, 1, 2), append(1, 3), read(1, 1, 2, 3)]),
      transaction(3, [read(1, 1, 2, 3), read(2)]),
    ),
  ],
  [
    'a reader that comes before a writer',
    history({ 1: [1], 2: [2] }, transaction(1, [append(1, 1), append(2, 2)]), transaction(2, [read(1), read(2)])),
  ],
  [
    'an abort that nobody saw',
    history({ 1: [] }, transaction(1, [append(1, 1)], { told: 'aborted' }), transaction(2, [read(1)])),
  ],
  [
    'an unknown fate, either way',
    history(
      { 1: [1] },
      transaction(1, [append(1, 1)], { told: 'unknown' }),
      transaction(2, [append(2, 2)], { told: 'unknown' }),
    ),
  ],
  [
    'in real time',
    history(
      { 1: [1, 2] },
      transaction(1, [append(1, 1)], { endedAtMs: 10 }),
      transaction(2, [append(1, 2)], { beganAtMs: 11, endedAtMs: 20 }),
      transaction(3, [read(1, 1, 2)], { beganAtMs: 21, endedAtMs: 30 }),
    ),
  ],
];

for (const [what, given] of clean) {
  test(`clean: ${what}`, (t) => {
    t.deepEqual(anomaliesOf(given), []);
  });
}

const broken: readonly (readonly [name: AnomalyName, transactions: readonly number[], history: History])[] = [
  [
    'G0',
    [1, 2],
    history(
      { 1: [1, 2], 2: [4, 3] },
      transaction(1, [append(1, 1), append(2, 3)]),
      transaction(2, [append(1, 2), append(2, 4)]),
    ),
  ],
  ['G1a', [2, 1], history({}, transaction(1, [append(1, 1)], { told: 'aborted' }), transaction(2, [read(1, 1)]))],
  ['G1b', [2, 1], history({ 1: [1, 2] }, transaction(1, [append(1, 1), append(1, 2)]), transaction(2, [read(1, 1)]))],
  [
    'G1c',
    [1, 2],
    history({ 1: [1], 2: [2] }, transaction(1, [append(1, 1), read(2, 2)]), transaction(2, [append(2, 2), read(1, 1)])),
  ],
  [
    'G-single',
    [1, 2],
    history({ 1: [1], 2: [2] }, transaction(1, [append(1, 1), append(2, 2)]), transaction(2, [read(1, 1), read(2)])),
  ],
  [
    'G2',
    [1, 2],
    history({ 1: [1], 2: [2] }, transaction(1, [read(1), append(2, 2)]), transaction(2, [read(2), append(1, 1)])),
  ],
  [
    'G-single-realtime',
    [1, 2],
    history(
      { 1: [1] },
      transaction(1, [append(1, 1)], { endedAtMs: 10 }),
      transaction(2, [read(1)], { beganAtMs: 20 }),
    ),
  ],
  [
    'G0-realtime',
    [1, 2],
    history(
      { 1: [2, 1] },
      transaction(1, [append(1, 1)], { endedAtMs: 10 }),
      transaction(2, [append(1, 2)], { beganAtMs: 20 }),
    ),
  ],
  ['lost append', [1], history({ 1: [] }, transaction(1, [append(1, 1)]))],
  ['lost append', [1], history({ 1: [1] }, transaction(1, [append(1, 1), append(2, 2)], { told: 'unknown' }))],
  ['unknown value', [1], history({ 1: [7] }, transaction(1, [read(1, 7)]))],
  ['duplicate', [], history({ 1: [1, 1] }, transaction(1, [append(1, 1)]))],
  [
    'incompatible order',
    [3],
    history(
      { 1: [1, 2] },
      transaction(1, [append(1, 1)]),
      transaction(2, [append(1, 2)]),
      transaction(3, [read(1, 2)]),
    ),
  ],
  ['internal', [1], history({ 1: [1] }, transaction(1, [append(1, 1), read(1)]))],
  ['internal', [2], history({ 1: [1] }, transaction(1, [append(1, 1)]), transaction(2, [read(1), read(1, 1)]))],
];

for (const [index, [name, transactions, given]] of broken.entries()) {
  test(`${name} is found (${index})`, (t) => {
    const found = anomaliesOf(given).find((anomaly) => anomaly.name === name);
    t.deepEqual([...(found?.transactions ?? ['nothing'])].sort(), [...transactions].sort(), found?.what);
  });
}

test('a cycle is named by the least that it takes: G2 is no G-single, and that no G1c', (t) => {
  for (const name of ['G1c', 'G-single', 'G2', 'G-single-realtime']) {
    const given = broken.find(([of]) => of === name)?.[2] ?? history({});
    t.deepEqual(
      anomaliesOf(given).map((anomaly) => anomaly.name),
      [name],
    );
  }
});

test('a long chain is no cycle, and takes no long time', (t) => {
  const values = Array.from({ length: 20_000 }, (_, index) => index + 1);
  const given = history(
    { 1: values },
    ...values.map((value) => transaction(value, [append(1, value)], { beganAtMs: value, endedAtMs: value + 8 })),
  );
  t.deepEqual(anomaliesOf(given), []);
});
