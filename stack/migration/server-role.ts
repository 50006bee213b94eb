// The server's role in a move: it hands the image out against proof, and takes a connection up again from an image or in place.
//
//   V1. Nothing changes before the request's mac is checked with the connection's key (S4).
//   V2. After the answer nothing is sent until the client has confirmed it: the request alone could be a replay.

import {
  resume,
  sendOffsetOf,
  receiveOffsetOf,
  sequenceOfReceiveOffset,
  sequenceOfSendOffset,
  suspend,
  windowField,
} from '../tcp/connection.js';
import type { TcpConfig } from '../tcp/config.js';
import { freezable, freeze, thaw } from '../tcp/freeze.js';
import { timestampOption } from '../tcp/compose.js';
import { sliceAtHead } from '../tcp/send-queue.js';
import type { TcpRecord } from '../tcp/state.js';
import { showUnread } from '../tcp/unread.js';
import { sameAddress, type Address } from '../wire/address.js';
import type { MemberId, MigrateOption } from '../wire/migrate-options.js';
import type { RefusalReason } from '../wire/refusal-reason.js';
import { addSequence, type Sequence } from '../wire/sequence.js';
import { FLAG, type Segment } from '../wire/segment.js';
import type { MigrationLimits } from './config.js';
import { encodeImage, lengthOf, type Image } from './image.js';
import { acknowledgeMac, confirmMac, requestMac, sameMac, triggerMac, type RequestProof } from './keys.js';
import { advance, identityOf, type Candidate, type Confirming, type Identity, type Settled } from './machine.js';
import { newRecord, type MigratoryRecord } from './record.js';
import {
  expectedOutput,
  expectOutput,
  newSynchronisation,
  outputLimit,
  restartInputOffset,
  restartOutputOffset,
  setOutputMode,
} from './synchronisation.js';

export type RequestOption = Extract<MigrateOption, { kind: 'request' }>;

/** The same request is answered at so many addresses. */
const MAX_CANDIDATES = 4;

/** A client's MIGRATE_REQ, as it came. */
export interface MoveRequest {
  readonly local: Address;
  readonly from: Address;
  readonly option: RequestOption;
  /** The client's snd.una. */
  readonly sendUnacknowledged: Sequence;
  /** The epoch in which the client last accepted a member's answer. */
  readonly acceptedEpoch: number;
  /** 32 random bits for the answer, should there be one. */
  readonly serverNonce: number;
}

export function moveRequest(
  local: Address,
  from: Address,
  segment: Segment,
  option: RequestOption,
  serverNonce: number,
): MoveRequest {
  const sendUnacknowledged = addSequence(segment.sequence, 1);
  return { local, from, option, sendUnacknowledged, acceptedEpoch: segment.acknowledgment, serverNonce };
}

/** What an origin checks before it gives anything out. */
export interface RequestClaim extends Omit<RequestProof, 'cid'> {
  readonly mac: Uint8Array;
}

export function claimOf(request: MoveRequest, destination: MemberId): RequestClaim {
  const { option, sendUnacknowledged, acceptedEpoch } = request;
  const { epoch, origin, receiveNext, nonce, mac } = option;
  return { epoch, acceptedEpoch, origin, destination, receiveNext, sendUnacknowledged, nonce, mac };
}

/** V1. Undefined when the claim holds. A connection that is over for us is 'stale-epoch' at any epoch. */
export function checkClaim(
  identity: Pick<Identity, 'cid' | 'key' | 'epoch'>,
  claim: RequestClaim,
): 'bad-proof' | 'stale-epoch' | undefined {
  if (!sameMac(requestMac(identity.key, { cid: identity.cid, ...claim }), claim.mac)) return 'bad-proof';
  return claim.epoch <= identity.epoch ? 'stale-epoch' : undefined;
}

export type RebindOutcome =
  { readonly kind: 'answered' } | { readonly kind: 'refused'; readonly reason: RefusalReason };

