// What the clients were told of each transfer: the one side of the books. The database's tables are the other.

export type Isolation = 'read committed' | 'repeatable read' | 'serializable';

export const ISOLATIONS: readonly Isolation[] = ['read committed', 'repeatable read', 'serializable'];

export interface Transfer {
  /** Never used again, whatever becomes of it: a retry is a new transfer. */
  readonly id: number;
  readonly source: number;
  readonly target: number;
  readonly amount: number;
  readonly teller: number;
  readonly isolation: Isolation;
}

export type Told =
  | { readonly kind: 'committed' }
  /** An error before or at COMMIT, a ROLLBACK, or a connection that was lost before COMMIT had been sent. */
  | { readonly kind: 'rolled back'; readonly because: string }
  /** The connection was lost while COMMIT, or a statement that commits by itself, was under way. */
  | { readonly kind: 'unknown'; readonly because: string };

export interface Entry {
  readonly transfer: Transfer;
  readonly told: Told;
  readonly shape: string;
}

export class Ledger {
  readonly #entries = new Map<number, Entry>();
  #lastId = 0;
  #committedCount = 0;

  nextId(): number {
    return ++this.#lastId;
  }

  record(entry: Entry): void {
    this.#entries.set(entry.transfer.id, entry);
    if (entry.told.kind === 'committed') this.#committedCount++;
  }

  get committedCount(): number {
    return this.#committedCount;
  }

  get entries(): ReadonlyMap<number, Entry> {
    return this.#entries;
  }
}
