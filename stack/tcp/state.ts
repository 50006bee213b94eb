// The record of one connection, the names of its states, and every transition between them.
//
// The record is plain data: numbers, strings, booleans, arrays and byte arrays, so that it can be saved, shown and moved.
// Positions are absolute stream offsets: 0 is the first byte after SYN (which is offset -1), a FIN takes one offset at
// the end. 32-bit sequence numbers exist only at the edge (offsets.ts).

import type { MigrateOption } from '../wire/migrate-options.js';
import type { NetworkReport } from '../wire/network-report.js';
import type { Segment } from '../wire/segment.js';
import type { Sequence } from '../wire/sequence.js';
import type { ConnectionChoices, TcpConfig } from './config.js';
import type { CongestionState } from './congestion/select.js';
import type { Flight } from './flight.js';
import type { RecentMinimum } from './recent-minimum.js';
import type { RttState } from './rtt.js';
import type { ArrivedBlock } from './sack-blocks.js';
import type { OutOfOrderPiece } from './reassembly.js';
import type { SendQueue } from './send-queue.js';
import type { Timers } from './timers.js';
import type { WindowTuning } from './window-tuning.js';

export type TcpState =
  | 'syn-sent'
  | 'syn-received'
  | 'established'
  | 'fin-wait-1'
  | 'fin-wait-2'
  | 'close-wait'
  | 'closing'
  | 'last-ack'
  | 'time-wait'
  | 'closed';

export type CloseReason = 'finished' | 'reset' | 'refused' | 'timed-out' | 'aborted';

export type TcpEvent =
  | { readonly kind: 'established' }
  | { readonly kind: 'readable' }
  | { readonly kind: 'writable' }
  | { readonly kind: 'end-of-input' }
  /** The peer has urgent data, or it ends later than it was said before. */
  | { readonly kind: 'urgent' }
  /** A router says that the peer is not to be reached; the connection goes on. */
  | { readonly kind: 'unreachable'; readonly hardness: 'hard' | 'soft' }
  | { readonly kind: 'retransmission-timeout'; readonly consecutive: number }
  | { readonly kind: 'closed'; readonly reason: CloseReason };

export type TcpInput =
  | { readonly kind: 'segment'; readonly segment: Segment }
  | { readonly kind: 'network-report'; readonly report: NetworkReport }
  | { readonly kind: 'write'; readonly bytes: Uint8Array }
  | { readonly kind: 'close' }
  | { readonly kind: 'abort' }
  | { readonly kind: 'configure'; readonly choices: ConnectionChoices }
  | { readonly kind: 'deadline' };

export type TcpOutput =
  | { readonly kind: 'transmit'; readonly segment: Segment }
  | { readonly kind: 'event'; readonly event: TcpEvent }
  /** `until` is Infinity when no timer runs. */
  | { readonly kind: 'wait'; readonly until: number };

export interface SendState {
  initialSequence: Sequence;
  unacknowledgedOffset: number;
  /** Next to be sent; goes back to `unacknowledgedOffset` at a retransmission timeout. */
  nextOffset: number;
  /** Largest ever sent, exclusive. */
  highestOffset: number;
  /** End of what was written. */
  endOffset: number;
  /** Nothing at or beyond is transmitted. */
  limitOffset: number;
  /** Where our FIN is, once the user has closed. */
  finOffset: number | undefined;
  queue: SendQueue;
  /** The peer's window in bytes, and the largest it ever was. */
  windowLength: number;
  maxWindowLength: number;
  /** The peer's window field counts units of this many bytes. */
  windowUnitLength: number;
  /** Receive and acknowledgment offsets of the segment that last updated the window (SND.WL1, SND.WL2). */
  windowUpdateSequenceOffset: number;
  windowUpdateAcknowledgmentOffset: number;
  /** Payload bytes of one segment, options not yet taken off: what was agreed, and no more than the path takes. */
  maximumSegmentSize: number;
  agreedSegmentSize: number;
  /** When what a router said of the path is too old to be believed; Infinity where none has said anything. */
  pathLimitEndsAt: number;
  /** A SYN or SYN/ACK is to be sent. */
  synPending: boolean;
  /** The first segment that is missing is to be sent again, whatever the congestion window says. */
  retransmitPending: boolean;
  /** A window probe, or a keep-alive probe, is to be sent. */
  probePending: boolean;
  keepAlivePending: boolean;
  /** The user was told to stop writing, and waits for 'writable'. */
  full: boolean;
  lastSentAt: number;
  /** When new data was last acknowledged, or the oldest unacknowledged data first sent. */
  lastProgressAt: number;
  /** Nothing could leave for a while, whatever was outstanding: the peer's window was closed, or `limitOffset` held all back. */
  blocked: boolean;
}

