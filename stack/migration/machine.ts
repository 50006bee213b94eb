// The phases of a migratory connection, and every transition between them; free of role, so that one table is the protocol.
//
// `advance` validates, then mutates: a transition that is not in the table is a defect of ours and throws. What a phase
// needs (keys, attempts, timers) is held on the phase that owns it, and goes with it.

import type { MemberAddress } from './setup-record.js';
import type { Address } from '../wire/address.js';
import type { ConnectionId, MemberId } from '../wire/migrate-options.js';
import type { RefusalReason } from '../wire/refusal-reason.js';
import type { Segment } from '../wire/segment.js';

/** What both ends share once the set-up records are exchanged. */
export interface Identity {
  readonly cid: ConnectionId;
  readonly key: Uint8Array;
  /** The epoch of the last move, or attempt, that either end has accepted. */
  readonly epoch: number;
  /** The member that serves. */
  readonly member: MemberId;
  /** The service's members, as the server told its client; empty at a server. */
  readonly members: readonly MemberAddress[];
}

export interface Opening {
  readonly kind: 'opening';
}

/** The peer offered no migration: an ordinary TCP connection. */
export interface Plain {
  readonly kind: 'plain';
}

export interface SettingUp {
  readonly kind: 'setting-up';
  /** Our X25519 key: the client's from the beginning, the server's for the moment in which it answers. */
  readonly privateKey: Uint8Array;
  /** What has come of the peer's record. */
  received: Uint8Array;
  readonly deadline: number;
}

/** Nothing is under way. */
export interface Settled {
  readonly kind: 'settled';
  identity: Identity;
  /** At the server: the advice that is being sent. */
  trigger: Trigger | undefined;
}

export interface Trigger {
  readonly member: MemberId;
  readonly address: Address | undefined;
  attemptsLeft: number;
  sendAt: number;
}

/** The client asks members to take the connection. */
export interface Requesting {
  readonly kind: 'requesting';
  readonly identity: Identity;
  readonly candidates: readonly MemberAddress[];
  readonly startedAt: number;
  index: number;
  /** Refusals of this round, by member; silence is not among them. */
  readonly refusals: Map<MemberId, RefusalReason>;
  attempt: Attempt;
}

/** One member being asked, or the pause before it is. */
export interface Attempt {
  readonly epoch: number;
  readonly nonce: number;
  readonly to: MemberAddress;
  readonly deadline: number;
  readonly retransmitMs: number;
  readonly sendAt: number;
}

/** An address from which the request came, and what it was answered there. */
export interface Candidate {
  readonly address: Address;
  /** Of this answer alone: a confirmation that was made for one address is worth nothing at another. */
  readonly serverNonce: number;
  readonly answer: Segment;
}

/** The destination has answered, and waits for the client's proof before it sends anything else. */
export interface Confirming {
  readonly kind: 'confirming';
  readonly identity: Identity;
  /** Where the request came from; more than one where a NAT, or somebody, sent it from elsewhere again. */
  readonly candidates: Candidate[];
  readonly clientNonce: number;
  /** Advice that waits for the client's proof. */
  trigger: Trigger | undefined;
  readonly deadline: number;
  retransmitMs: number;
  sendAt: number;
}

/** The image has left; nothing runs here any more. */
export interface Departed {
  readonly kind: 'departed';
  readonly identity: Identity;
}

export interface Closed {
  readonly kind: 'closed';
}

export type Phase = Opening | Plain | SettingUp | Settled | Requesting | Confirming | Departed | Closed;
export type PhaseName = Phase['kind'];

/**
 * The transitions that exist. Staying in a phase is listed where it means something.
 *
 * @internal
 */
export const TRANSITIONS: Readonly<Record<PhaseName, readonly PhaseName[]>> = {
  opening: ['plain', 'setting-up', 'closed'],
  plain: ['closed'],
  'setting-up': ['settled', 'closed'],
  settled: ['requesting', 'confirming', 'departed', 'closed'],
  requesting: ['settled', 'closed'],
  confirming: ['settled', 'confirming', 'departed', 'closed'],
  departed: [],
  closed: [],
};

type TransitionObserver = (record: { readonly phase: Phase }, next: Phase) => void;
let observer: TransitionObserver | undefined;

/**
 * Every transition of this process is shown to `next` before it takes place: what a simulation has reached.
 *
 * @internal
 */
export function observeTransitions(next: TransitionObserver | undefined): void {
  observer = next;
}

/** Enters `next`; throws where the table has no such transition. */
export function advance(record: { phase: Phase }, next: Phase): void {
  if (!TRANSITIONS[record.phase.kind].includes(next.kind)) {
    throw new Error(`no transition from ${record.phase.kind} to ${next.kind}`);
  }
  observer?.(record, next);
  record.phase = next;
}

/** The identity in the phases that have one. */
export function identityOf(phase: Phase): Identity | undefined {
  return 'identity' in phase ? phase.identity : undefined;
}
