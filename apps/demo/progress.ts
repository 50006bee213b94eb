// The living line of the download: a bar that shows which member served which part, and who serves now.

import type { Screen } from './screen.js';
import { barCells, formatLength, formatSpeed, type Stretch } from './text.js';

const MAX_BAR_WIDTH = 48;
const BESIDE_BAR_WIDTH = 52;
const MIN_BAR_WIDTH = 8;

/** Where the download is. */
export interface Progress {
  readonly receivedLength: number;
  readonly totalLength: number;
  readonly elapsedMs: number;
  /** In the order of the bytes; the last one is the member that serves now. */
  readonly stretches: readonly Stretch[];
}

export function progressLine(screen: Screen, progress: Progress): string {
  const { receivedLength, totalLength, elapsedMs, stretches } = progress;
  const width = Math.max(MIN_BAR_WIDTH, Math.min(MAX_BAR_WIDTH, screen.columns - BESIDE_BAR_WIDTH));
  const cells = barCells(stretches, receivedLength, totalLength, width).map((member) =>
    member === undefined ? screen.paint('faint', '·') : screen.memberCell(member),
  );
  const percent = `${Math.floor((receivedLength / totalLength) * 100)} %`.padStart(5);
  const speed = formatSpeed(receivedLength, elapsedMs).padStart(11);
  const now = stretches.at(-1)?.member;
  const serving = now === undefined ? '' : screen.member(now, `served by member ${now}`);
  return `${cells.join('')} ${percent} ${formatLength(receivedLength).padStart(9)} ${speed}  ${serving}`;
}