export interface ReceiveState {
  initialSequence: Sequence;
  nextOffset: number;
  /** The user has read up to here. */
  readOffset: number;
  /** Where the peer's FIN is, once all before it has arrived; `nextOffset` is then one more. */
  finOffset: number | undefined;
  /** A FIN that arrived ahead of data that is still missing. */
  pendingFinOffset: number | undefined;
  /** Where the peer's urgent data ends; no further than `readOffset` where there is none. */
  urgentEndOffset: number;
  /** Unread in-order chunks from `chunkHead` on. */
  chunks: Uint8Array[];
  chunkHead: number;
  /** The buffer that the last chunk is the beginning of, while small ones may join it (unread.ts). */
  gathering: Uint8Array | undefined;
  readonly outOfOrder: OutOfOrderPiece[];
  /** What is told of them, the most recent first; and what has come twice since the last acknowledgment. */
  readonly blocks: ArrivedBlock[];
  duplicate: ArrivedBlock | undefined;
  /** The right edge of the window, exclusive: the furthest that was ever advertised. Never goes back. */
  edgeOffset: number;
  tuning: WindowTuning;
  /** Our window field counts units of this many bytes. */
  windowUnitLength: number;
  /** The longest payload of one segment that the peer seems to send. */
  segmentLength: number;
  /** In-order bytes since the last acknowledgment was sent, and what that acknowledged. */
  unansweredLength: number;
  lastAcknowledgedOffset: number;
  acknowledgmentPending: boolean;
  /** 'readable' was told and the data has not been drained. */
  readableTold: boolean;
  lastReceivedAt: number;
}

export interface TimestampState {
  enabled: boolean;
  /** Our value is the clock in milliseconds plus this, modulo 2^32. */
  offset: number;
  lastSent: number;
  /** TS.Recent of RFC 7323, and when it was set. */
  recent: number;
  recentAt: number;
  /** An echo of what was sent before answers something on another path: no RTT sample. */
  pathBeganAt: number;
}

export interface LossState {
  phase: 'open' | 'fast-recovery' | 'timeout';
  duplicateCount: number;
  /** RFC 6582's "recover": what was sent, exclusive, when the last loss was seen. */
  recoverOffset: number;
  /** What was first sent since then has a loss of its own. */
  anotherLost: boolean;
  /** Of the recovery with selective acknowledgments: what was outstanding when it began, what has arrived and left since. */
  recoveryFlightLength: number;
  recoveryDeliveredLength: number;
  recoverySentLength: number;
  /** Retransmission timeouts in a row; the exponent of the back-off. */
  timeoutCount: number;
  probeCount: number;
  keepAliveCount: number;
  /** The SYN or SYN/ACK had to be sent again. */
  synLost: boolean;
}

/** What RACK knows of all that has arrived (rack.ts). */
export interface RackState {
  /** Of what was sent last: when, where it ended, and how long it took. */
  sentAt: number;
  endOffset: number;
  roundTripMs: number;
  /** The highest offset that has arrived, exclusive. */
  forwardOffset: number;
  reorderingSeen: boolean;
  windowMultiplier: number;
  /** Recoveries until the multiplier is 1 again. */
  persistCount: number;
  /** A duplicate was reported: the next one counts once this is acknowledged. */
  roundEndOffset: number;
  readonly shortestRoundTripMs: RecentMinimum;
}

