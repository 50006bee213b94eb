// Numbers and tables as people read them. Pure: the screen decides about colours.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** 1536 -> "1.5 KiB". */
export function formatLength(length: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(length, 1)) / 10), UNITS.length - 1);
  const value = length / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : Number(value.toFixed(1))} ${UNITS[power] ?? ''}`;
}

/** Bytes and the time that they took, in bits per second. */
export function formatSpeed(length: number, elapsedMs: number): string {
  const megabits = elapsedMs === 0 ? 0 : (length * 8) / elapsedMs / 1000;
  return megabits >= 1000 ? `${(megabits / 1000).toFixed(1)} Gbit/s` : `${megabits.toFixed(0)} Mbit/s`;
}

export function formatMs(durationMs: number): string {
  return `${durationMs.toFixed(1)} ms`;
}

/** Columns as wide as their widest cell, set flush right; the first row is the head. */
export function alignRight(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('   '));
}

/** A stretch of the download, and the member that served it. */
export interface Stretch {
  readonly fromLength: number;
  readonly member: number;
}

/** For each cell of a bar, the member that served its first byte; undefined where nothing has come yet. */
export function barCells(
  stretches: readonly Stretch[],
  receivedLength: number,
  totalLength: number,
  cellCount: number,
): (number | undefined)[] {
  return Array.from({ length: cellCount }, (_, index) => {
    const at = (index * totalLength) / cellCount;
    if (at >= receivedLength) return undefined;
    return stretches.findLast(({ fromLength }) => fromLength <= at)?.member;
  });
}
