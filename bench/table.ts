// The results as a table for people: one line per measurement, numbers to the right.

import { isMet, type Aim, type Measurement } from './measurement.js';

const HEADINGS = ['', 'unit', 'n', 'median', 'lowest', 'highest', 'p99', 'aim'];
const TEXT_COLUMNS = new Set([0, 1, 7]);

export function table(measurements: readonly Measurement[]): string {
  const rows = [HEADINGS, ...measurements.map(row)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        TEXT_COLUMNS.has(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return rows.map(line).join('\n');
}

function row({ what, unit, summary, aims }: Measurement): string[] {
  const { count, median, low, high, p99 } = summary;
  const aim = aims.map((one) => `${describe(one)} ${isMet(one, summary) ? 'met' : 'MISSED'}`).join(', ');
  return [what, unit, String(count), ...[median, low, high, p99].map(digits), aim];
}

function describe({ kind, value, of }: Aim): string {
  return `${of === 'median' ? '' : 'p99 '}${kind === 'at-most' ? '≤' : '≥'} ${value}`;
}

/** Three significant digits; whole numbers from 100 on. */
function digits(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
