// SYN cookies: under a flood of SYNs a listener answers without keeping anything (RFC 4987 section 3.6). What it has to know
// of a SYN is in the numbers that it answers with, and comes back with the client's next segment.
//
//   C1. The number is five bits of the time, three of the MSS and 24 of a mac over everything; a cookie is good for one or two
//       periods. So a blind guess opens one connection in sixteen million, as an acknowledgment guessed for a half-open
//       connection would.
//   C2. Scaling, SACK, marks of congestion and migration are in the low bits of our timestamp: a client without timestamps gets none of them.

import { createHmac } from 'node:crypto';
import type { TcpConfig } from '../tcp/config.js';
import type { TcpSeed } from '../tcp/connection.js';
import type { SegmentOptions } from '../wire/options.js';
import { addSequence } from '../wire/sequence.js';
import { FLAG, type Segment } from '../wire/segment.js';

const PERIOD_MS = 64_000;
/** The greatest that is not above what the client offers is taken. */
const SEGMENT_SIZES = [88, 536, 1220, 1300, 1400, 1440, 1460, 8960] as const;
const DEFAULT_SEGMENT_SIZE = 536;
const STAMP_MASK = 0x7f;
const NO_SCALE = 15;
const BIT_SACK = 0x10;
const BIT_CAPABLE = 0x20;
const BIT_MARKS = 0x40;
const MARKS_OFFERED = FLAG.ece | FLAG.cwr;

/** C2. A SYN with what its cookie will bring back, and nothing else: more must not be agreed to. */
export function promisable(syn: Segment, config: Pick<TcpConfig, 'timestamps'>): Segment {
  const { timestamps, maximumSegmentSize } = syn.options;
  if (timestamps !== undefined && config.timestamps) return syn;
  return { ...syn, flags: FLAG.syn, options: maximumSegmentSize === undefined ? {} : { maximumSegmentSize } };
}

/** Numbers for the answer to a SYN, one that is `promisable`; `seed` is the path's own. */
export function cookieFor(
  secret: Uint8Array,
  now: number,
  path: string,
  syn: Segment,
  seed: TcpSeed & { readonly timestampOffset: number },
): TcpSeed {
  const stamp = stampOf(syn);
  const period = Math.floor(now / PERIOD_MS);
  const sizeIndex = sizeIndexOf(syn.options.maximumSegmentSize ?? DEFAULT_SEGMENT_SIZE);
  const mac = macOf(secret, path, syn.sequence, period, sizeIndex, stamp);
  // The timestamp goes back by less than its low bits have room for, so what is sent later is above it.
  const back = stamp === undefined ? 0 : (Math.floor(now) + seed.timestampOffset - stamp) & STAMP_MASK;
  return {
    initialSequence: (((period & 0x1f) << 27) | (sizeIndex << 24) | mac) >>> 0,
    timestampOffset: (seed.timestampOffset - back) >>> 0,
  };
}

/** The SYN that a cookie was given for, if `segment` acknowledges one. */
export function synOfCookie(secret: Uint8Array, now: number, path: string, segment: Segment): Segment | undefined {
  if ((segment.flags & (FLAG.syn | FLAG.ack | FLAG.rst)) !== FLAG.ack) return undefined;
  const cookie = addSequence(segment.acknowledgment, -1);
  const sequence = addSequence(segment.sequence, -1);
  const sizeIndex = (cookie >>> 24) & 7;
  const { timestamps } = segment.options;
  const stamp = timestamps === undefined ? undefined : timestamps.echo & STAMP_MASK;
  const current = Math.floor(now / PERIOD_MS);
  for (const period of [current, current - 1]) {
    if ((period & 0x1f) !== cookie >>> 27) continue;
    if (macOf(secret, path, sequence, period, sizeIndex, stamp) !== (cookie & 0xff_ffff)) return undefined;
    const options = {
      maximumSegmentSize: SEGMENT_SIZES[sizeIndex] ?? DEFAULT_SEGMENT_SIZE,
      ...optionsOf(segment, stamp),
    };
    const flags = FLAG.syn | (((stamp ?? 0) & BIT_MARKS) === 0 ? 0 : MARKS_OFFERED);
    return { ...segment, sequence, acknowledgment: 0, flags, options, payload: [], payloadLength: 0 };
  }
  return undefined;
}

/** C2. Undefined without timestamps. */
function stampOf({ flags, options }: Segment): number | undefined {
  const { timestamps, windowScale, sackPermitted, migrate } = options;
  if (timestamps === undefined) return undefined;
  return (
    (windowScale ?? NO_SCALE) |
    (sackPermitted === true ? BIT_SACK : 0) |
    (migrate?.kind === 'capable' ? BIT_CAPABLE : 0) |
    ((flags & MARKS_OFFERED) === MARKS_OFFERED ? BIT_MARKS : 0)
  );
}

function optionsOf({ options: { timestamps } }: Segment, stamp: number | undefined): SegmentOptions {
  if (timestamps === undefined || stamp === undefined) return {};
  const windowScale = stamp & 0x0f;
  return {
    timestamps: { value: timestamps.value, echo: 0 },
    ...(windowScale === NO_SCALE ? {} : { windowScale }),
    ...((stamp & BIT_SACK) === 0 ? {} : { sackPermitted: true as const }),
    ...((stamp & BIT_CAPABLE) === 0 ? {} : { migrate: { kind: 'capable', flags: 0 } as const }),
  };
}

function sizeIndexOf(segmentSize: number): number {
  let index = 0;
  while (index + 1 < SEGMENT_SIZES.length && (SEGMENT_SIZES[index + 1] as number) <= segmentSize) index++;
  return index;
}

function macOf(
  secret: Uint8Array,
  path: string,
  sequence: number,
  period: number,
  sizeIndex: number,
  stamp: number | undefined,
): number {
  const text = `cookie|${path}|${sequence}|${period}|${sizeIndex}|${stamp ?? 'none'}`;
  return createHmac('sha256', secret).update(text).digest().readUIntBE(0, 3);
}
