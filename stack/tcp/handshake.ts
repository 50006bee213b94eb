// Opening: from a SYN to ESTABLISHED, and what the two ends agree on (RFC 9293 section 3.5, RFC 7323, RFC 2018).
//
//   H1. Scaling, timestamps and selective acknowledgments are used only where both SYNs offered them; the windows of
//       SYNs are never scaled.
//   H2. After a lost SYN or SYN/ACK the connection begins with one segment and a cautious timeout (RFC 6298 section 5.7,
//       RFC 6928 section 2).

import type { SegmentOptions } from '../wire/options.js';
import { FLAG, type Segment } from '../wire/segment.js';
import type { Sequence } from '../wire/sequence.js';
import { advanceAcknowledged, measure } from './progress.js';
import { composeSyn, resetFor, segmentLength } from './compose.js';
import { MIN_SEGMENT_SIZE, type TcpConfig } from './config.js';
import { startCongestion } from './congestion/select.js';
import { agreeOnMarks } from './explicit-congestion.js';
import { give } from './lifecycle.js';
import { sendOffsetOf } from './offsets.js';
import { newRecord } from './record.js';
import { advance, type TcpEvent, type TcpRecord } from './state.js';
import { windowShift } from './window.js';

/** What a connection needs of the outside, drawn by the caller. */
export interface TcpSeed {
  /** RFC 6528. */
  readonly initialSequence: Sequence;
  /** Added to the clock in milliseconds for timestamps (RFC 7323 section 7.1). */
  readonly timestampOffset: number;
  /** Flags of MIGRATE_CAPABLE to offer. */
  readonly migrateCapable?: number;
}

const ESTABLISHED: TcpEvent = Object.freeze({ kind: 'established' });

/** A connection that is being opened from here: poll gives its SYN. */
export function openActive(config: TcpConfig, now: number, seed: TcpSeed): TcpRecord {
  const record = newRecord(config, now, { state: 'syn-sent', opened: 'actively' });
  plant(record, seed);
  record.migrateCapable.offered = seed.migrateCapable;
  return record;
}

/** The answer to `syn`, a segment with SYN and without ACK or RST: poll gives the SYN/ACK. */
export function openPassive(config: TcpConfig, now: number, syn: Segment, seed: TcpSeed): TcpRecord {
  const record = newRecord(config, now, { state: 'syn-received', opened: 'passively' });
  plant(record, seed);
  agree(record, now, syn);
  if (record.migrateCapable.received !== undefined) record.migrateCapable.offered = seed.migrateCapable;
  return record;
}

/** As `openPassive`, for a `syn` that has been answered already with the numbers of `seed`: its acknowledgment is here. */
export function openAnsweredPassive(config: TcpConfig, now: number, syn: Segment, seed: TcpSeed): TcpRecord {
  const record = openPassive(config, now, syn, seed);
  composeSyn(record, now); // what it promised is remembered
  record.send.synPending = false;
  record.send.nextOffset = 0;
  record.send.highestOffset = 0;
  return record;
}

/** A segment in SYN-SENT (RFC 9293 section 3.10.7.3). Payload beside a SYN is left to be sent again. */
export function arriveInSynSent(record: TcpRecord, now: number, segment: Segment): void {
  const { send } = record;
  const acknowledges = (segment.flags & FLAG.ack) !== 0;
  if (acknowledges && sendOffsetOf(record, segment.acknowledgment) !== 0) {
    if ((segment.flags & FLAG.rst) === 0) record.outbox.push(resetFor(segment.acknowledgment));
    return;
  }
  if ((segment.flags & FLAG.rst) !== 0) {
    if (acknowledges) give(record, 'refused');
    return;
  }
  if ((segment.flags & FLAG.syn) === 0) return;
  agree(record, now, segment);
  if (acknowledges) {
    record.receive.acknowledgmentPending = true;
    synAcknowledged(record, now, segment);
  } else {
    advance(record, 'peer-opened');
    send.synPending = true;
  }
}

/** Our SYN is acknowledged: the connection is open. The window field's meaning is the caller's to apply. */
export function synAcknowledged(record: TcpRecord, now: number, segment: Segment): void {
  const { send, loss, rtt, config, timers } = record;
  measure(record, now, segment, 0);
  advanceAcknowledged(record, now, 0);
  send.synPending = false;
  const length = segmentLength(record);
  record.congestion = startCongestion(config.congestionControl, length);
  if (loss.synLost) {
    record.congestion.windowLength = length; // H2
    if (rtt.smoothedMs === undefined) rtt.timeoutMs = Math.max(rtt.timeoutMs, config.rtoAfterSynLossMs);
    rtt.backOffCount = 0;
  }
  if (config.keepAliveIdleMs !== Infinity) timers.keepAliveAt = now + config.keepAliveIdleMs;
  advance(record, 'synchronized');
  record.events.push(ESTABLISHED);
  if (send.finOffset !== undefined) advance(record, 'close');
}

function plant(record: TcpRecord, seed: TcpSeed): void {
  record.send.initialSequence = seed.initialSequence;
  record.send.synPending = true;
  record.timestamps.offset = seed.timestampOffset >>> 0;
}

/** Takes over what the peer's SYN says. */
function agree(record: TcpRecord, now: number, syn: Segment): void {
  const { config, send, receive, timestamps } = record;
  const { options } = syn;
  receive.initialSequence = syn.sequence;
  receive.lastReceivedAt = now;
  send.agreedSegmentSize = agreedSegmentSize(config, options);
  send.maximumSegmentSize = send.agreedSegmentSize;
  send.windowLength = syn.window; // H1
  send.maxWindowLength = syn.window;
  record.windowScaled = config.windowScaling && options.windowScale !== undefined;
  if (record.windowScaled) {
    send.windowUnitLength = 2 ** (options.windowScale ?? 0);
    receive.windowUnitLength = 2 ** windowShift(config.receiveBufferLength);
  }
  record.sackPermitted = config.selectiveAcknowledgments && options.sackPermitted === true;
  if (config.timestamps && options.timestamps !== undefined) {
    timestamps.enabled = true;
    timestamps.recent = options.timestamps.value;
    timestamps.recentAt = now;
  }
  agreeOnMarks(record, syn);
  if (options.migrate?.kind === 'capable') record.migrateCapable.received = options.migrate.flags;
}

function agreedSegmentSize(config: TcpConfig, options: SegmentOptions): number {
  const offered = options.maximumSegmentSize ?? config.unannouncedSegmentSize;
  return Math.min(config.maximumSegmentSize, Math.max(MIN_SEGMENT_SIZE, offered));
}
