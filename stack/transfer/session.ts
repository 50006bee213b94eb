// One session between two members, over one authenticated byte stream. Sans-IO: `handle` one input, then `poll` until it
// says `wait`.
//
// Both sides greet at once and are up when they have read the other's hello; after that either may say anything.
//   T1. Nothing but a hello comes first, and its member is the one that the certificate names.
//   T2. A peer is called silent only after it had time to answer a ping: a stall of our own process proves nothing.
//   T3. Whatever is wrong with the stream ends the session, once, with a reason; nothing is believed of it afterwards.

import type { MemberId } from '../wire/migrate-options.js';
import { frameHeader, newFrameReader, readFrames, type FrameReader } from './framing.js';
import { maxFrameLength, type TransferLimits } from './limits.js';
import { decodePeerMessage, encodePeerMessage } from './message-codec.js';
import { PEER_PROTOCOL_VERSION, type ControlMessage, type PeerMessage } from './messages.js';

export type SessionFailure =
  | 'unsupported-version'
  | 'wrong-member'
  | 'no-hello'
  | 'unexpected-hello'
  | 'hello-timeout'
  | 'frame-too-long'
  | 'malformed-message'
  | 'silent'
  | 'closed';

export type SessionInput =
  | { readonly kind: 'bytes-received'; readonly bytes: Uint8Array }
  | { readonly kind: 'send'; readonly message: PeerMessage }
  /** The byte stream takes no more for now, and does again. */
  | { readonly kind: 'blocked' }
  | { readonly kind: 'drained' }
  | { readonly kind: 'deadline' }
  /** The byte stream has ended or broken. */
  | { readonly kind: 'closed' };

export type SessionEvent =
  | { readonly kind: 'up'; readonly incarnation: string }
  | { readonly kind: 'message'; readonly message: PeerMessage }
  /** The message was not sent, the session goes on. */
  | {
      readonly kind: 'undelivered';
      readonly message: PeerMessage['kind'];
      readonly reason: 'queue-full' | 'image-too-large';
    }
  /** The last event of a session. */
  | { readonly kind: 'failed'; readonly reason: SessionFailure };

export type SessionOutput =
  | SessionEvent
  /** To be written in this order, as one. */
  | { readonly kind: 'write'; readonly chunks: readonly Uint8Array[] }
  /** Call `handle` with `deadline` at that time; Infinity when there is none. */
  | { readonly kind: 'wait'; readonly until: number };

export type SessionPhase =
  | { readonly kind: 'greeting'; readonly deadline: number }
  | { readonly kind: 'up'; lastReceivedAt: number; askedAt: number | undefined }
  | { readonly kind: 'ended' };

/** Plain data. */
export interface SessionRecord {
  readonly peer: MemberId;
  readonly limits: TransferLimits;
  readonly reader: FrameReader;
  phase: SessionPhase;
  blocked: boolean;
  unsent: Uint8Array[];
  unsentLength: number;
  events: SessionEvent[];
}

export interface SessionConfig {
  readonly member: MemberId;
  /** 16 hexadecimal digits. */
  readonly incarnation: string;
  /** Whom the other side's certificate names. */
  readonly peer: MemberId;
  readonly limits: TransferLimits;
}

/** A session over a byte stream that has just been authenticated; it has a hello to write. */
export function openSession(config: SessionConfig, now: number): SessionRecord {
  const record: SessionRecord = {
    peer: config.peer,
    limits: config.limits,
    reader: newFrameReader(),
    phase: { kind: 'greeting', deadline: now + config.limits.helloTimeoutMs },
    blocked: false,
    unsent: [],
    unsentLength: 0,
    events: [],
  };
  const { member, incarnation } = config;
  enqueue(record, { kind: 'hello', protocolVersion: PEER_PROTOCOL_VERSION, member, incarnation });
  return record;
}

/** One mutation. An ended session ignores everything. */
export function handle(record: SessionRecord, now: number, input: SessionInput): void {
  if (record.phase.kind === 'ended') return;
  switch (input.kind) {
    case 'bytes-received':
      return receive(record, now, input.bytes);
    case 'send':
      return send(record, input.message);
    case 'blocked':
      record.blocked = true;
      return;
    case 'drained':
      record.blocked = false;
      return;
    case 'deadline':
      return passDeadline(record, now);
    case 'closed':
      return fail(record, 'closed');
  }
}

