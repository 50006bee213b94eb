// What a simulated world is to those who run it: the command, the shrinker and the test suite know nothing more of it.
//
//   C1. A scenario is plain data: as JSON it can be printed, edited and replayed, and its run is always the same.
//   C2. A run throws a `Violation`, whose message begins with the letter of the invariant that was broken: 'S2: ...'.
//   C3. `shrinkSteps` gives scenarios that are smaller than the one given, the boldest steps first; none is the same again.

/** An invariant of the design that a run has broken; the message begins with its letter (C2). */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** One line of what happens, with its time. */
export type Trace = (line: string) => void;

export interface SimulatedWorld<Scenario extends { readonly seed: number }> {
  /** What `--world` calls it. */
  readonly name: string;
  /** Rows that a long campaign has to reach, each with the table that it belongs to. */
  readonly expected: readonly { readonly table: string; readonly row: string }[];
  scenarioOf(seed: number): Scenario;
  /** Plays everything; throws, or rejects with, a `Violation`. */
  run(scenario: Scenario, reached: Reached, trace?: Trace): void | Promise<void>;
  shrinkSteps(scenario: Scenario): Iterable<Scenario>;
}

interface Row {
  count: number;
  /** The first seed that reached it. */
  readonly seed: number;
}

/** What the runs of a campaign have reached: tables of rows that are counted. */
export class Reached {
  /** Of the scenario that is being run. */
  seed = 0;
  readonly #tables = new Map<string, Map<string, Row>>();

  count(table: string, row: string, by = 1): void {
    if (by === 0) return;
    let rows = this.#tables.get(table);
    if (rows === undefined) this.#tables.set(table, (rows = new Map<string, Row>()));
    const known = rows.get(row);
    if (known === undefined) rows.set(row, { count: by, seed: this.seed });
    else known.count += by;
  }

  countOf(table: string, row: string): number {
    return this.#tables.get(table)?.get(row)?.count ?? 0;
  }

  rowsOf(table: string): ReadonlyMap<string, Readonly<Row>> {
    return this.#tables.get(table) ?? new Map<string, Row>();
  }

  get tables(): readonly string[] {
    return [...this.#tables.keys()];
  }
}

/** Those of the world's expected rows that no seed has reached, as 'table: row'. */
export function missedRows({ expected }: Pick<SimulatedWorld<never>, 'expected'>, reached: Reached): string[] {
  return expected
    .filter(({ table, row }) => reached.countOf(table, row) === 0)
    .map(({ table, row }) => `${table}: ${row}`);
}
