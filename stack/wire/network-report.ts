// What the network says about a segment of ours (ICMP), as the connection has to judge it.

import type { Sequence } from './sequence.js';

/** `sequence` is that of the segment in question: who can't have seen it can only guess (RFC 5927). */
export type NetworkReport =
  /** `segmentLength`: what of TCP, header and all, fits the packets that go through. */
  | { readonly kind: 'packet-too-big'; readonly sequence: Sequence; readonly segmentLength: number }
  | { readonly kind: 'unreachable'; readonly sequence: Sequence; readonly hardness: 'hard' | 'soft' };
