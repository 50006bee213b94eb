// What a campaign has reached, as text: the totals, and a table for everything that was counted.

import type { Reached } from './campaign.js';

/** Table by table, in the order in which they were first counted; `totals` stands in the summary. */
export function reportOf(
  reached: Reached,
  expected: readonly { readonly table: string; readonly row: string }[],
): string[] {
  return reached.tables
    .filter((table) => table !== 'totals')
    .flatMap((table) =>
      tableOf(
        table,
        reached,
        expected.filter((row) => row.table === table).map(({ row }) => row),
      ),
    );
}

function tableOf(table: string, reached: Reached, expected: readonly string[]): string[] {
  const rows = reached.rowsOf(table);
  const names = [...new Set([...expected, ...[...rows.keys()].sort()])];
  const width = Math.max(table.length, ...names.map((name) => name.length));
  return [
    '',
    `${table.padEnd(width)}  ${'times'.padStart(9)}  ${'first seed'.padStart(10)}`,
    ...names.map((name) => {
      const row = rows.get(name);
      const cells = row === undefined ? ['never', ''] : [String(row.count), String(row.seed)];
      return `${name.padEnd(width)}  ${(cells[0] ?? '').padStart(9)}  ${(cells[1] ?? '').padStart(10)}`;
    }),
  ];
}

export function totalsOf(reached: Reached): string {
  return [...reached.rowsOf('totals')].map(([name, { count }]) => `${name} ${count}`).join(', ');
}
