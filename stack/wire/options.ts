// TCP options (RFC 9293 section 3.1): maximum segment size, window scale and timestamps (RFC 7323), selective
// acknowledgments (RFC 2018), and Migratory's.
//
// Unknown options are skipped by their length (MUST-6); a length that can't be right makes the whole segment malformed.

import { readUint16, readUint32, writeUint16, writeUint32 } from './big-endian.js';
import { decodeMigrateOption, encodeMigrateOption, EXPERIMENT_KIND, type MigrateOption } from './migrate-options.js';
import type { Sequence } from './sequence.js';

/** What has arrived out of order: from `left` up to `right`, exclusive. Nothing says yet that it makes sense. */
export interface SackBlock {
  readonly left: Sequence;
  readonly right: Sequence;
}

export interface SegmentOptions {
  /** Bytes of payload. */
  readonly maximumSegmentSize?: number;
  /** Shift count, 0 to 14. */
  readonly windowScale?: number;
  /** In a SYN: selective acknowledgments are understood (RFC 2018 section 2). */
  readonly sackPermitted?: true;
  readonly timestamps?: { readonly value: number; readonly echo: number };
  /** At least one block, at most four (RFC 2018 section 3). */
  readonly sackBlocks?: readonly SackBlock[];
  readonly migrate?: MigrateOption;
}

export const MAX_OPTIONS_LENGTH = 40;
const KIND_END = 0;
const KIND_NOP = 1;
const KIND_MSS = 2;
const KIND_WINDOW_SCALE = 3;
const KIND_SACK_PERMITTED = 4;
const KIND_SACK = 5;
const KIND_TIMESTAMPS = 8;
const SACK_BLOCK_LENGTH = 8;
const MAX_WINDOW_SCALE = 14;

/** Bytes that so many blocks take, padded to whole words. */
export function sackOptionLength(blockCount: number): number {
  return blockCount === 0 ? 0 : 4 + blockCount * SACK_BLOCK_LENGTH;
}

/** Writes the options at `offset` of `target`, padded to whole words; answers how many bytes they take. */
export function encodeOptions(options: SegmentOptions, target: Uint8Array, offset: number): number {
  const start = offset;
  if (options.maximumSegmentSize !== undefined) {
    target[offset] = KIND_MSS;
    target[offset + 1] = 4;
    writeUint16(target, offset + 2, options.maximumSegmentSize);
    offset += 4;
  }
  if (options.windowScale !== undefined) {
    target[offset] = KIND_NOP;
    target[offset + 1] = KIND_WINDOW_SCALE;
    target[offset + 2] = 3;
    target[offset + 3] = options.windowScale;
    offset += 4;
  }
  if (options.sackPermitted !== undefined) {
    writeUint32(target, offset, 0x01010402);
    offset += 4;
  }
  if (options.timestamps !== undefined) {
    // The layout that RFC 7323 appendix A recommends.
    writeUint32(target, offset, 0x0101080a);
    writeUint32(target, offset + 4, options.timestamps.value);
    writeUint32(target, offset + 8, options.timestamps.echo);
    offset += 12;
  }
  if (options.sackBlocks !== undefined) offset = encodeSackBlocks(options.sackBlocks, target, offset);
  if (options.migrate !== undefined) {
    const content = encodeMigrateOption(options.migrate);
    target[offset] = EXPERIMENT_KIND;
    target[offset + 1] = content.length + 2;
    target.set(content, offset + 2);
    offset += content.length + 2;
  }
  while ((offset - start) % 4 !== 0) target[offset++] = KIND_END;
  return offset - start;
}

function encodeSackBlocks(blocks: readonly SackBlock[], target: Uint8Array, offset: number): number {
  target[offset] = KIND_NOP;
  target[offset + 1] = KIND_NOP;
  target[offset + 2] = KIND_SACK;
  target[offset + 3] = 2 + blocks.length * SACK_BLOCK_LENGTH;
  offset += 4;
  for (const { left, right } of blocks) {
    writeUint32(target, offset, left);
    writeUint32(target, offset + 4, right);
    offset += SACK_BLOCK_LENGTH;
  }
  return offset;
}

/** The options in `bytes`, or `'malformed'`. */
export function decodeOptions(bytes: Uint8Array): SegmentOptions | 'malformed' {
  if (bytes.length === 0) return NO_OPTIONS;
  const options: { -readonly [Name in keyof SegmentOptions]: SegmentOptions[Name] } = {};
  let offset = 0;
  while (offset < bytes.length) {
    const kind = bytes[offset];
    if (kind === KIND_END) break;
    if (kind === KIND_NOP) {
      offset++;
      continue;
    }
    const length = bytes[offset + 1];
    if (length === undefined || length < 2 || offset + length > bytes.length) return 'malformed';
    if (kind === KIND_MSS && length === 4) {
      options.maximumSegmentSize = readUint16(bytes, offset + 2);
    } else if (kind === KIND_WINDOW_SCALE && length === 3) {
      options.windowScale = Math.min(bytes[offset + 2] as number, MAX_WINDOW_SCALE);
    } else if (kind === KIND_TIMESTAMPS && length === 10) {
      options.timestamps = { value: readUint32(bytes, offset + 2), echo: readUint32(bytes, offset + 6) };
    } else if (kind === KIND_SACK && length > 2 && (length - 2) % SACK_BLOCK_LENGTH === 0) {
      options.sackBlocks = decodeSackBlocks(bytes, offset + 2, offset + length);
    } else if (kind === KIND_SACK_PERMITTED && length === 2) {
      options.sackPermitted = true;
    } else if (kind === EXPERIMENT_KIND) {
      const migrate = decodeMigrateOption(bytes.subarray(offset + 2, offset + length));
      if (migrate === 'malformed') return 'malformed';
      if (migrate !== 'other') options.migrate = migrate;
    }
    offset += length;
  }
  return options;
}

function decodeSackBlocks(bytes: Uint8Array, from: number, end: number): SackBlock[] {
  const blocks: SackBlock[] = [];
  for (let at = from; at < end; at += SACK_BLOCK_LENGTH) {
    blocks.push({ left: readUint32(bytes, at), right: readUint32(bytes, at + 4) });
  }
  return blocks;
}

export const NO_OPTIONS: SegmentOptions = Object.freeze({});
