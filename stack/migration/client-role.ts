// The client's role in a move: it asks members, in turn, to take the connection (DESIGN section 4).
//
// From the first MIGRATE_REQ until an answer is accepted TCP is suspended, so that rcv.nxt and snd.una, which the request
// names, stay what they are. Every attempt has an epoch of its own, greater than all before: a request that was given up
// can't be replayed once the connection goes on elsewhere (S4), and going back to the origin is a request like any other.

import {
  resume,
  sendOffsetOf,
  sequenceOfReceiveOffset,
  sequenceOfSendOffset,
  suspend,
  windowField,
} from '../tcp/connection.js';
import { movable } from '../tcp/freeze.js';
import type { TcpRecord } from '../tcp/state.js';
import { type Address } from '../wire/address.js';
import type { MemberId, MigrateOption } from '../wire/migrate-options.js';
import { refusalReason, type RefusalReason } from '../wire/refusal-reason.js';
import { FLAG, type Segment } from '../wire/segment.js';
import { closeWith } from './close.js';
import { MAX_EPOCH } from './config.js';
import { acknowledgeMac, confirmMac, deriveNonce, failMac, requestMac, sameMac, triggerMac } from './keys.js';
import { advance, type Attempt, type Identity, type Requesting, type Settled } from './machine.js';
import type { MigratoryRecord } from './record.js';
import type { MemberAddress } from './setup-record.js';

export type StartMoveOutcome =
  | { readonly kind: 'started' }
  | {
      readonly kind: 'impossible';
      readonly cause: 'not-ready' | 'moving' | 'closing' | 'unknown-member' | 'epochs-used-up';
    };

type AcknowledgeOption = Extract<MigrateOption, { kind: 'acknowledge' }>;

/** So many epochs are kept for the attempts of one move. */
const EPOCH_RESERVE = 256;

/**
 * Begins a move to `to`; the member that serves now means: from wherever this client is now. `address` is where the member
 * is, if the set-up record did not name it.
 */
export function startMove(record: MigratoryRecord, now: number, to: MemberId, address?: Address): StartMoveOutcome {
  const { phase } = record;
  if (phase.kind === 'requesting') return { kind: 'impossible', cause: 'moving' };
  if (phase.kind !== 'settled' || record.terms.kind !== 'client') return { kind: 'impossible', cause: 'not-ready' };
  if (!movable(record.tcp)) return { kind: 'impossible', cause: 'closing' };
  const { identity } = phase;
  if (identity.epoch > MAX_EPOCH - EPOCH_RESERVE) return { kind: 'impossible', cause: 'epochs-used-up' };
  const known = identity.members.find((member) => member.id === to);
  const target = address === undefined ? known : { id: to, address };
  if (target === undefined) return { kind: 'impossible', cause: 'unknown-member' };
  suspend(record.tcp);
  const candidates = orderCandidates(record, identity, target);
  const requesting: Requesting = {
    kind: 'requesting',
    identity,
    candidates,
    startedAt: now,
    index: 0,
    refusals: new Map(),
    attempt: newAttempt(record, identity, target, now, identity.epoch + 1, 0),
  };
  advance(record, requesting);
  record.events.push({ kind: 'paths-changed' });
  meetRequestDeadline(record, now, requesting);
  return { kind: 'started' };
}

/** The wanted member first, then the others, the one that serves now last. */
function orderCandidates(record: MigratoryRecord, identity: Identity, target: MemberAddress): MemberAddress[] {
  const serving: MemberAddress = { id: identity.member, address: record.remote };
  const others = identity.members.filter((member) => member.id !== target.id && member.id !== serving.id);
  return target.id === serving.id ? [target, ...others] : [target, ...others, serving];
}

function newAttempt(
  record: MigratoryRecord,
  identity: Identity,
  to: MemberAddress,
  sendAt: number,
  epoch: number,
  round: number,
): Attempt {
  const { requestAttemptMs, requestRetransmitMs, moveGiveUpMs } = record.limits;
  return {
    epoch,
    nonce: deriveNonce(identity.key, identity.cid, epoch),
    to,
    sendAt,
    // Longer in each round: if the members are slow, the connection must not be called away before it has arrived.
    deadline: sendAt + Math.min(requestAttemptMs * 2 ** round, moveGiveUpMs / 4),
    retransmitMs: requestRetransmitMs,
  };
}

