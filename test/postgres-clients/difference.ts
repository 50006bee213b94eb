// Where two transcripts part: the first place, with the lines before it.

const LINES_BEFORE = 4;
const LINES_AFTER = 6;
const LINE_LENGTH = 300;

export function differenceOf(expected: string, actual: string): string[] {
  const [left, right] = [expected.split('\n'), actual.split('\n')];
  const at = left.findIndex((line, index) => line !== right[index]);
  const first = at < 0 ? left.length : at;
  const from = Math.max(0, first - LINES_BEFORE);
  const shown = (lines: readonly string[], sign: string): string[] =>
    lines.slice(first, first + LINES_AFTER).map((line) => `${sign} ${line.slice(0, LINE_LENGTH)}`);
  return [
    `line ${first + 1}`,
    ...left.slice(from, first).map((line) => `  ${line.slice(0, LINE_LENGTH)}`),
    ...shown(left, '-'),
    ...shown(right, '+'),
  ];
}
