// The bank's checks, made to fail one by one: what was acknowledged against tables that somebody has changed by hand.

import test from 'ava';
import { INITIAL_BALANCE, type Books, type TransferRow } from './bank-tables.js';
import { Ledger, type Told, type Transfer } from './ledger.js';
import { resolve, violationsOf } from './verdict.js';

const FIRST: Transfer = { id: 1, source: 1, target: 2, amount: 5, teller: 0, isolation: 'serializable' };
const SECOND: Transfer = { ...FIRST, id: 2, source: 2, target: 3, amount: 8 };

function ledgerOf(...told: (readonly [Transfer, Told['kind']])[]): Ledger {
  const ledger = new Ledger();
  for (const [transfer, kind] of told) {
    ledger.record({ transfer, shape: '', told: kind === 'committed' ? { kind } : { kind, because: '' } });
  }
  return ledger;
}

/** Books in which everything fits. */
function booksOf(rows: readonly TransferRow[], changes: Partial<Books> = {}): Books {
  const balances = new Map([1, 2, 3].map((id) => [id, INITIAL_BALANCE]));
  for (const { source, target, amount } of rows) {
    balances.set(source, (balances.get(source) ?? 0) - amount);
    balances.set(target, (balances.get(target) ?? 0) + amount);
  }
  return { rows, balances, preparedCount: 0, ...changes };
}

const rules = (ledger: Ledger, books: Books): string[] =>
  violationsOf(ledger, books).map(({ rule, ids }) => [rule, ...ids].join(' '));

const both = ledgerOf([FIRST, 'committed'], [SECOND, 'committed']);

test('books that fit violate nothing', (t) => {
  t.deepEqual(rules(both, booksOf([FIRST, SECOND])), []);
  t.deepEqual(rules(ledgerOf([FIRST, 'rolled back'], [SECOND, 'committed']), booksOf([SECOND])), []);
});

test('an unknown fate may turn out either way, once', (t) => {
  const ledger = ledgerOf([FIRST, 'unknown'], [SECOND, 'unknown']);
  t.deepEqual(rules(ledger, booksOf([FIRST])), []);
  t.deepEqual(resolve(ledger, booksOf([FIRST])), { thereCount: 1, absentCount: 1 });
  t.deepEqual(rules(ledger, booksOf([FIRST, FIRST])), ['B4 1']);
});

test('B1, B5: money that appeared', (t) => {
  const balances = new Map([...booksOf([FIRST]).balances, [3, INITIAL_BALANCE + 1]]);
  t.deepEqual(rules(ledgerOf([FIRST, 'committed']), booksOf([FIRST], { balances })), ['B1', 'B5 3']);
});

test('B5: a transfer whose money was moved twice', (t) => {
  const balances = booksOf([FIRST, FIRST]).balances;
  t.deepEqual(rules(ledgerOf([FIRST, 'committed']), booksOf([FIRST], { balances })), ['B5 1 2']);
});

test('B2: an acknowledged transfer that is not there, is there twice, or is another one', (t) => {
  t.deepEqual(rules(both, booksOf([SECOND])), ['B2 1']);
  t.deepEqual(rules(both, booksOf([FIRST, SECOND, SECOND])), ['B2 2']);
  t.deepEqual(rules(both, booksOf([{ ...FIRST, amount: 6 }, SECOND])), ['B2 1']);
});

test('B3: a transfer that was rolled back, and is there', (t) => {
  t.deepEqual(rules(ledgerOf([FIRST, 'rolled back'], [SECOND, 'committed']), booksOf([FIRST, SECOND])), ['B3 1']);
});

test('B6, B7, B8: what nobody asked for, another level, a prepared transaction', (t) => {
  const ledger = ledgerOf([FIRST, 'committed']);
  t.deepEqual(rules(ledger, booksOf([FIRST, SECOND])), ['B6 2']);
  t.deepEqual(rules(ledger, booksOf([{ ...FIRST, isolation: 'read committed' }])), ['B7 1']);
  t.deepEqual(rules(ledger, booksOf([FIRST], { preparedCount: 1 })), ['B8']);
});
