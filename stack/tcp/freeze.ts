// The part of a connection that moves with it: sequence numbers, what was agreed, and how far both streams are. The
// bytes of the streams travel beside it (migration/image.ts).
//
//   F1. The window's right edge travels: what was promised to the peer stays promised.
//   F2. Our timestamps go on above all that were sent, so that the peer's PAWS lets the new member's segments in.
//   F3. Round-trip time, congestion, the path's MTU, what is in flight and pieces out of order do not travel: it is another path.

import type { Reader, Writer } from '../wire/cursor.js';
import { isFull } from './acknowledge.js';
import { MAX_WINDOW_SHIFT, MIN_SEGMENT_SIZE, type ConnectionChoices, type TcpConfig } from './config.js';
import { decodeChoices, encodeChoices, NO_CHOICES, withChoices } from './configure.js';
import { announceInput } from './receive.js';
import { newRecord } from './record.js';
import { emptyQueue, enqueue } from './send-queue.js';
import type { TcpRecord, TcpState } from './state.js';
import { appendUnread } from './unread.js';
import { expectUrgent } from './urgent.js';

export interface FrozenTransport {
  readonly send: {
    readonly initialSequence: number;
    readonly unacknowledgedOffset: number;
    readonly highestOffset: number;
    /** Where our FIN is, if the user had closed. */
    readonly finOffset: number | undefined;
    /** The peer's window in bytes. */
    readonly windowLength: number;
    /** Shift counts; zero where scaling was not agreed (RFC 7323). */
    readonly windowShift: number;
    /** As agreed: what the path takes is another path's. */
    readonly maximumSegmentSize: number;
  };
  readonly receive: {
    readonly initialSequence: number;
    /** One beyond the peer's FIN, where `finished`. */
    readonly nextOffset: number;
    readonly finished: boolean;
    readonly edgeOffset: number;
    readonly windowShift: number;
  };
  readonly windowScaled: boolean;
  readonly sackPermitted: boolean;
  /** Explicit congestion notification was agreed. */
  readonly marksAgreed: boolean;
  /** What the user has chosen for this connection. */
  readonly choices: ConnectionChoices;
  /** Where the peer's urgent data ends; zero where none has come. */
  readonly urgentEndOffset: number;
  /** Undefined where timestamps were not agreed. */
  readonly timestamps: { readonly lastSent: number; readonly recent: number } | undefined;
}

/** The streams around a snapshot, as the new member goes on with them. */
export interface ThawedStreams {
  readonly readOffset: number;
  /** The bytes from `readOffset` to the frozen `receive.nextOffset`, without the FIN. */
  readonly input: readonly Uint8Array[];
  /** What the peer has received: its rcv.nxt as an offset of our stream. */
  readonly acknowledgedOffset: number;
  /** The bytes from `acknowledgedOffset` on. */
  readonly output: readonly Uint8Array[];
  /** Our stream had been closed by the snapshot: the FIN follows `output`. */
  readonly ended: boolean;
}

/** Whether a connection in this state can be moved by the side that asks for it: where the other may not be gone yet. */
export function movable(record: TcpRecord): boolean {
  switch (record.state) {
    case 'established':
    case 'fin-wait-1':
    case 'fin-wait-2':
    case 'close-wait':
      return true;
    default:
      return false;
  }
}

/**
 * Whether a connection in this state can be frozen for a peer that is `movable`. Both streams may have ended, as long as the
 * peer has not all of ours: there may be much left to send.
 */
export function freezable(record: TcpRecord): boolean {
  return movable(record) || record.state === 'last-ack' || record.state === 'closing';
}

/** A copy of what travels. The record should be suspended, so that it stays true. */
export function freeze(record: TcpRecord): FrozenTransport {
  const { send, receive, timestamps } = record;
  return {
    send: {
      initialSequence: send.initialSequence,
      unacknowledgedOffset: send.unacknowledgedOffset,
      highestOffset: send.highestOffset,
      finOffset: send.finOffset,
      windowLength: send.windowLength,
      windowShift: Math.log2(send.windowUnitLength),
      maximumSegmentSize: send.agreedSegmentSize,
    },
    receive: {
      initialSequence: receive.initialSequence,
      nextOffset: receive.nextOffset,
      finished: receive.finOffset !== undefined,
      edgeOffset: receive.edgeOffset,
      windowShift: Math.log2(receive.windowUnitLength),
    },
    windowScaled: record.windowScaled,
    sackPermitted: record.sackPermitted,
    marksAgreed: record.congestionMarks.agreed,
    choices: record.choices,
    urgentEndOffset: receive.urgentEndOffset,
    timestamps: timestamps.enabled ? { lastSent: timestamps.lastSent, recent: timestamps.recent } : undefined,
  };
}