/** The next thing to do; call until it says `wait`. */
export function poll(record: SessionRecord): SessionOutput {
  const event = record.events.shift();
  if (event !== undefined) return event;
  if (!record.blocked && record.unsent.length > 0) {
    const chunks = record.unsent;
    record.unsent = [];
    record.unsentLength = 0;
    return { kind: 'write', chunks };
  }
  return { kind: 'wait', until: deadlineOf(record) };
}

function deadlineOf({ phase, limits }: SessionRecord): number {
  switch (phase.kind) {
    case 'greeting':
      return phase.deadline;
    case 'up':
      return phase.askedAt === undefined
        ? phase.lastReceivedAt + limits.pingIntervalMs
        : phase.askedAt + limits.peerSilenceMs - limits.pingIntervalMs; // T2
    case 'ended':
      return Infinity;
  }
}

function passDeadline(record: SessionRecord, now: number): void {
  const { phase } = record;
  if (now < deadlineOf(record)) return;
  if (phase.kind === 'greeting') return fail(record, 'hello-timeout');
  if (phase.kind === 'ended') return;
  if (phase.askedAt !== undefined) return fail(record, 'silent');
  phase.askedAt = now;
  enqueue(record, { kind: 'ping' });
}

function receive(record: SessionRecord, now: number, bytes: Uint8Array): void {
  if (record.phase.kind === 'up') {
    record.phase.lastReceivedAt = now;
    record.phase.askedAt = undefined;
  }
  const read = readFrames(record.reader, bytes, maxFrameLength(record.limits));
  for (const frame of read.frames) {
    const decoded = decodePeerMessage(frame, record.limits.maxImageLength);
    if (decoded.kind === 'malformed') return fail(record, 'malformed-message');
    receiveMessage(record, now, decoded.message);
    if (isEnded(record)) return; // T3
  }
  if (read.kind === 'frame-too-long') fail(record, 'frame-too-long');
}

function isEnded(record: SessionRecord): boolean {
  return record.phase.kind === 'ended';
}

function receiveMessage(record: SessionRecord, now: number, message: PeerMessage | ControlMessage): void {
  if (record.phase.kind === 'greeting') {
    if (message.kind !== 'hello') return fail(record, 'no-hello'); // T1
    if (message.protocolVersion !== PEER_PROTOCOL_VERSION) return fail(record, 'unsupported-version');
    if (message.member !== record.peer) return fail(record, 'wrong-member'); // T1
    record.phase = { kind: 'up', lastReceivedAt: now, askedAt: undefined };
    record.events.push({ kind: 'up', incarnation: message.incarnation });
    return;
  }
  switch (message.kind) {
    case 'hello':
      return fail(record, 'unexpected-hello');
    case 'ping':
      // A pong that finds no room is left out: a peer that does not read has no claim to one.
      if (hasRoom(record)) enqueue(record, { kind: 'pong' });
      return;
    case 'pong':
      return;
    default:
      record.events.push({ kind: 'message', message });
  }
}

function send(record: SessionRecord, message: PeerMessage): void {
  if (message.kind === 'image' && message.image.length > record.limits.maxImageLength) {
    record.events.push({ kind: 'undelivered', message: message.kind, reason: 'image-too-large' });
  } else if (!hasRoom(record)) {
    record.events.push({ kind: 'undelivered', message: message.kind, reason: 'queue-full' });
  } else {
    enqueue(record, message);
  }
}

/** One message may go over the limit, so that an image of any allowed length can be sent under any limit. */
function hasRoom(record: SessionRecord): boolean {
  return record.unsentLength < record.limits.maxUnsentLength;
}

function enqueue(record: SessionRecord, message: PeerMessage | ControlMessage): void {
  const bytes = encodePeerMessage(message);
  const header = frameHeader(bytes.length);
  record.unsent.push(header, bytes);
  record.unsentLength += header.length + bytes.length;
}

function fail(record: SessionRecord, reason: SessionFailure): void {
  record.phase = { kind: 'ended' };
  record.unsent = [];
  record.unsentLength = 0;
  record.events.push({ kind: 'failed', reason });
}
