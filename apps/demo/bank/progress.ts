// Where the work is, in one line: transfers, moves, and for each client which member serves it.

import type { Screen } from '../screen.js';

/** Cells of one client's trail, and what the line needs beside the trails. */
const MAX_TRAIL_LENGTH = 8;
const BESIDE_TRAILS_WIDTH = 42;
/** A blank, a digit and two blanks around each trail. */
const AROUND_TRAIL_WIDTH = 4;

export interface Progress {
  readonly elapsedMs: number;
  readonly transferCount: number;
  readonly moveCount: number;
  /** For each client the members that served it, the present one last. */
  readonly members: readonly (readonly number[])[];
}

/** For a terminal: each client with a trail of its last members. */
export function livingLine(screen: Screen, progress: Progress): string {
  const { elapsedMs, members } = progress;
  const room = Math.floor((screen.columns - BESIDE_TRAILS_WIDTH) / Math.max(members.length, 1)) - AROUND_TRAIL_WIDTH;
  const length = Math.max(1, Math.min(MAX_TRAIL_LENGTH, room));
  const trails = members.map((served) => {
    const cells = served.slice(-length).map((member) => screen.memberCell(member));
    const blank = ' '.repeat(length - cells.length);
    const now = served.at(-1) ?? 0;
    return `${blank}${cells.join('')} ${screen.member(now, String(now))}`;
  });
  return `${(elapsedMs / 1000).toFixed(1).padStart(5)} s ${counts(progress)}  ${trails.join('  ')}`;
}

/** For a pipe or a file. */
export function plainLine(progress: Progress): string {
  const serving = progress.members.map((served) => String(served.at(-1) ?? 0)).join(' ');
  return `${Math.round(progress.elapsedMs / 1000)} s`.padStart(7) + `${counts(progress)}   served by ${serving}`;
}

function counts({ transferCount, moveCount }: Progress): string {
  return `${String(transferCount).padStart(7)} transfers ${String(moveCount).padStart(6)} moves`;
}
