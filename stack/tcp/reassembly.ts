// Data that arrived ahead of data that is still missing: pieces sorted by offset, disjoint, bounded in number.
//
// The window bounds the bytes, `maxOutOfOrderCount` the pieces. A piece is a view of the segment that brought it. What
// there is no room for is forgotten; the peer sends it again.

export interface OutOfOrderPiece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * Keeps what of `bytes` is not there yet; where two copies overlap the first one stays. Answers whether all of it is there
 * now.
 */
export function insertPiece(pieces: OutOfOrderPiece[], offset: number, bytes: Uint8Array, maxCount: number): boolean {
  const end = offset + bytes.length;
  // Usually the piece belongs at the end.
  let index = pieces.length;
  while (index > 0 && (pieces[index - 1] as OutOfOrderPiece).offset > offset) index--;
  let from = offset;
  const before = pieces[index - 1];
  if (before !== undefined) from = Math.max(from, before.offset + before.bytes.length);
  while (from < end) {
    const after = pieces[index];
    const until = after === undefined ? end : Math.min(end, after.offset);
    if (from < until) {
      if (pieces.length >= maxCount) return false;
      pieces.splice(index, 0, { offset: from, bytes: bytes.subarray(from - offset, until - offset) });
      index++;
    }
    if (after === undefined) return true;
    from = Math.max(from, after.offset + after.bytes.length);
    index++;
  }
  return true;
}

/** The piece's bytes that begin exactly at `offset`, once data up to there is in order; undefined where a gap is left. */
export function takePiece(pieces: OutOfOrderPiece[], offset: number): Uint8Array | undefined {
  for (;;) {
    const first = pieces[0];
    if (first === undefined || first.offset > offset) return undefined;
    pieces.shift();
    const skip = offset - first.offset;
    if (skip < first.bytes.length) return skip === 0 ? first.bytes : first.bytes.subarray(skip);
  }
}
