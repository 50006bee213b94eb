// The bank's checks: what the clients were told against what the database has. Pure, so that it can be shown to fail.
//
//   B1. No money appears or disappears: the sum of the balances is what it was.
//   B2. A transfer that was acknowledged is there, once, as it was asked for.
//   B3. A transfer that a client was told is rolled back is not there.
//   B4. A transfer whose fate the client could not know is there once or not at all.
//   B5. Each balance is what the transfers that are there make of it.
//   B6. Nothing is there that nobody asked for.
//   B7. A transaction ran at the isolation level that its client had asked for.
//   B8. No prepared transaction is left over.

import { INITIAL_BALANCE, type Books, type TransferRow } from './bank-tables.js';
import type { Entry, Ledger, Told } from './ledger.js';

export interface Violation {
  readonly rule: string;
  /** The transfers, or accounts, that show it. */
  readonly ids: readonly number[];
  readonly what: string;
}

export function violationsOf(ledger: Ledger, books: Books): Violation[] {
  const { entries } = ledger;
  const counts = new Map<number, number>();
  for (const { id } of books.rows) counts.set(id, (counts.get(id) ?? 0) + 1);
  const idsTold = (kind: Told['kind'], isWrong: (count: number) => boolean): number[] =>
    [...entries.values()]
      .filter(({ told, transfer }) => told.kind === kind && isWrong(counts.get(transfer.id) ?? 0))
      .map(({ transfer }) => transfer.id);
  const rowIds = (isWrong: (row: TransferRow, entry: Entry | undefined) => boolean): number[] =>
    books.rows.filter((row) => isWrong(row, entries.get(row.id))).map(({ id }) => id);
  return [
    ...sumViolations(books),
    violation(
      'B2',
      'acknowledged and not there',
      idsTold('committed', (count) => count === 0),
    ),
    violation(
      'B2',
      'acknowledged and there twice',
      idsTold('committed', (count) => count > 1),
    ),
    violation(
      'B2',
      'there otherwise than asked for',
      rowIds((row, entry) => entry !== undefined && differs(row, entry)),
    ),
    violation(
      'B3',
      'told as rolled back and there',
      idsTold('rolled back', (count) => count > 0),
    ),
    violation(
      'B4',
      'of unknown fate and there twice',
      idsTold('unknown', (count) => count > 1),
    ),
    ...balanceViolations(books),
    violation(
      'B6',
      'there and never asked for',
      rowIds((_row, entry) => entry === undefined),
    ),
    violation(
      'B7',
      'ran at another isolation level',
      rowIds((row, entry) => entry !== undefined && row.isolation !== entry.transfer.isolation),
    ),
    ...(books.preparedCount === 0
      ? []
      : [{ rule: 'B8', ids: [], what: `${books.preparedCount} prepared transactions are left` }]),
  ].filter(({ ids, rule }) => ids.length > 0 || rule === 'B1' || rule === 'B8');
}

/** Transfers of unknown fate that are there, and that are not. */
export function resolve(ledger: Ledger, books: Books): { readonly thereCount: number; readonly absentCount: number } {
  const there = new Set(books.rows.map(({ id }) => id));
  const unknown = [...ledger.entries.values()].filter(({ told }) => told.kind === 'unknown');
  const thereCount = unknown.filter(({ transfer }) => there.has(transfer.id)).length;
  return { thereCount, absentCount: unknown.length - thereCount };
}

function violation(rule: string, what: string, ids: readonly number[]): Violation {
  return { rule, what, ids };
}

function differs(row: TransferRow, { transfer }: Entry): boolean {
  return (['source', 'target', 'amount', 'teller'] as const).some((field) => row[field] !== transfer[field]);
}

function sumViolations({ balances }: Books): Violation[] {
  const sum = [...balances.values()].reduce((total, balance) => total + balance, 0);
  const expected = balances.size * INITIAL_BALANCE;
  return sum === expected ? [] : [{ rule: 'B1', ids: [], what: `the balances' sum is ${sum} and was ${expected}` }];
}

function balanceViolations({ rows, balances }: Books): Violation[] {
  const expected = new Map([...balances.keys()].map((id) => [id, INITIAL_BALANCE]));
  for (const { source, target, amount } of rows) {
    expected.set(source, (expected.get(source) ?? 0) - amount);
    expected.set(target, (expected.get(target) ?? 0) + amount);
  }
  const wrong = [...expected].filter(([id, balance]) => balances.get(id) !== balance).map(([id]) => id);
  return [violation('B5', 'accounts whose balance is not what their transfers make', wrong)];
}
