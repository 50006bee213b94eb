// The deadlines of all connections: a binary heap with positions, so that one changes in logarithmic time.
//
// One timer of the world serves them all: it is set for `next()`.

export interface HeapEntry {
  /** When, in milliseconds of the host's clock. */
  deadline: number;
  /** Where the entry is in the heap; -1 outside. Only the heap changes it. */
  heapIndex: number;
}

export class DeadlineHeap<Entry extends HeapEntry> {
  readonly #entries: Entry[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** The earliest deadline, or Infinity. */
  next(): number {
    return this.#entries[0]?.deadline ?? Infinity;
  }

  /** Sets an entry's deadline; Infinity takes it out. */
  set(entry: Entry, deadline: number): void {
    if (entry.heapIndex === -1) {
      if (deadline === Infinity) return;
      entry.deadline = deadline;
      entry.heapIndex = this.#entries.length;
      this.#entries.push(entry);
      this.#up(entry.heapIndex);
      return;
    }
    if (deadline === Infinity) {
      this.remove(entry);
      return;
    }
    const before = entry.deadline;
    entry.deadline = deadline;
    if (deadline < before) this.#up(entry.heapIndex);
    else if (deadline > before) this.#down(entry.heapIndex);
  }

  remove(entry: Entry): void {
    const index = entry.heapIndex;
    if (index === -1) return;
    entry.heapIndex = -1;
    const last = this.#entries.pop();
    if (last === undefined || last === entry) return;
    this.#place(last, index);
    this.#up(index);
    this.#down(last.heapIndex);
  }

  /** Takes out an entry that is due at `now`. */
  takeDue(now: number): Entry | undefined {
    const first = this.#entries[0];
    if (first === undefined || first.deadline > now) return undefined;
    this.remove(first);
    return first;
  }

  #place(entry: Entry, index: number): void {
    this.#entries[index] = entry;
    entry.heapIndex = index;
  }

  #up(index: number): void {
    const entry = this.#entries[index];
    if (entry === undefined) return;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = this.#entries[parentIndex];
      if (parent === undefined || parent.deadline <= entry.deadline) break;
      this.#place(parent, index);
      index = parentIndex;
    }
    this.#place(entry, index);
  }

  #down(index: number): void {
    const entry = this.#entries[index];
    if (entry === undefined) return;
    for (;;) {
      const left = this.#entries[2 * index + 1];
      const right = this.#entries[2 * index + 2];
      const child = right !== undefined && left !== undefined && right.deadline < left.deadline ? right : left;
      if (child === undefined || child.deadline >= entry.deadline) break;
      const childIndex = child.heapIndex;
      this.#place(child, index);
      index = childIndex;
    }
    this.#place(entry, index);
  }
}
