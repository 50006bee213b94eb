// The end of the story: the table of moves, both hashes, and what follows from them.

import type { OfferedFile } from './offered-file.js';
import type { Screen } from './screen.js';
import { alignRight, formatLength, formatMs, formatSpeed } from './text.js';

export type MoveRow =
  | {
      readonly kind: 'moved';
      readonly from: number;
      readonly to: number;
      /** Bytes that curl had when the move was asked for. */
      readonly atLength: number;
      /** The longest gap between bytes around the move, as curl's reader saw it. */
      readonly stallMs: number;
      /** Undefined where the destination did not log it in time. */
      readonly imageLength: number | undefined;
    }
  | { readonly kind: 'failed'; readonly atLength: number; readonly stallMs: number; readonly because: string };

export interface Outcome {
  readonly file: OfferedFile;
  readonly sentHash: string;
  readonly receivedHash: string;
  readonly receivedLength: number;
  readonly elapsedMs: number;
  readonly minMoveCount: number;
  readonly wantedMoveCount: number;
  /** The longest gap between bytes when nothing moved. */
  readonly longestOtherGapMs: number;
  readonly moves: readonly MoveRow[];
}

/** Answers whether all is as it should be. */
export function showVerdict(screen: Screen, outcome: Outcome): boolean {
  const { sentHash, receivedHash, moves, minMoveCount, wantedMoveCount } = outcome;
  showTable(screen, outcome);
  const isSame = sentHash === receivedHash;
  const colour = isSame ? 'good' : 'bad';
  screen.line(`SHA-256   on the servers' disk  ${screen.paint(colour, sentHash)}`);
  screen.line(`          out of curl           ${screen.paint(colour, receivedHash)}`);
  screen.line();
  const movedCount = moves.filter(({ kind }) => kind === 'moved').length;
  const { receivedLength, elapsedMs } = outcome;
  const pace = `${formatLength(receivedLength)} in ${(elapsedMs / 1000).toFixed(1)} s, ${formatSpeed(receivedLength, elapsedMs)}`;
  const times = movedCount === 1 ? 'once' : `${movedCount} times`;
  if (!isSame) {
    screen.line(screen.paint('bad', '✘ Different: bytes were lost, doubled or changed.'));
  } else if (movedCount < minMoveCount) {
    screen.line(
      screen.paint('bad', `✘ Identical, but the connection moved only ${times}; ${minMoveCount} moves are the least.`),
    );
  } else {
    const story = movedCount === 0 ? '' : ` The connection moved ${times}, and curl did not notice: ${pace}.`;
    screen.line(`${screen.paint('good', '✔ Identical.')}${story}`);
    if (moves.length < wantedMoveCount) {
      const fitted = movedCount === 0 ? 'no move' : 'no further move';
      screen.line(
        `  There was time for ${fitted}: so small a file leaves the servers at once. Try a larger one, or none.`,
      );
    }
  }
  screen.line();
  return isSame && movedCount >= minMoveCount;
}

function showTable(screen: Screen, { moves, longestOtherGapMs }: Outcome): void {
  screen.line();
  if (moves.length === 0) return;
  const rows = moves.map((move, index) => {
    const [at, stall] = [formatLength(move.atLength), formatMs(move.stallMs)];
    if (move.kind === 'failed') return [String(index + 1), move.because, at, stall, '-'];
    const image = move.imageLength === undefined ? '?' : formatLength(move.imageLength);
    return [String(index + 1), `${move.from} → ${move.to}`, at, stall, image];
  });
  const [head = '', ...body] = alignRight([['move', 'member', 'after', 'stall at curl', 'image'], ...rows]);
  screen.line(screen.paint('faint', head));
  for (const line of body) screen.line(line);
  screen.line();
  screen.line(screen.paint('faint', `longest gap when nothing moved: ${formatMs(longestOtherGapMs)}`));
  screen.line();
}