/**
 * A suspended record that goes on where `frozen` was; `resume` starts it. Throws a RangeError where the streams do not
 * fit the frozen offsets.
 */
export function thaw(config: TcpConfig, now: number, frozen: FrozenTransport, streams: ThawedStreams): TcpRecord {
  const inputEnd = frozen.receive.nextOffset - (frozen.receive.finished ? 1 : 0);
  const finOffset = streams.ended
    ? (frozen.send.finOffset ?? streams.acknowledgedOffset + lengthOf(streams.output))
    : undefined;
  const finIsAcknowledged = finOffset !== undefined && streams.acknowledgedOffset > finOffset;
  const endOffset = finIsAcknowledged ? finOffset : streams.acknowledgedOffset + lengthOf(streams.output);
  if (streams.readOffset + lengthOf(streams.input) !== inputEnd) throw new RangeError('input does not fit the image');
  if (finOffset !== undefined && finOffset !== endOffset) throw new RangeError('output does not fit the image');
  if (finIsAcknowledged && streams.acknowledgedOffset !== finOffset + 1)
    throw new RangeError('acknowledged beyond FIN');

  const state = stateOf(frozen.receive.finished, finOffset, finIsAcknowledged);
  const record = newRecord(withChoices(config, frozen.choices), now, { state, opened: 'passively' });
  const { send, receive, timestamps } = record;
  record.suspended = true;
  record.choices = frozen.choices;
  record.windowScaled = frozen.windowScaled;
  record.sackPermitted = frozen.sackPermitted;
  record.congestionMarks.agreed = frozen.marksAgreed;
  send.initialSequence = frozen.send.initialSequence;
  send.unacknowledgedOffset = streams.acknowledgedOffset;
  send.nextOffset = streams.acknowledgedOffset;
  send.highestOffset = streams.acknowledgedOffset;
  send.endOffset = endOffset;
  send.finOffset = finOffset;
  send.queue = emptyQueue(streams.acknowledgedOffset);
  for (const bytes of streams.output) enqueue(send.queue, bytes);
  send.windowLength = frozen.send.windowLength;
  send.maxWindowLength = frozen.send.windowLength;
  send.windowUnitLength = 2 ** frozen.send.windowShift;
  send.agreedSegmentSize = Math.min(frozen.send.maximumSegmentSize, config.maximumSegmentSize);
  send.maximumSegmentSize = send.agreedSegmentSize;
  receive.initialSequence = frozen.receive.initialSequence;
  receive.nextOffset = frozen.receive.nextOffset;
  receive.lastAcknowledgedOffset = frozen.receive.nextOffset;
  receive.readOffset = streams.readOffset;
  receive.finOffset = frozen.receive.finished ? inputEnd : undefined;
  receive.edgeOffset = frozen.receive.edgeOffset; // F1
  receive.windowUnitLength = 2 ** frozen.receive.windowShift;
  for (const bytes of streams.input) if (bytes.length > 0) appendUnread(receive, bytes);
  expectUrgent(record, frozen.urgentEndOffset);
  if (frozen.timestamps !== undefined) {
    timestamps.enabled = true;
    timestamps.lastSent = frozen.timestamps.lastSent;
    timestamps.offset = (frozen.timestamps.lastSent + 1 - Math.floor(now)) >>> 0; // F2
    timestamps.recent = frozen.timestamps.recent;
  }
  send.full = isFull(record); // so that 'writable' is told when there is room
  announceInput(record);
  return record;
}

function stateOf(peerFinished: boolean, finOffset: number | undefined, finIsAcknowledged: boolean): TcpState {
  if (finOffset === undefined) return peerFinished ? 'close-wait' : 'established';
  if (peerFinished) return finIsAcknowledged ? 'closed' : 'last-ack';
  return finIsAcknowledged ? 'fin-wait-2' : 'fin-wait-1';
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  return length;
}

