// The store of a toy PostgreSQL: numbers that were inserted, transactions with ids, prepared ones, and what became of each.
//
// It never forgets and never fails, so what it has is the truth that a client's answers are measured by.

export interface ToyTransaction {
  /** '' until it writes. */
  id: string;
  readonly numbers: number[];
}

export class ToyStore {
  /** Numbers, in the order of their transactions' commits. */
  readonly committed: number[] = [];
  readonly prepared = new Map<string, ToyTransaction>();
  /** Of all transactions that were ever prepared. */
  readonly preparedNames: string[] = [];
  readonly #record: (effect: string) => void;
  readonly #fates = new Map<string, 'in progress' | 'committed' | 'aborted'>();
  #lastId = 700;

  /** `record` is told of each number before it is there to stay. */
  constructor(record: (effect: string) => void = () => undefined) {
    this.#record = record;
  }

  insert(transaction: ToyTransaction, number: number): void {
    if (transaction.id === '') {
      transaction.id = String(++this.#lastId);
      this.#fates.set(transaction.id, 'in progress');
    }
    transaction.numbers.push(number);
  }

  prepare(name: string, transaction: ToyTransaction): void {
    this.prepared.set(name, transaction);
    this.preparedNames.push(name);
  }

  commit({ id, numbers }: ToyTransaction): void {
    for (const number of numbers) {
      this.#record(`INSERT ${number}`);
      this.committed.push(number);
    }
    if (id !== '') this.#fates.set(id, 'committed');
  }

  rollBack({ id }: ToyTransaction): void {
    if (id !== '') this.#fates.set(id, 'aborted');
  }

  /** As pg_xact_status says it. */
  fateOf(id: string): string | null {
    return this.#fates.get(id) ?? null;
  }
}
