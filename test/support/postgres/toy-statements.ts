// The SQL of a toy PostgreSQL: BEGIN, COMMIT, ROLLBACK, `INSERT n`, `SELECT` of all numbers, `SET name = value`, `COPY` of
// numbers, the two phases of a commit, and the questions that the front-end has of its own. Whatever else there is, is a syntax
// error; comments are none, so a long text is one with blanks in it.

import { commandComplete } from '@migratory/pg-frontend/internal/wire/backend-messages.js';
import {
  BACKEND,
  cString,
  int32,
  message,
  type TransactionStatus,
} from '@migratory/pg-frontend/internal/wire/message.js';
import type { ToyStore, ToyTransaction } from './toy-store.js';

/** What a statement is refused with. */
export class ToyError extends Error {
  override readonly name = 'ToyError';

  constructor(
    readonly code: string,
    text: string,
  ) {
    super(text);
  }
}

export type ToyAnswer =
  | { readonly kind: 'done'; readonly bytes: Buffer }
  /** The numbers come as CopyData. */
  | { readonly kind: 'copies'; readonly bytes: Buffer };

/** What a session can learn of all others. */
export interface ToySurroundings {
  readonly user: string;
  /** 1 where that process is in a transaction. */
  countInTransaction(processId: number): number;
  terminate(processId: number): void;
}

type Row = readonly (string | null)[];

const ONE_TEXT_COLUMN = message(
  BACKEND.rowDescription,
  Buffer.of(0, 1),
  cString('number'),
  int32(0),
  Buffer.of(0, 0),
  int32(25),
  Buffer.of(255, 255),
  int32(-1),
  Buffer.of(0, 0),
);

const BESIDES = [
  message(BACKEND.noticeResponse, 'SNOTICE\0VNOTICE\0\0'),
  message(BACKEND.parameterStatus, cString('client_encoding'), cString('LATIN1')),
];

export class ToyStatements {
  readonly #store: ToyStore;
  readonly #surroundings: ToySurroundings;
  readonly #parameters = new Map<string, string>();
  #transaction: ToyTransaction | undefined;
  #block: TransactionStatus = 'I';
  listPrepared: () => readonly string[] = () => [];

  constructor(store: ToyStore, surroundings: ToySurroundings) {
    this.#store = store;
    this.#surroundings = surroundings;
  }

  get status(): TransactionStatus {
    return this.#block;
  }

  /** Throws `ToyError` where it is no statement, or where a failed transaction allows none. */
  check(text: string): void {
    const known = this.#find(text);
    if (known === undefined) throw new ToyError('42601', 'syntax error');
    if (this.#block === 'E' && !/^\s*(?:COMMIT|ROLLBACK)/i.test(text)) {
      throw new ToyError('25P02', 'current transaction is aborted');
    }
  }

  describe(text: string, what: 'all' | 'rows-only' = 'all'): Buffer {
    if (/^\s*SELECT\b/i.test(text))
      return this.#block === 'E' && what === 'rows-only' ? Buffer.alloc(0) : ONE_TEXT_COLUMN;
    return what === 'all' ? message(BACKEND.noData) : Buffer.alloc(0);
  }

  /** Outside of a block all up to `endSequence` is one transaction. Throws `ToyError`. */
  run(text: string): ToyAnswer {
    this.check(text);
    const answer = this.#find(text)?.() ?? 'unknown';
    if (typeof answer === 'string') return { kind: 'done', bytes: commandComplete(answer) };
    return Array.isArray(answer) ? { kind: 'done', bytes: rowsOf(answer) } : answer;
  }

  copy(numbers: readonly number[]): Buffer {
    for (const number of numbers) this.#store.insert(this.#open(), number);
    return commandComplete(`COPY ${numbers.length}`);
  }

