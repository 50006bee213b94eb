// The same statement in the ways in which a driver may send it.

import type { Statement } from './session.js';

export const STYLES = ['simple', 'extended', 'prepared'] as const;
export type Style = (typeof STYLES)[number];

/** A statement with parameters, once for all styles; `name` is that of its prepared statement. */
export interface Phrase {
  readonly name: string;
  readonly text: string;
}

export const DEBIT: Phrase = { name: 'debit', text: 'UPDATE accounts SET balance = balance - $2 WHERE id = $1' };
export const CREDIT: Phrase = { name: 'credit', text: 'UPDATE accounts SET balance = balance + $2 WHERE id = $1' };
export const SET_BALANCE: Phrase = { name: 'set_balance', text: 'UPDATE accounts SET balance = $2 WHERE id = $1' };
export const READ: Phrase = { name: 'read', text: 'SELECT id, balance FROM accounts WHERE id IN ($1, $2) ORDER BY id' };
export const READ_AND_LOCK: Phrase = { name: 'read_and_lock', text: `${READ.text} FOR UPDATE` };
export const NOTE: Phrase = {
  name: 'note',
  text: 'INSERT INTO transfers (id, source, target, amount, teller) VALUES ($1, $2, $3, $4, $5)',
};
/** The whole transfer in one statement. */
export const TRANSFER: Phrase = {
  name: 'transfer',
  text: `WITH debit AS (UPDATE accounts SET balance = balance - $4 WHERE id = $2 RETURNING id),
    credit AS (UPDATE accounts SET balance = balance + $4 WHERE id = $3 RETURNING id)
    INSERT INTO transfers (id, source, target, amount, teller)
    SELECT $1, debit.id, credit.id, $4, $5 FROM debit, credit RETURNING id`,
};

export function say(style: Style, phrase: Phrase, values: readonly number[]): Statement {
  switch (style) {
    case 'simple':
      return { text: literally(phrase, values) };
    case 'extended':
      return { text: phrase.text, values: [...values] };
    case 'prepared':
      return { name: phrase.name, text: phrase.text, values: [...values] };
  }
}

/** BEGIN and the like. */
export function plainly(style: Style, text: string): Statement {
  return style === 'simple' ? { text } : { text, queryMode: 'extended' };
}

/** With the numbers in the text. */
export function literally({ text }: Phrase, values: readonly number[]): string {
  return text.replace(/\$(\d)/g, (_match, position) => String(values[Number(position) - 1] ?? 'NULL'));
}
