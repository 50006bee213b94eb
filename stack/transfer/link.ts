// All that one member has to do with another: when to connect, which session carries a message, and when the other is
// up or down. Sans-IO, like a session.
//
// Either side may dial, and sessions are equal once they are up: a message goes over the oldest one that lives, whoever
// dialled it. So two dials that cross need no referee: both sessions stay, and each side keeps to one of them.
//   L1. A member is dialled only when a message waits for it and no session is up.
//   L2. A peer dials only when it sees no session: a newly accepted one replaces the accepted one before it.
//   L3. A session of another incarnation makes all earlier ones void: the process behind them is gone.
//   L4. Whatever may have lost a message says `down`; where a session remains, `up` follows at once.

import type { MemberId } from '../wire/migrate-options.js';
import type { TransferLimits } from './limits.js';
import { messageLengthBound } from './message-codec.js';
import type { PeerMessage } from './messages.js';

/** Who opened the byte stream of a session. */
export type SessionDirection = 'dialled' | 'accepted';

export type UndeliveredReason = 'unreachable' | 'timed-out' | 'queue-full' | 'image-too-large';

export type LinkInput =
  | { readonly kind: 'send'; readonly message: PeerMessage }
  /** A session will be wanted: begin one now, if none is there. */
  | { readonly kind: 'prepare' }
  | {
      readonly kind: 'session-up';
      /** The driver's name for it; never used twice. */
      readonly session: number;
      readonly direction: SessionDirection;
      readonly incarnation: string;
    }
  /** A session that was up has ended, by itself. */
  | { readonly kind: 'session-ended'; readonly session: number }
  /** The dial that was asked for has ended before its session was up. */
  | { readonly kind: 'dial-failed' }
  /** A session could not take a message. */
  | { readonly kind: 'undelivered'; readonly message: PeerMessage['kind']; readonly reason: UndeliveredReason }
  | { readonly kind: 'deadline' };

export type LinkEvent =
  | { readonly kind: 'dial' }
  /** The dial takes too long: end it, and say nothing more of it. */
  | { readonly kind: 'abandon-dial' }
  | { readonly kind: 'transmit'; readonly session: number; readonly message: PeerMessage }
  /** End it, and say nothing more of it. */
  | { readonly kind: 'end-session'; readonly session: number; readonly reason: 'replaced' | 'other-incarnation' }
  | { readonly kind: 'up'; readonly incarnation: string }
  | { readonly kind: 'down' }
  | { readonly kind: 'undelivered'; readonly message: PeerMessage['kind']; readonly reason: UndeliveredReason };

export type LinkOutput = LinkEvent | { readonly kind: 'wait'; readonly until: number };

interface LinkSession {
  readonly session: number;
  readonly direction: SessionDirection;
  readonly incarnation: string;
}

/** Plain data. */
export interface LinkRecord {
  readonly peer: MemberId;
  readonly limits: TransferLimits;
  /** Those that are up, the oldest first. */
  sessions: LinkSession[];
  waiting: { readonly message: PeerMessage; readonly deadline: number }[];
  waitingLength: number;
  dial:
    | { readonly kind: 'idle' }
    | { readonly kind: 'dialling'; readonly deadline: number }
    | { readonly kind: 'backing-off'; readonly until: number };
  /** Consecutive failed dials. */
  failureCount: number;
  events: LinkEvent[];
}

export function openLink(peer: MemberId, limits: TransferLimits): LinkRecord {
  return {
    peer,
    limits,
    sessions: [],
    waiting: [],
    waitingLength: 0,
    dial: { kind: 'idle' },
    failureCount: 0,
    events: [],
  };
}

/** One mutation. */
export function handle(record: LinkRecord, now: number, input: LinkInput): void {
  switch (input.kind) {
    case 'send':
      return send(record, now, input.message);
    case 'prepare':
      if (record.sessions.length === 0 && record.dial.kind === 'idle') dial(record, now);
      return;
    case 'session-up':
      return sessionUp(record, input);
    case 'session-ended':
      return endSession(record, input.session);
    case 'dial-failed':
      return dialFailed(record, now);
    case 'undelivered':
      record.events.push(input);
      return interrupt(record);
    case 'deadline':
      return passDeadline(record, now);
  }
}

/** The next thing to do; call until it says `wait`. */
export function poll(record: LinkRecord): LinkOutput {
  return record.events.shift() ?? { kind: 'wait', until: deadlineOf(record) };
}

