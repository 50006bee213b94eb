// Segments of a script as bytes, and back: a codec of the runner's own, so that ours is tested by it and not by itself.
//
// Numbers here are those on the wire; `Numbering` is between them and the script's.

import { FLAG_LETTERS, type OptionText, type SegmentText } from './script.js';

const HEADER_LENGTH = 20;
const KIND = { eol: 0, nop: 1, mss: 2, wscale: 3, sackOK: 4, sack: 5, TS: 8 } as const;

/** The header with options, ports and checksum zero, then `length` bytes of payload. Options beyond 40 bytes do not fit. */
export function packetOf(segment: SegmentText, payload: Uint8Array): Uint8Array | 'options-too-long' {
  const options = segment.options === 'any' ? [] : segment.options;
  const content = Buffer.concat(options.map(optionBytes));
  const padded = Buffer.concat([content, Buffer.alloc((4 - (content.length % 4)) % 4)]);
  if (padded.length > 40) return 'options-too-long';
  const header = Buffer.alloc(HEADER_LENGTH);
  header.writeUInt32BE(segment.sequence, 4);
  header.writeUInt32BE(segment.acknowledgment ?? 0, 8);
  header[12] = ((HEADER_LENGTH + padded.length) / 4) << 4;
  header[13] = FLAG_LETTERS.reduce((bits, [letter, bit]) => (segment.flags.includes(letter) ? bits | bit : bits), 0);
  header.writeUInt16BE(segment.window ?? 0, 14);
  header.writeUInt16BE(segment.urgent ?? 0, 18);
  return Buffer.concat([header, padded, payload]);
}

function optionBytes(option: OptionText): Buffer {
  switch (option.kind) {
    case 'nop':
    case 'eol':
      return Buffer.from([KIND[option.kind]]);
    case 'mss':
      return Buffer.from([KIND.mss, 4, option.size >> 8, option.size & 0xff]);
    case 'wscale':
      return Buffer.from([KIND.wscale, 3, option.shift]);
    case 'sackOK':
      return Buffer.from([KIND.sackOK, 2]);
    case 'sack': {
      const edges = option.blocks.flatMap(({ left, right }) => [left, right]);
      return Buffer.concat([Buffer.from([KIND.sack, 2 + 4 * edges.length]), ...edges.map(uint32)]);
    }
    case 'TS':
      return Buffer.concat([Buffer.from([KIND.TS, 10]), uint32(option.value), uint32(option.echo)]);
    case 'other':
      return Buffer.concat([Buffer.from([option.code, option.content.length + 2]), option.content]);
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** What our TCP has sent. It is trusted to be well formed as far as lengths go: else this throws. */
export function segmentOf(packet: Uint8Array): SegmentText {
  const bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.length);
  const headerLength = ((bytes[12] as number) >> 4) * 4;
  const bits = bytes[13] as number;
  return {
    marking: undefined,
    flags: FLAG_LETTERS.map(([letter, bit]) => ((bits & bit) !== 0 ? letter : '')).join(''),
    sequence: bytes.readUInt32BE(4),
    length: bytes.length - headerLength,
    acknowledgment: (bits & 0x10) !== 0 ? bytes.readUInt32BE(8) : undefined,
    window: bytes.readUInt16BE(14),
    urgent: (bits & 0x20) !== 0 ? bytes.readUInt16BE(18) : undefined,
    options: optionsOf(bytes.subarray(HEADER_LENGTH, headerLength)),
  };
}

export function payloadOf(packet: Uint8Array): Uint8Array {
  return packet.subarray(((packet[12] as number) >> 4) * 4);
}

function optionsOf(bytes: Buffer): OptionText[] {
  const options: OptionText[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const code = bytes[offset] as number;
    if (code === KIND.eol) {
      options.push({ kind: 'eol' });
      break;
    }
    if (code === KIND.nop) {
      options.push({ kind: 'nop' });
      offset++;
      continue;
    }
    const length = bytes.readUInt8(offset + 1);
    if (length < 2 || offset + length > bytes.length) throw new Error(`option ${code} has a length of ${length}`);
    options.push(optionOf(code, bytes.subarray(offset + 2, offset + length)));
    offset += length;
  }
  return options;
}

function optionOf(code: number, content: Buffer): OptionText {
  if (code === KIND.mss && content.length === 2) return { kind: 'mss', size: content.readUInt16BE(0) };
  if (code === KIND.wscale && content.length === 1) return { kind: 'wscale', shift: content.readUInt8(0) };
  if (code === KIND.sackOK && content.length === 0) return { kind: 'sackOK' };
  if (code === KIND.TS && content.length === 8) {
    return { kind: 'TS', value: content.readUInt32BE(0), echo: content.readUInt32BE(4) };
  }
  if (code === KIND.sack && content.length % 8 === 0) {
    const blocks = Array.from({ length: content.length / 8 }, (_, index) => ({
      left: content.readUInt32BE(index * 8),
      right: content.readUInt32BE(index * 8 + 4),
    }));
    return { kind: 'sack', blocks };
  }
  return { kind: 'other', code, content: Uint8Array.from(content) };
}