/** A request for a connection that is here already: its client changed its address, or comes back after a failed move. */
export function rebind(record: MigratoryRecord, now: number, request: MoveRequest, self: MemberId): RebindOutcome {
  const { phase, tcp } = record;
  const identity = identityOf(phase);
  if (identity === undefined || (phase.kind !== 'settled' && phase.kind !== 'confirming')) {
    return { kind: 'refused', reason: 'not-movable' };
  }
  const { option } = request;
  const problem = checkClaim(identity, claimOf(request, self));
  if (problem === 'stale-epoch' && phase.kind === 'confirming' && option.nonce === phase.clientNonce) {
    answerAgain(record, now, phase, request);
    return { kind: 'answered' };
  }
  if (problem !== undefined) return { kind: 'refused', reason: problem };
  if (!fits(tcp, option.receiveNext, request.sendUnacknowledged)) return { kind: 'refused', reason: 'inconsistent' };
  suspend(tcp);
  beginConfirming(record, now, request, { ...identity, epoch: option.epoch });
  return { kind: 'answered' };
}

/** The same request again; from another address it is answered with a nonce of its own. */
function answerAgain(record: MigratoryRecord, now: number, phase: Confirming, request: MoveRequest): void {
  let candidate = phase.candidates.find(({ address }) => sameAddress(address, request.from));
  if (candidate === undefined) {
    if (phase.candidates.length >= MAX_CANDIDATES) return;
    candidate = answerTo(record.tcp, now, request, phase.identity);
    phase.candidates.push(candidate);
    record.events.push({ kind: 'paths-changed' });
  }
  record.outbox.push({ to: candidate.address, segment: candidate.answer });
}

/** Whether what the client says of both streams can be true. */
function fits(tcp: TcpRecord, receiveNext: Sequence, sendUnacknowledged: Sequence): boolean {
  const acknowledged = sendOffsetOf(tcp, receiveNext);
  return (
    acknowledged >= tcp.send.unacknowledgedOffset &&
    acknowledged <= tcp.send.highestOffset &&
    receiveOffsetOf(tcp, sendUnacknowledged) <= tcp.receive.nextOffset
  );
}

function answerTo(tcp: TcpRecord, now: number, request: MoveRequest, identity: Identity): Candidate {
  const { option, from, serverNonce } = request;
  const { key, cid, epoch, member } = identity;
  const mac = acknowledgeMac(key, cid, epoch, member, option.nonce, serverNonce);
  const answer: Segment = {
    sequence: addSequence(option.receiveNext, -1),
    acknowledgment: sequenceOfReceiveOffset(tcp, tcp.receive.nextOffset),
    flags: FLAG.syn | FLAG.ack,
    window: windowField(tcp, { forSyn: true }),
    // The time-stamp tells the client which segments of this address are from before the move (RFC 7323 section 5).
    options: { ...timestampOption(tcp, now), migrate: { kind: 'acknowledge', epoch, nonce: serverNonce, mac } },
    payload: [],
    payloadLength: 0,
  };
  return { address: from, serverNonce, answer };
}

function beginConfirming(record: MigratoryRecord, now: number, request: MoveRequest, identity: Identity): void {
  const { tcp, limits } = record;
  const phase: Confirming = {
    kind: 'confirming',
    identity,
    candidates: [answerTo(tcp, now, request, identity)],
    clientNonce: request.option.nonce,
    trigger: record.phase.kind === 'confirming' ? record.phase.trigger : undefined,
    deadline: now + limits.confirmGiveUpMs,
    retransmitMs: limits.confirmRetransmitMs,
    sendAt: now,
  };
  advance(record, phase);
  record.events.push({ kind: 'paths-changed' });
  meetConfirmDeadline(record, now, phase);
}

export function confirmDeadline({ sendAt, deadline }: Confirming): number {
  return Math.min(sendAt, deadline);
}

/** Sends the answer again, at growing intervals. Answers whether the client has been waited for long enough. */
export function meetConfirmDeadline(record: MigratoryRecord, now: number, phase: Confirming): 'waiting' | 'given-up' {
  if (now >= phase.deadline) return 'given-up';
  if (now >= phase.sendAt) {
    for (const { address, answer } of phase.candidates) record.outbox.push({ to: address, segment: answer });
    phase.sendAt = now + phase.retransmitMs;
    phase.retransmitMs = Math.min(phase.retransmitMs * 2, record.limits.maxConfirmRetransmitMs);
  }
  return 'waiting';
}