export function requestDeadline(record: MigratoryRecord, { attempt, startedAt }: Requesting): number {
  return Math.min(attempt.sendAt, attempt.deadline, startedAt + record.limits.moveGiveUpMs);
}

export function meetRequestDeadline(record: MigratoryRecord, now: number, phase: Requesting): void {
  if (now >= phase.startedAt + record.limits.moveGiveUpMs) {
    closeWith(record, now, 'move-gave-up');
  } else if (now >= phase.attempt.deadline) {
    nextCandidate(record, now, phase, 'timed-out');
  } else if (now >= phase.attempt.sendAt) {
    const { attempt } = phase;
    record.outbox.push({ to: attempt.to.address, segment: requestSegment(record, phase.identity, attempt) });
    phase.attempt = { ...attempt, sendAt: now + attempt.retransmitMs, retransmitMs: attempt.retransmitMs * 2 };
  }
}

function requestSegment(record: MigratoryRecord, identity: Identity, attempt: Attempt): Segment {
  const { tcp } = record;
  const { cid } = identity;
  const receiveNext = sequenceOfReceiveOffset(tcp, tcp.receive.nextOffset);
  const sendUnacknowledged = sequenceOfSendOffset(tcp, tcp.send.unacknowledgedOffset);
  const { epoch, nonce, to } = attempt;
  const { member: origin, epoch: acceptedEpoch } = identity;
  const mac = requestMac(identity.key, {
    cid,
    epoch,
    acceptedEpoch,
    origin,
    destination: to.id,
    receiveNext,
    sendUnacknowledged,
    nonce,
  });
  return {
    sequence: sequenceOfSendOffset(tcp, tcp.send.unacknowledgedOffset - 1),
    acknowledgment: acceptedEpoch, // means nothing to TCP in a SYN, and the option is full
    flags: FLAG.syn,
    window: windowField(tcp, { forSyn: true }),
    options: { migrate: { kind: 'request', epoch, cid, origin, receiveNext, nonce, mac } },
    payload: [],
    payloadLength: 0,
  };
}

/** A member refused or was silent: the next one, or after a whole round a pause and the first. */
function nextCandidate(record: MigratoryRecord, now: number, phase: Requesting, reason: RefusalReason): void {
  if (reason !== 'timed-out') phase.refusals.set(phase.attempt.to.id, reason);
  phase.index++;
  const round = Math.floor(phase.index / phase.candidates.length);
  const roundEnded = phase.index % phase.candidates.length === 0;
  if (roundEnded && nobodyKnows(phase)) return closeWith(record, now, 'move-gave-up');
  const to = phase.candidates[phase.index % phase.candidates.length];
  const epoch = phase.attempt.epoch + 1;
  if (to === undefined || epoch > MAX_EPOCH) return closeWith(record, now, 'move-gave-up');
  const { requestPauseMs, requestAttemptMs } = record.limits;
  const pause = roundEnded ? Math.min(requestPauseMs * 2 ** (round - 1), requestAttemptMs) : 0;
  if (roundEnded) phase.refusals.clear();
  phase.attempt = newAttempt(record, phase.identity, to, now + pause, epoch, round);
  record.events.push({ kind: 'paths-changed' });
  meetRequestDeadline(record, now, phase);
}

/** Every member has answered that it never heard of the connection: asking again can't help. */
function nobodyKnows({ refusals, candidates }: Requesting): boolean {
  return candidates.every((member) => refusals.get(member.id) === 'unknown-connection');
}

/** A segment from the member that is being asked. Anything without proof is ignored. */
export function receiveAnswer(record: MigratoryRecord, now: number, phase: Requesting, segment: Segment): void {
  const { flags, options } = segment;
  if ((flags & FLAG.rst) !== 0) return receiveRefusal(record, now, phase, segment);
  if ((flags & FLAG.syn) === 0 || (flags & FLAG.ack) === 0) return;
  const answer = options.migrate;
  if (answer?.kind === 'acknowledge') receiveAcknowledge(record, now, phase, segment, answer);
}