const FORMAT_VERSION = 1;
const FLAG_SEND_FIN = 1;
const FLAG_RECEIVE_FIN = 2;
const FLAG_SCALED = 4;
const FLAG_TIMESTAMPS = 8;
/** Not there before it was known: such a connection goes on without, and so it does at a member that does not know it. */
const FLAG_SACK = 16;
/** The same holds for it. */
const FLAG_MARKS = 32;
/** What most connections do not have: a member that does not know it refuses the image. */
const FLAG_CHOICES = 64;
const FLAG_URGENT = 128;

/** At most 87 bytes, of which most connections need 56. */
export function encodeFrozen(writer: Writer, frozen: FrozenTransport): void {
  const { send, receive, timestamps } = frozen;
  const hasChoices = Object.keys(frozen.choices).length > 0;
  writer.u8(FORMAT_VERSION);
  writer.u8(
    (send.finOffset === undefined ? 0 : FLAG_SEND_FIN) |
      (receive.finished ? FLAG_RECEIVE_FIN : 0) |
      (frozen.windowScaled ? FLAG_SCALED : 0) |
      (timestamps === undefined ? 0 : FLAG_TIMESTAMPS) |
      (frozen.sackPermitted ? FLAG_SACK : 0) |
      (frozen.marksAgreed ? FLAG_MARKS : 0) |
      (hasChoices ? FLAG_CHOICES : 0) |
      (frozen.urgentEndOffset > 0 ? FLAG_URGENT : 0),
  );
  writer.u32(send.initialSequence).u48(send.unacknowledgedOffset).u48(send.highestOffset);
  if (send.finOffset !== undefined) writer.u48(send.finOffset);
  writer.u32(send.windowLength).u8(send.windowShift).u16(send.maximumSegmentSize);
  writer.u32(receive.initialSequence).u48(receive.nextOffset);
  writer.u32(Math.max(0, receive.edgeOffset - receive.nextOffset)).u8(receive.windowShift);
  if (timestamps !== undefined) writer.u32(timestamps.lastSent).u32(timestamps.recent);
  if (hasChoices) encodeChoices(writer, frozen.choices);
  if (frozen.urgentEndOffset > 0) writer.u48(frozen.urgentEndOffset);
}

/** Undefined for bytes that are no frozen transport of this version. */
export function decodeFrozen(reader: Reader): FrozenTransport | undefined {
  const version = reader.u8();
  const flags = reader.u8();
  const send = {
    initialSequence: reader.u32(),
    unacknowledgedOffset: reader.u48(),
    highestOffset: reader.u48(),
    finOffset: (flags & FLAG_SEND_FIN) !== 0 ? reader.u48() : undefined,
    windowLength: reader.u32(),
    windowShift: reader.u8(),
    maximumSegmentSize: reader.u16(),
  };
  const receiveInitialSequence = reader.u32();
  const nextOffset = reader.u48();
  const receive = {
    initialSequence: receiveInitialSequence,
    nextOffset,
    finished: (flags & FLAG_RECEIVE_FIN) !== 0,
    edgeOffset: nextOffset + reader.u32(),
    windowShift: reader.u8(),
  };
  const timestamps = (flags & FLAG_TIMESTAMPS) !== 0 ? { lastSent: reader.u32(), recent: reader.u32() } : undefined;
  const choices = (flags & FLAG_CHOICES) !== 0 ? decodeChoices(reader) : NO_CHOICES;
  const urgentEndOffset = (flags & FLAG_URGENT) !== 0 ? reader.u48() : 0;
  const sane =
    send.windowShift <= MAX_WINDOW_SHIFT &&
    receive.windowShift <= MAX_WINDOW_SHIFT &&
    send.maximumSegmentSize >= MIN_SEGMENT_SIZE &&
    send.unacknowledgedOffset <= send.highestOffset &&
    (!receive.finished || nextOffset > 0) &&
    choices.userTimeoutMs !== 0;
  if (!reader.ok || version !== FORMAT_VERSION || !sane) return undefined;
  const windowScaled = (flags & FLAG_SCALED) !== 0;
  const [sackPermitted, marksAgreed] = [(flags & FLAG_SACK) !== 0, (flags & FLAG_MARKS) !== 0];
  return { send, receive, windowScaled, sackPermitted, marksAgreed, choices, urgentEndOffset, timestamps };
}