function deadlineOf({ dial, waiting }: LinkRecord): number {
  const waitingUntil = waiting[0]?.deadline ?? Infinity;
  switch (dial.kind) {
    case 'idle':
      return waitingUntil;
    case 'dialling':
      return Math.min(waitingUntil, dial.deadline);
    case 'backing-off':
      return Math.min(waitingUntil, dial.until);
  }
}

function send(record: LinkRecord, now: number, message: PeerMessage): void {
  const [session] = record.sessions;
  if (session !== undefined) {
    record.events.push({ kind: 'transmit', session: session.session, message });
    return;
  }
  // One message may go over the limit, so that an image of any allowed length can wait.
  if (record.waitingLength >= record.limits.maxWaitingLength) {
    record.events.push({ kind: 'undelivered', message: message.kind, reason: 'queue-full' });
    return interrupt(record);
  }
  record.waiting.push({ message, deadline: now + record.limits.peerConnectTimeoutMs });
  record.waitingLength += messageLengthBound(message);
  if (record.dial.kind === 'idle') dial(record, now); // L1
}

function dial(record: LinkRecord, now: number): void {
  record.dial = { kind: 'dialling', deadline: now + record.limits.peerConnectTimeoutMs };
  record.events.push({ kind: 'dial' });
}

function sessionUp(record: LinkRecord, opened: LinkSession): void {
  const { session, direction, incarnation } = opened;
  if (direction === 'dialled' || record.dial.kind === 'backing-off') record.dial = { kind: 'idle' };
  record.failureCount = 0;
  const wasUp = record.sessions.length > 0;
  const isVoid = (old: LinkSession): boolean => old.incarnation !== incarnation; // L3
  const isReplaced = (old: LinkSession): boolean => old.direction === 'accepted' && direction === 'accepted'; // L2
  const ended = record.sessions.filter((old) => isVoid(old) || isReplaced(old));
  record.sessions = [...record.sessions.filter((old) => !ended.includes(old)), { session, direction, incarnation }];
  for (const old of ended) {
    const reason = isVoid(old) ? 'other-incarnation' : 'replaced';
    record.events.push({ kind: 'end-session', session: old.session, reason });
  }
  if (ended.length > 0) interrupt(record);
  else if (!wasUp) record.events.push({ kind: 'up', incarnation });
  flush(record);
}

function flush(record: LinkRecord): void {
  const [carrier] = record.sessions;
  if (carrier === undefined) return;
  for (const { message } of record.waiting) record.events.push({ kind: 'transmit', session: carrier.session, message });
  record.waiting = [];
  record.waitingLength = 0;
}

function endSession(record: LinkRecord, session: number): void {
  const remaining = record.sessions.filter((old) => old.session !== session);
  if (remaining.length === record.sessions.length) return;
  record.sessions = remaining;
  interrupt(record);
}

/** L4. */
function interrupt(record: LinkRecord): void {
  record.events.push({ kind: 'down' });
  const [session] = record.sessions;
  if (session !== undefined) record.events.push({ kind: 'up', incarnation: session.incarnation });
}

function dialFailed(record: LinkRecord, now: number): void {
  const { minBackOffMs, maxBackOffMs } = record.limits;
  record.dial = { kind: 'backing-off', until: now + Math.min(maxBackOffMs, minBackOffMs * 2 ** record.failureCount) };
  record.failureCount += 1;
  // What waits is told at once rather than at its deadline: a client's connection stands still until its move is decided.
  giveUp(record, record.waiting.length, 'unreachable');
}

function giveUp(record: LinkRecord, count: number, reason: UndeliveredReason): void {
  if (count === 0) return;
  for (const { message } of record.waiting.splice(0, count)) {
    record.waitingLength -= messageLengthBound(message);
    record.events.push({ kind: 'undelivered', message: message.kind, reason });
  }
  interrupt(record);
}

function passDeadline(record: LinkRecord, now: number): void {
  const overdueIndex = record.waiting.findIndex((entry) => entry.deadline > now);
  giveUp(record, overdueIndex < 0 ? record.waiting.length : overdueIndex, 'timed-out');
  if (record.dial.kind === 'dialling' && record.dial.deadline <= now) {
    record.events.push({ kind: 'abandon-dial' });
    dialFailed(record, now);
  } else if (record.dial.kind === 'backing-off' && record.dial.until <= now) {
    record.dial = { kind: 'idle' };
    if (record.waiting.length > 0) dial(record, now);
  }
}
