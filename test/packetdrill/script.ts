// A script as the runner executes it: settings first, then one action after the other, each with its time.
//
// Sequence numbers are those that the script writes: both sides begin at the number that their SYN has there. Times are
// milliseconds.

import type { Place } from './not-expressible.js';

export interface Script {
  readonly options: readonly HeaderOption[];
  readonly statements: readonly Statement[];
}

/** `--name=value`; a flag has no value. */
export interface HeaderOption {
  readonly place: Place;
  readonly name: string;
  readonly value: string | undefined;
}

export interface Statement {
  readonly place: Place;
  readonly when: When;
  readonly action: Action;
}

export type When =
  | { readonly kind: 'absolute'; readonly atMs: number }
  /** After the statement before it. */
  | { readonly kind: 'relative'; readonly afterMs: number }
  | { readonly kind: 'absolute-range'; readonly fromMs: number; readonly untilMs: number }
  | { readonly kind: 'relative-range'; readonly fromMs: number; readonly untilMs: number }
  | { readonly kind: 'any' };

export type Action =
  | { readonly kind: 'inject'; readonly segment: SegmentText }
  | { readonly kind: 'expect'; readonly segment: SegmentText }
  | { readonly kind: 'report'; readonly report: ReportText }
  | { readonly kind: 'call'; readonly call: Call }
  | { readonly kind: 'shell'; readonly text: string };

/** What stands in the IP header of congestion (RFC 3168). 'ect01' is either of two. */
export type Marking = 'noecn' | 'ect0' | 'ect1' | 'ect01' | 'ce';

export interface SegmentText {
  /** Undefined is whatever it is. */
  readonly marking: Marking | undefined;
  /** Letters in the order of `FLAG_LETTERS`. */
  readonly flags: string;
  readonly sequence: number;
  readonly length: number;
  readonly acknowledgment: number | undefined;
  /** The field as on the wire; undefined is whatever it is. */
  readonly window: number | undefined;
  readonly urgent: number | undefined;
  /** 'any' is `<...>`. */
  readonly options: readonly OptionText[] | 'any';
}

/** As they are written, with their bits in the header. */
export const FLAG_LETTERS: readonly (readonly [letter: string, bit: number])[] = [
  ['S', 0x02],
  ['F', 0x01],
  ['R', 0x04],
  ['P', 0x08],
  ['U', 0x20],
  ['E', 0x40],
  ['W', 0x80],
  ['.', 0x10],
];

export type OptionText =
  | { readonly kind: 'nop' }
  | { readonly kind: 'eol' }
  | { readonly kind: 'mss'; readonly size: number }
  | { readonly kind: 'wscale'; readonly shift: number }
  | { readonly kind: 'sackOK' }
  | { readonly kind: 'sack'; readonly blocks: readonly { readonly left: number; readonly right: number }[] }
  | { readonly kind: 'TS'; readonly value: number; readonly echo: number }
  /** Any other, with what follows kind and length. */
  | { readonly kind: 'other'; readonly code: number; readonly content: Uint8Array };

/** What ICMP says about a segment of ours that begins at `sequence`. */
export type ReportText =
  | { readonly kind: 'packet-too-big'; readonly mtu: number; readonly sequence: number }
  | { readonly kind: 'unreachable'; readonly hardness: 'hard' | 'soft'; readonly sequence: number }
  /** A message that no driver of ours hands up. */
  | { readonly kind: 'ignored' };

export interface Call {
  readonly name: string;
  readonly arguments: readonly Expression[];
  readonly result: Expression;
  /** The name of an error number, where the call is to fail. */
  readonly failure: string | undefined;
  /** When a call that blocks is to return: absolute, or after the same statement as its start. Undefined: at once. */
  readonly endsMs: number | undefined;
}

export type Expression =
  | { readonly kind: 'ellipsis' }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'word'; readonly name: string }
  | { readonly kind: 'text'; readonly text: string }
  /** Words and numbers joined by `|`. */
  | { readonly kind: 'union'; readonly parts: readonly Expression[] }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  /** `{name=value, ...}`, and other braces with what is between them unread. */
  | { readonly kind: 'struct'; readonly fields: ReadonlyMap<string, Expression> }
  /** `htons(80)`, `inet_addr("10.0.0.1")`. */
  | { readonly kind: 'application'; readonly name: string; readonly arguments: readonly Expression[] };
