// The blocks that we report: which data has arrived beyond a gap (RFC 2018 section 4), and what came twice (RFC 2883).
//
//   B1. What is reported is stored: a block is noted only once its bytes are among the pieces, and forgotten with them.
//   B2. The most recent block is the first, so that each of them is told several times before it drops out.

export interface ArrivedBlock {
  readonly leftOffset: number;
  readonly rightOffset: number;
}

/** More do not fit a segment (RFC 2018 section 3). */
export const MAX_BLOCK_COUNT = 4;

/** [left, right) is stored beyond a gap (B1). */
export function noteBlock(blocks: ArrivedBlock[], leftOffset: number, rightOffset: number): void {
  for (let index = blocks.length - 1; index >= 0; index--) {
    const block = blocks[index] as ArrivedBlock;
    if (block.leftOffset > rightOffset || block.rightOffset < leftOffset) continue;
    leftOffset = Math.min(leftOffset, block.leftOffset);
    rightOffset = Math.max(rightOffset, block.rightOffset);
    blocks.splice(index, 1);
  }
  blocks.unshift({ leftOffset, rightOffset }); // B2
  if (blocks.length > MAX_BLOCK_COUNT) blocks.pop();
}

/** Everything below `offset` is in order now. */
export function dropBlocksBelow(blocks: ArrivedBlock[], offset: number): void {
  for (let index = blocks.length - 1; index >= 0; index--) {
    if ((blocks[index] as ArrivedBlock).rightOffset <= offset) blocks.splice(index, 1);
  }
}