  /** A Query or a Sync ends what stands in no block. */
  endSequence(): void {
    if (this.#block !== 'I' || this.#transaction === undefined) return;
    this.#store.commit(this.#transaction);
    this.#transaction = undefined;
  }

  fail(): void {
    if (this.#transaction !== undefined) this.#store.rollBack(this.#transaction);
    this.#transaction = undefined;
    if (this.#block === 'T') this.#block = 'E';
  }

  end(): void {
    this.fail();
    this.#block = 'I';
  }

  #open(): ToyTransaction {
    this.#transaction ??= { id: '', numbers: [] };
    return this.#transaction;
  }

  #find(text: string): (() => string | Row[] | ToyAnswer) | undefined {
    for (const [pattern, act] of this.#known) {
      const match = pattern.exec(text);
      if (match !== null) return () => act(match[1] ?? '', text);
    }
    return undefined;
  }

  readonly #known: readonly [RegExp, (argument: string, text: string) => string | Row[] | ToyAnswer][] = [
    [/^\s*BEGIN\s*$/i, () => this.#begin()],
    [/^\s*COMMIT\s*$/i, () => this.#commit()],
    [/^\s*ROLLBACK\s*$/i, () => this.#rollBack()],
    [/^\s*INSERT\s+(\d+)\s*$/i, (number) => this.#insert(Number(number))],
    [/^\s*SELECT\s*$/i, () => this.#numbers().map((number) => [String(number)])],
    [/^\s*COPY\s+numbers\s+FROM\s+STDIN\s*$/i, () => this.#beginCopy()],
    [/^\s*SET\s+([\w.]+\s*=\s*\w+)\s*$/i, (setting) => this.#set(setting)],
    [/^\s*DISCARD\s+ALL\s*$/i, () => 'DISCARD ALL'],
    [/^\s*PREPARE\s+TRANSACTION\s+'([^']+)'$/, (name) => this.#prepare(name)],
    [/^\s*COMMIT\s+PREPARED\s+'([^']+)'$/, (name) => this.#commitPrepared(name)],
    [/pg_xact_status\('(\d+)'\)/, (id) => [[this.#store.fateOf(id)]]],
    [/pg_prepared_xacts.*'([^']*)'/, (name) => (this.#store.prepared.has(name) ? [[]] : [])],
    [/pg_terminate_backend.*pg_stat_get_activity\((\d+)\)/s, (processId) => this.#terminate(Number(processId))],
    [/pg_stat_get_activity\((\d+)\)/, (processId) => this.#activity(Number(processId))],
    [/json_object_agg/, (_, text) => [this.#inspection(text)]],
    [/set_config/, (_, text) => this.#setAll(text)],
  ];

  /**
   * The answer to a call of the function that tells the transaction's id. A client may have made it fail, as a short
   * statement_timeout or its request to cancel does, or tell more than was asked.
   */
  callForId(): Buffer {
    if (this.#block === 'E') throw new ToyError('25P02', 'current transaction is aborted');
    if (this.#parameters.get('own.questions') === 'fail') throw new ToyError('57014', 'canceling statement');
    const { id = '' } = this.#transaction ?? {};
    const besides = this.#parameters.get('own.questions') === 'tell' ? BESIDES : [];
    const result = id === '' ? [int32(-1)] : [int32(id.length), id];
    return Buffer.concat([...besides, message(BACKEND.functionCallResponse, ...result)]);
  }

  #begin(): string {
    if (this.#block === 'I') this.#block = 'T';
    return 'BEGIN';
  }

  #commit(): string {
    if (this.#block === 'E') return this.#rollBack();
    if (this.#transaction !== undefined) this.#store.commit(this.#transaction);
    this.#transaction = undefined;
    this.#block = 'I';
    return 'COMMIT';
  }

  #rollBack(): string {
    this.end();
    return 'ROLLBACK';
  }

  #insert(number: number): string {
    this.#store.insert(this.#open(), number);
    return 'INSERT 0 1';
  }

  #numbers(): readonly number[] {
    return [...this.#store.committed, ...(this.#transaction?.numbers ?? [])];
  }

  #beginCopy(): ToyAnswer {
    return { kind: 'copies', bytes: message(BACKEND.copyInResponse, Buffer.of(0, 0, 1, 0, 0)) };
  }

  #set(setting: string): string {
    const [name = '', value = ''] = setting.split('=').map((part) => part.trim());
    this.#parameters.set(name, value);
    return 'SET';
  }

  #setAll(text: string): Row[] {
    for (const [, name = '', value = ''] of text.matchAll(/set_config\('([^']+)', '([^']*)', false\)/g)) {
      this.#parameters.set(name, value);
    }
    return [['']];
  }

  #prepare(name: string): string | ToyAnswer {
    if (this.#block !== 'T') return this.#rollBack();
    if (this.#parameters.get('own.commit') === 'fail') {
      this.end();
      throw new ToyError('23503', 'a deferred constraint is violated');
    }
    this.#store.prepare(name, this.#open());
    this.#transaction = undefined;
    this.#block = 'I';
    return 'PREPARE TRANSACTION';
  }

  #commitPrepared(name: string): string {
    const transaction = this.#store.prepared.get(name);
    if (transaction === undefined) throw new ToyError('42704', 'there is no such prepared transaction');
    this.#store.commit(transaction);
    this.#store.prepared.delete(name);
    return 'COMMIT PREPARED';
  }

  #terminate(processId: number): Row[] {
    this.#surroundings.terminate(processId);
    return [['t']];
  }

  #activity(processId: number): Row[] {
    return Array.from({ length: this.#surroundings.countInTransaction(processId) }, () => ['1']);
  }

  /** As `inspection.ts` asks for it. */
  #inspection(text: string): Row {
    const custom = [...text.matchAll(/current_setting\('([^']+)', true\)/g)].map(
      ([, name = '']) => this.#parameters.get(name) ?? null,
    );
    const listed = Object.fromEntries([...this.#parameters].filter(([name]) => !name.includes('.')));
    const prepared = JSON.stringify(this.listPrepared().map((name) => [name, null]));
    return [JSON.stringify(listed), 'f', prepared, 'none', this.#surroundings.user, 'f', 'f', null, ...custom];
  }
}

function rowsOf(rows: readonly Row[]): Buffer {
  const messages = rows.map((row) => {
    const values = row.map((value) => {
      return value === null ? int32(-1) : Buffer.concat([int32(Buffer.byteLength(value)), Buffer.from(value)]);
    });
    return message(BACKEND.dataRow, Buffer.of(0, row.length), ...values);
  });
  return Buffer.concat([...messages, commandComplete(`SELECT ${rows.length}`)]);
}