/** V2. Whether the segment confirms; if so the connection is the client's again. */
export function receiveConfirm(
  record: MigratoryRecord,
  now: number,
  phase: Confirming,
  from: Address,
  segment: Segment,
): boolean {
  const confirm = segment.options.migrate;
  const { identity, candidates } = phase;
  const candidate = candidates.find(({ address }) => sameAddress(address, from));
  if (candidate === undefined) return false;
  if (confirm?.kind !== 'confirm' || (segment.flags & (FLAG.syn | FLAG.rst)) !== 0) return false;
  const { key, cid, epoch, member } = identity;
  if (confirm.epoch !== epoch || !sameMac(confirmMac(key, cid, epoch, member, candidate.serverNonce), confirm.mac)) {
    return false;
  }
  const { tcp } = record;
  record.remote = from;
  advance(record, { kind: 'settled', identity, trigger: phase.trigger });
  const acknowledgedOffset = sendOffsetOf(tcp, addSequence(candidate.answer.sequence, 1));
  resume(tcp, now, { peerWindow: segment.window * tcp.send.windowUnitLength, acknowledgedOffset });
  record.events.push({ kind: 'paths-changed' }, { kind: 'confirmed' });
  return true;
}

export type TakenImage =
  { readonly kind: 'image'; readonly image: Uint8Array } | { readonly kind: 'refused'; readonly reason: RefusalReason };

/**
 * The image, for a claim that has been checked; afterwards the connection is gone from here. Refused, nothing has changed.
 * Called between two inputs of the core, never inside one (S3).
 */
export function takeImage(record: MigratoryRecord, claim: RequestClaim): TakenImage {
  const { phase, tcp, sync, limits } = record;
  if ((phase.kind !== 'settled' && phase.kind !== 'confirming') || sync === undefined) return refuse('not-movable');
  if (!freezable(tcp)) return refuse('closing');
  if (sync.log.kind === 'overflowed' || sync.replay.kind === 'diverged') return refuse('not-movable');
  if (sync.replay.kind === 'verifying') return refuse('busy');
  if (!fits(tcp, claim.receiveNext, claim.sendUnacknowledged)) return refuse('inconsistent');
  const acknowledgedOffset = sendOffsetOf(tcp, claim.receiveNext);
  const readAhead = record.readAhead === undefined ? [] : [record.readAhead];
  const outputLength = Math.max(0, restartOutputOffset(sync) - acknowledgedOffset);
  const image: Image = {
    cid: phase.identity.cid,
    key: phase.identity.key,
    transport: freeze(tcp),
    firstInputOffset: sync.firstInputOffset,
    firstOutputOffset: sync.firstOutputOffset,
    snapshot: sync.snapshot,
    mode: sync.mode,
    expected: expectedOutput(sync),
    acknowledgedOffset,
    input: [...sync.log.chunks, ...readAhead, ...showUnread(tcp.receive)],
    output: outputLength === 0 ? [] : sliceAtHead(tcp.send.queue, acknowledgedOffset, outputLength),
  };
  if (lengthOf(image.input) + lengthOf(image.output) > limits.imageLength) return refuse('image-too-large');
  const bytes = encodeImage(image);
  if (bytes.length > limits.imageLength) return refuse('image-too-large');
  suspend(tcp);
  advance(record, { kind: 'departed', identity: phase.identity });
  record.events.push({ kind: 'departed', to: claim.destination, epoch: claim.epoch });
  return { kind: 'image', image: bytes };
}

function refuse(reason: RefusalReason): TakenImage {
  return { kind: 'refused', reason };
}

export type Installation =
  | { readonly kind: 'installed'; readonly record: MigratoryRecord }
  | { readonly kind: 'refused'; readonly reason: RefusalReason };

