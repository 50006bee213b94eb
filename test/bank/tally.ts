// Counts of what happened, in named tables: what the end of a campaign shows.

export class Tally {
  readonly #tables = new Map<string, Map<string, number>>();

  count(table: string, row: string, by = 1): void {
    let rows = this.#tables.get(table);
    if (rows === undefined) this.#tables.set(table, (rows = new Map<string, number>()));
    rows.set(row, (rows.get(row) ?? 0) + by);
  }

  of(table: string, row: string): number {
    return this.#tables.get(table)?.get(row) ?? 0;
  }

  total(table: string): number {
    return [...(this.#tables.get(table)?.values() ?? [])].reduce((sum, count) => sum + count, 0);
  }

  /** All tables in the order in which they were first counted, rows by name. */
  get lines(): string[] {
    return [...this.#tables].flatMap(([table, rows]) => {
      const names = [...rows.keys()].sort();
      const width = Math.max(...names.map((name) => name.length));
      return ['', table, ...names.map((name) => `  ${name.padEnd(width)}  ${String(rows.get(name) ?? 0).padStart(9)}`)];
    });
  }
}
