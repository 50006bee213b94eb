// What our TCP has sent, as a script reads it: one segment of the script may be several of ours.
//
// Linux hands segments to its device in bundles which the device cuts, and published scripts show the bundles. So where a
// script expects more bytes than one segment of ours has, the ones that follow it at the same instant count as part of it.

import type { Numbering } from './numbering.js';
import { payloadOf, segmentOf } from './packet.js';
import type { SegmentText } from './script.js';
import type { Transmitted } from './subject.js';

export interface Outgoing {
  readonly atMs: number;
  readonly segment: SegmentText;
  readonly payload: Uint8Array;
}

/** Takes from `transmitted` what answers `expected`; undefined where nothing is there. */
export function takeOutgoing(
  transmitted: Transmitted[],
  expected: SegmentText,
  numbering: Numbering,
): Outgoing | undefined {
  const first = transmitted.shift();
  if (first === undefined) return undefined;
  const wire = segmentOf(first.packet);
  numbering.learn(wire, expected);
  const segment = { ...numbering.outbound(wire), marking: first.marking };
  let outgoing: Outgoing = { atMs: first.atMs, segment, payload: payloadOf(first.packet) };
  while (outgoing.segment.length > 0 && outgoing.segment.length < expected.length) {
    const next = transmitted[0];
    if (next?.atMs !== outgoing.atMs) break;
    const following = { ...numbering.outbound(segmentOf(next.packet)), marking: next.marking };
    const joined = join(outgoing, following, payloadOf(next.packet));
    if (joined === undefined || joined.segment.length > expected.length) break;
    outgoing = joined;
    transmitted.shift();
  }
  return outgoing;
}

/** One segment of both, where the second goes on where the first ends. */
function join(first: Outgoing, second: SegmentText, payload: Uint8Array): Outgoing | undefined {
  const { segment } = first;
  const goesOn =
    second.sequence === (segment.sequence + segment.length) >>> 0 &&
    second.acknowledgment === segment.acknowledgment &&
    second.length > 0 &&
    second.marking === segment.marking &&
    !/[SR]/.test(second.flags + segment.flags) &&
    !segment.flags.includes('F');
  if (!goesOn) return undefined;
  return {
    atMs: first.atMs,
    segment: {
      ...second,
      sequence: segment.sequence,
      length: segment.length + second.length,
      options: segment.options,
    },
    payload: Buffer.concat([first.payload, payload]),
  };
}