/** A destination's connection from an image, for the request that fetched it: answered, waiting for confirmation. */
export function install(
  config: TcpConfig,
  limits: MigrationLimits,
  now: number,
  image: Image,
  request: MoveRequest,
  self: MemberId,
): Installation {
  const { snapshot } = image;
  const sync = newSynchronisation(image.firstInputOffset, image.firstOutputOffset);
  sync.snapshot = snapshot;
  sync.consumedOffset = restartInputOffset(sync);
  sync.writtenOffset = restartOutputOffset(sync);
  sync.ended = snapshot?.ended ?? false;
  sync.suppressBelow = image.acknowledgedOffset;
  const originEnd = image.transport.send.finOffset;
  sync.peerHasEnd = originEnd !== undefined && image.acknowledgedOffset > originEnd;
  let tcp: TcpRecord;
  try {
    tcp = thaw(config, now, image.transport, {
      readOffset: sync.consumedOffset,
      input: image.input,
      acknowledgedOffset: image.acknowledgedOffset,
      output: image.output,
      // A FIN that the client has is sent, though the application here has yet to come to it again.
      ended: sync.ended || sync.peerHasEnd,
    });
  } catch (error) {
    if (error instanceof RangeError) return { kind: 'refused', reason: 'image-unreadable' };
    throw error;
  }
  if (!fits(tcp, request.option.receiveNext, request.sendUnacknowledged))
    return { kind: 'refused', reason: 'inconsistent' };
  setOutputMode(sync, image.mode);
  if (image.expected !== undefined) expectOutput(sync, image.expected);
  tcp.send.limitOffset = outputLimit(sync);
  const record = newRecord(limits, { kind: 'arrived', member: self }, request.local, request.from, tcp);
  record.sync = sync;
  const { cid, key } = image;
  const identity: Identity = {
    cid,
    key,
    epoch: request.option.epoch,
    member: self,
    members: [],
  };
  record.phase = { kind: 'settled', identity, trigger: undefined };
  record.events.push({ kind: 'open' }, { kind: 'ready' });
  beginConfirming(record, now, request, identity);
  return { kind: 'installed', record };
}

/** Whether an image could be taken now: what advice to move makes sense for. */
export function isMovable({ phase, tcp, sync }: MigratoryRecord): boolean {
  return (
    (phase.kind === 'settled' || phase.kind === 'confirming') &&
    freezable(tcp) &&
    sync?.log.kind === 'complete' &&
    sync.lock === 'open'
  );
}

/** Advises the client to move, once it has proved itself here. Advice that was being given is replaced. */
export function advise(record: MigratoryRecord, now: number, to: MemberId, address: Address | undefined): void {
  if (record.phase.kind !== 'settled' && record.phase.kind !== 'confirming') return;
  record.phase.trigger = { member: to, address, attemptsLeft: record.limits.triggerAttemptCount, sendAt: now };
}

export function triggerDeadline({ trigger }: Settled): number {
  return trigger === undefined ? Infinity : trigger.sendAt;
}

export function meetTriggerDeadline(record: MigratoryRecord, now: number, phase: Settled): void {
  const { trigger } = phase;
  if (trigger === undefined || now < trigger.sendAt) return;
  if (trigger.attemptsLeft === 0) {
    phase.trigger = undefined;
    return;
  }
  record.outbox.push({ to: record.remote, segment: triggerSegment(record, phase.identity, trigger) });
  trigger.attemptsLeft--;
  trigger.sendAt = now + record.limits.triggerRepeatMs;
}

/** A bare acknowledgment without timestamps: the option with an IPv6 address fits beside nothing else. */
function triggerSegment(
  { tcp }: MigratoryRecord,
  { key, cid, epoch }: Identity,
  { member, address }: { readonly member: MemberId; readonly address: Address | undefined },
): Segment {
  const mac = triggerMac(key, cid, epoch, member, address);
  return {
    sequence: sequenceOfSendOffset(tcp, tcp.send.nextOffset),
    acknowledgment: sequenceOfReceiveOffset(tcp, tcp.receive.nextOffset),
    flags: FLAG.ack,
    window: windowField(tcp, { forSyn: false }),
    options: { migrate: { kind: 'trigger', epoch, member, mac, ...(address === undefined ? {} : { address }) } },
    payload: [],
    payloadLength: 0,
  };
}
