// TCP options (RFC 9293 section 3.1): maximum segment size, window scale and timestamps (RFC 7323), and Migratory's.
//
// Unknown options are skipped by their length (MUST-6); a length that can't be right makes the whole segment malformed.

import { decodeMigrateOption, encodeMigrateOption, EXPERIMENT_KIND, type MigrateOption } from './migrate-options.js';

export interface SegmentOptions {
  /** Bytes of payload. */
  readonly maximumSegmentSize?: number;
  /** Shift count, 0 to 14. */
  readonly windowScale?: number;
  readonly timestamps?: { readonly value: number; readonly echo: number };
  readonly migrate?: MigrateOption;
}

export const MAX_OPTIONS_LENGTH = 40;
const KIND_END = 0;
const KIND_NOP = 1;
const KIND_MSS = 2;
const KIND_WINDOW_SCALE = 3;
const KIND_TIMESTAMPS = 8;
const MAX_WINDOW_SCALE = 14;

/** Writes the options at `offset` of `target`, padded to whole words; answers how many bytes they take. */
export function encodeOptions(options: SegmentOptions, target: DataView, offset: number): number {
  const start = offset;
  if (options.maximumSegmentSize !== undefined) {
    target.setUint8(offset, KIND_MSS);
    target.setUint8(offset + 1, 4);
    target.setUint16(offset + 2, options.maximumSegmentSize);
    offset += 4;
  }
  if (options.windowScale !== undefined) {
    target.setUint8(offset, KIND_NOP);
    target.setUint8(offset + 1, KIND_WINDOW_SCALE);
    target.setUint8(offset + 2, 3);
    target.setUint8(offset + 3, options.windowScale);
    offset += 4;
  }
  if (options.timestamps !== undefined) {
    // The layout that RFC 7323 appendix A recommends.
    target.setUint32(offset, 0x0101080a);
    target.setUint32(offset + 4, options.timestamps.value);
    target.setUint32(offset + 8, options.timestamps.echo);
    offset += 12;
  }
  if (options.migrate !== undefined) {
    const content = encodeMigrateOption(options.migrate);
    target.setUint8(offset, EXPERIMENT_KIND);
    target.setUint8(offset + 1, content.length + 2);
    for (const [index, byte] of content.entries()) target.setUint8(offset + 2 + index, byte);
    offset += content.length + 2;
  }
  while ((offset - start) % 4 !== 0) target.setUint8(offset++, KIND_END);
  return offset - start;
}

/** The options in `bytes`, or `'malformed'`. */
export function decodeOptions(bytes: Uint8Array): SegmentOptions | 'malformed' {
  if (bytes.length === 0) return NO_OPTIONS;
  const options: { -readonly [Name in keyof SegmentOptions]: SegmentOptions[Name] } = {};
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  while (offset < bytes.length) {
    const kind = view.getUint8(offset);
    if (kind === KIND_END) break;
    if (kind === KIND_NOP) {
      offset++;
      continue;
    }
    if (offset + 2 > bytes.length) return 'malformed';
    const length = view.getUint8(offset + 1);
    if (length < 2 || offset + length > bytes.length) return 'malformed';
    if (kind === KIND_MSS && length === 4) {
      options.maximumSegmentSize = view.getUint16(offset + 2);
    } else if (kind === KIND_WINDOW_SCALE && length === 3) {
      options.windowScale = Math.min(view.getUint8(offset + 2), MAX_WINDOW_SCALE);
    } else if (kind === KIND_TIMESTAMPS && length === 10) {
      options.timestamps = { value: view.getUint32(offset + 2), echo: view.getUint32(offset + 6) };
    } else if (kind === EXPERIMENT_KIND) {
      const migrate = decodeMigrateOption(bytes.subarray(offset + 2, offset + length));
      if (migrate === 'malformed') return 'malformed';
      if (migrate !== 'other') options.migrate = migrate;
    }
    offset += length;
  }
  return options;
}

export const NO_OPTIONS: SegmentOptions = Object.freeze({});