/** The nonce ties an unauthenticated refusal to the request; it costs no more than one attempt. */
function receiveRefusal(record: MigratoryRecord, now: number, phase: Requesting, segment: Segment): void {
  const { tcp } = record;
  const { attempt } = phase;
  const expected = sequenceOfSendOffset(tcp, tcp.send.unacknowledgedOffset);
  if ((segment.flags & FLAG.ack) === 0 || segment.acknowledgment !== expected) return;
  const fail = segment.options.migrate;
  if (fail?.kind !== 'fail') return nextCandidate(record, now, phase, 'refused-by-policy');
  if (fail.nonce !== attempt.nonce || !mayBeGenuine(phase, fail)) return;
  nextCandidate(record, now, phase, refusalReason(fail.reason));
}

/** A member that has no key can't make a mac and sends zeros; any other mac has to be right. */
function mayBeGenuine({ identity, attempt }: Requesting, fail: Extract<MigrateOption, { kind: 'fail' }>): boolean {
  if (fail.mac.every((byte) => byte === 0)) return true;
  return sameMac(failMac(identity.key, identity.cid, attempt.epoch, fail.reason, attempt.nonce), fail.mac);
}

/** Whether the answer is by the identity's member, for its epoch. */
function provesItself({ key, cid, epoch, member }: Identity, answer: AcknowledgeOption): boolean {
  const clientNonce = deriveNonce(key, cid, epoch);
  return (
    answer.epoch === epoch && sameMac(acknowledgeMac(key, cid, epoch, member, clientNonce, answer.nonce), answer.mac)
  );
}

function receiveAcknowledge(
  record: MigratoryRecord,
  now: number,
  phase: Requesting,
  segment: Segment,
  answer: AcknowledgeOption,
): void {
  const { tcp } = record;
  const { attempt, identity } = phase;
  const { epoch, to } = attempt;
  const moved: Identity = { ...identity, epoch, member: to.id };
  if (!provesItself(moved, answer)) return;
  if (segment.sequence !== sequenceOfReceiveOffset(tcp, tcp.receive.nextOffset - 1)) return;
  const acknowledgedOffset = sendOffsetOf(tcp, segment.acknowledgment);
  if (acknowledgedOffset < tcp.send.unacknowledgedOffset || acknowledgedOffset > tcp.send.highestOffset) return;
  advance(record, { kind: 'settled', identity: moved, trigger: undefined });
  record.remote = to.address;
  attachConfirm(tcp, moved, answer.nonce);
  const peerTimestamp = segment.options.timestamps?.value;
  resume(tcp, now, { peerWindow: segment.window, acknowledgedOffset, peerTimestamp });
  const refusals = Array.from(phase.refusals, ([member, reason]) => ({ member, reason }));
  const report = { from: identity.member, to: to.id, epoch, stallMs: now - phase.startedAt, refusals };
  record.events.push({ kind: 'paths-changed' }, { kind: 'moved', report });
}

function attachConfirm(tcp: TcpRecord, { key, cid, epoch, member }: Identity, serverNonce: number): void {
  tcp.attachedOption = { kind: 'confirm', epoch, mac: confirmMac(key, cid, epoch, member, serverNonce) };
}

/**
 * Settled: the answer comes again while the confirmation may be lost, and is confirmed again; the first other segment
 * shows that the member has it, unless it is an old one. Answers whether the segment is TCP's business.
 */
export function confirmOnReceipt(
  record: MigratoryRecord,
  { identity }: Settled,
  segment: Segment,
): 'for-tcp' | 'handled' {
  const { tcp } = record;
  if ((segment.flags & FLAG.syn) === 0) {
    if (tcp.attachedOption?.kind === 'confirm') tcp.attachedOption = undefined;
    return 'for-tcp';
  }
  const answer = segment.options.migrate;
  if (answer?.kind !== 'acknowledge') return 'for-tcp';
  if (provesItself(identity, answer)) {
    attachConfirm(tcp, identity, answer.nonce);
    tcp.receive.acknowledgmentPending = true;
  }
  return 'handled';
}

/** A trigger is advice; it is followed when it proves to come from a holder of the key, for this epoch. */
export function receiveTrigger(
  record: MigratoryRecord,
  now: number,
  { identity }: Settled,
  trigger: Extract<MigrateOption, { kind: 'trigger' }>,
): void {
  if (trigger.epoch !== identity.epoch || trigger.member === identity.member) return;
  const mac = triggerMac(identity.key, identity.cid, trigger.epoch, trigger.member, trigger.address);
  if (sameMac(mac, trigger.mac)) startMove(record, now, trigger.member, trigger.address);
}