/** What routers have marked, and who has been told (explicit-congestion.ts). */
export interface ExplicitCongestion {
  agreed: boolean;
  /** Something came marked: every segment says so until the peer has told of its reduction. */
  echoing: boolean;
  /** Our window was reduced: the next new data says so. */
  reductionUntold: boolean;
  /** What was sent, exclusive, when the window was last reduced for a mark. */
  reducedOffset: number;
}

/** A tail loss probe (tail-probe.ts). */
export interface TailProbe {
  /** The timer has come: a probe is to be sent. */
  pending: boolean;
  /** What was sent when the probe left, exclusive; undefined when no probe is out. */
  endOffset: number | undefined;
  /** The probe was data that had been sent before. */
  repeated: boolean;
}

export interface TcpRecord {
  /** Shared by all connections of a host, until the user chooses otherwise (configure.ts). */
  config: TcpConfig;
  /** What the user has chosen otherwise. */
  choices: ConnectionChoices;
  state: TcpState;
  /** While true nothing is transmitted, no timer runs and segments are ignored. */
  suspended: boolean;
  /** How the connection was opened: decides what a reset during the handshake means. */
  readonly opened: 'actively' | 'passively';
  /** Put on every outgoing segment without SYN while set. */
  attachedOption: MigrateOption | undefined;
  /** Flags of MIGRATE_CAPABLE in our SYN and in the peer's. */
  readonly migrateCapable: { offered: number | undefined; received: number | undefined };
  /** Window scaling was agreed. */
  windowScaled: boolean;
  /** Selective acknowledgments were agreed. */
  sackPermitted: boolean;
  readonly send: SendState;
  readonly receive: ReceiveState;
  readonly timestamps: TimestampState;
  readonly rtt: RttState;
  readonly loss: LossState;
  readonly flight: Flight;
  rack: RackState;
  readonly tailProbe: TailProbe;
  readonly congestionMarks: ExplicitCongestion;
  congestion: CongestionState;
  readonly timers: Timers;
  /** Undefined before the first: most connections never send one. */
  challenge: { intervalStartedAt: number; count: number } | undefined;
  /** Events not yet polled; 'closed' is kept apart since it comes after the last segment. */
  events: TcpEvent[];
  closeReason: CloseReason | undefined;
  closeTold: boolean;
  /** Resets to be sent: they are no part of the stream. */
  readonly outbox: Segment[];
}

/** What can happen to the state, whatever caused it. */
export type TcpStep =
  'peer-opened' | 'synchronized' | 'close' | 'fin-received' | 'fin-acknowledged' | 'waited' | 'gone';

/**
 * Every transition there is (RFC 9293 section 3.3.2, figure 5). 'gone' is a reset, an abort or a timeout.
 *
 * @internal
 */
export const TRANSITIONS: { readonly [State in TcpState]: { readonly [Step in TcpStep]?: TcpState } } = {
  'syn-sent': { 'peer-opened': 'syn-received', synchronized: 'established', close: 'closed', gone: 'closed' },
  'syn-received': { synchronized: 'established', gone: 'closed' },
  established: { close: 'fin-wait-1', 'fin-received': 'close-wait', gone: 'closed' },
  'fin-wait-1': { 'fin-acknowledged': 'fin-wait-2', 'fin-received': 'closing', gone: 'closed' },
  'fin-wait-2': { 'fin-received': 'time-wait', gone: 'closed' },
  'close-wait': { close: 'last-ack', gone: 'closed' },
  closing: { 'fin-acknowledged': 'time-wait', gone: 'closed' },
  'last-ack': { 'fin-acknowledged': 'closed', gone: 'closed' },
  'time-wait': { waited: 'closed', gone: 'closed' },
  closed: {},
};

/** The only place that changes the state. A step that the table does not have is a defect of the caller. */
export function advance(record: TcpRecord, step: TcpStep): void {
  const next = TRANSITIONS[record.state][step];
  if (next === undefined) throw new Error(`no transition '${step}' from '${record.state}'`);
  record.state = next;
}
