// One migratory connection: one input changes the record, then poll is asked until it says 'wait'.
//
// This is TCP's face with the protocol of moves around it: what belongs to the protocol is taken out here, the rest goes to TCP.

import {
  handle as handleTcp,
  openActive,
  openAnsweredPassive,
  openPassive,
  poll as pollTcp,
  read as readTcp,
  sendQueueLength,
  type TcpSeed,
} from '../tcp/connection.js';
import type { ConnectionChoices, TcpConfig } from '../tcp/config.js';
import type { TcpEvent } from '../tcp/state.js';
import { hasUnread } from '../tcp/unread.js';
import { sameAddress, type Address } from '../wire/address.js';
import type { NetworkReport } from '../wire/network-report.js';
import type { Segment } from '../wire/segment.js';
import {
  confirmOnReceipt,
  meetRequestDeadline,
  receiveAnswer,
  receiveTrigger,
  requestDeadline,
  startMove,
} from './client-role.js';
import { closeWith, finish, isOver } from './close.js';
import type { MigrationLimits } from './config.js';
import { lengthOf } from './image.js';
import { identityOf } from './machine.js';
import { newRecord, type ConnectionEvent, type ConnectionOutput, type MigratoryRecord, type Terms } from './record.js';
import {
  confirmDeadline,
  meetConfirmDeadline,
  meetTriggerDeadline,
  receiveConfirm,
  triggerDeadline,
} from './server-role.js';
import { beginSetup, continueSetup } from './setup.js';
import {
  admitOutput,
  endOutput,
  logInput,
  outputLimit,
  setOutputMode,
  takeSnapshot,
  type LockKind,
  type OutputMode,
} from './synchronisation.js';

export type ConnectionInput =
  | { readonly kind: 'segment'; readonly from: Address; readonly segment: Segment }
  | { readonly kind: 'network-report'; readonly from: Address; readonly report: NetworkReport }
  | { readonly kind: 'write'; readonly bytes: Uint8Array }
  | { readonly kind: 'close' }
  | { readonly kind: 'abort' }
  | { readonly kind: 'configure'; readonly choices: ConnectionChoices }
  | { readonly kind: 'deadline' };

/** The flags of MIGRATE_CAPABLE; none is defined yet. */
const CAPABLE_FLAGS = 0;

/**
 * Thrown by `setState` where the application's state is too large; nothing has changed.
 *
 * @public
 */
export class StateTooLarge extends Error {
  override readonly name = 'StateTooLarge';
  constructor(length: number, limitLength: number) {
    super(`the state has ${length} bytes, the limit is ${limitLength}: snapshot less, or raise limits.stateLength`);
  }
}

/** A client's connection: poll gives its SYN. */
export function openClient(
  config: TcpConfig,
  limits: MigrationLimits,
  now: number,
  terms: Terms,
  local: Address,
  remote: Address,
  seed: TcpSeed,
): MigratoryRecord {
  const tcp = openActive(config, now, terms.kind === 'client' ? { ...seed, migrateCapable: CAPABLE_FLAGS } : seed);
  return newRecord(limits, terms, local, remote, tcp);
}

/** A server's connection for a SYN: poll gives the SYN/ACK. */
export function openServer(
  config: TcpConfig,
  limits: MigrationLimits,
  now: number,
  terms: Terms,
  local: Address,
  remote: Address,
  syn: Segment,
  seed: TcpSeed,
): MigratoryRecord {
  return newRecord(limits, terms, local, remote, openPassive(config, now, syn, offering(terms, seed)));
}

/** The same for a SYN that has been answered before; the client's acknowledgment is the first input. */
export function openAnswered(
  config: TcpConfig,
  limits: MigrationLimits,
  now: number,
  terms: Terms,
  local: Address,
  remote: Address,
  syn: Segment,
  seed: TcpSeed,
): MigratoryRecord {
  return newRecord(limits, terms, local, remote, openAnsweredPassive(config, now, syn, offering(terms, seed)));
}

function offering(terms: Terms, seed: TcpSeed): TcpSeed {
  return terms.kind === 'server' ? { ...seed, migrateCapable: CAPABLE_FLAGS } : seed;
}

export function handle(record: MigratoryRecord, now: number, input: ConnectionInput): void {
  if (isOver(record)) {
    // TCP may still have to answer a retransmitted FIN from TIME-WAIT.
    if (record.phase.kind === 'closed') passToTcp(record, now, input);
    return;
  }
  switch (input.kind) {
    case 'segment':
      receiveSegment(record, now, input.from, input.segment);
      break;
    case 'network-report':
      // Of a path that is being left, or come to, TCP knows nothing yet.
      if (sameAddress(input.from, record.remote)) handleTcp(record.tcp, now, input);
      break;
    case 'write':
      write(record, now, input.bytes);
      break;
    case 'close':
      close(record, now);
      break;
    case 'abort':
      closeWith(record, now, 'aborted');
      break;
    case 'configure':
      handleTcp(record.tcp, now, input);
      break;
    case 'deadline':
      meetDeadlines(record, now);
      break;
  }
}

function passToTcp(record: MigratoryRecord, now: number, input: ConnectionInput): void {
  if (input.kind === 'segment' && sameAddress(input.from, record.remote)) {
    handleTcp(record.tcp, now, { kind: 'segment', segment: input.segment });
  } else if (input.kind === 'deadline') {
    handleTcp(record.tcp, now, { kind: 'deadline' });
  }
}

export function poll(record: MigratoryRecord, now: number): ConnectionOutput {
  for (;;) {
    const sent = record.outbox.length > 0 ? record.outbox.shift() : undefined;
    if (sent !== undefined) return { kind: 'transmit', ...sent };
    const event = record.events.length > 0 ? record.events.shift() : undefined;
    if (event !== undefined) {
      if (record.events.length === 0) record.events = []; // as in TCP's poll
      return { kind: 'event', event };
    }
    if (record.phase.kind === 'departed') return { kind: 'wait', until: Infinity };
    const output = pollTcp(record.tcp, now);
    switch (output.kind) {
      case 'transmit':
        return { kind: 'transmit', to: record.remote, segment: output.segment };
      case 'wait':
        return { kind: 'wait', until: Math.min(output.until, phaseDeadline(record)) };
      case 'event':
        receiveTcpEvent(record, now, output.event);
    }
  }
}

function receiveSegment(record: MigratoryRecord, now: number, from: Address, segment: Segment): void {
  const { phase } = record;
  switch (phase.kind) {
    case 'requesting':
      if (sameAddress(from, phase.attempt.to.address)) receiveAnswer(record, now, phase, segment);
      return;
    case 'confirming':
      if (!receiveConfirm(record, now, phase, from, segment)) return;
      break;
    case 'settled': {
      if (!sameAddress(from, record.remote)) return;
      if (record.terms.kind === 'client') {
        if (confirmOnReceipt(record, phase, segment) === 'handled') return;
        const option = segment.options.migrate;
        if (option?.kind === 'trigger') receiveTrigger(record, now, phase, option);
      } else if (segment.options.migrate?.kind === 'request') {
        return;
      }
      break;
    }
    default:
      if (!sameAddress(from, record.remote)) return;
  }
  handleTcp(record.tcp, now, { kind: 'segment', segment });
}

function receiveTcpEvent(record: MigratoryRecord, now: number, event: TcpEvent): void {
  switch (event.kind) {
    case 'established':
      beginSetup(record, now);
      break;
    case 'readable':
      if (record.phase.kind === 'setting-up') continueSetup(record, now, record.phase);
      // What came in one piece with the set-up record has been announced; what came after it is announced here.
      if (record.phase.kind !== 'setting-up' && hasUnread(record.tcp.receive)) record.events.push(event);
      break;
    case 'end-of-input':
      if (record.phase.kind === 'setting-up') closeWith(record, now, 'set-up-failed');
      else record.events.push(event);
      break;
    case 'writable':
      record.events.push(event);
      break;
    case 'retransmission-timeout':
      if (event.consecutive >= record.tcp.config.troubleTimeoutCount) {
        const trouble = { kind: 'unacknowledged', timeoutCount: event.consecutive } as const;
        record.events.push({ kind: 'trouble', trouble });
      }
      considerPolicy(record, now, event.consecutive);
      break;
    case 'unreachable':
      record.events.push({ kind: 'trouble', trouble: event });
      break;
    case 'urgent':
      record.events.push(event);
      break;
    case 'closed':
      finish(record, event.reason);
      break;
  }
}

function considerPolicy(record: MigratoryRecord, now: number, consecutiveTimeouts: number): void {
  const { terms, phase } = record;
  if (terms.kind !== 'client' || phase.kind !== 'settled') return;
  const { member, members } = phase.identity;
  const advice = terms.policy({ consecutiveTimeouts, member, members: members.map(({ id }) => id) });
  if (advice.kind === 'move') startMove(record, now, advice.to);
}

function phaseDeadline(record: MigratoryRecord): number {
  const { phase } = record;
  switch (phase.kind) {
    case 'setting-up':
      return phase.deadline;
    case 'settled':
      return triggerDeadline(phase);
    case 'requesting':
      return requestDeadline(record, phase);
    case 'confirming':
      return confirmDeadline(phase);
    default:
      return Infinity;
  }
}

function meetDeadlines(record: MigratoryRecord, now: number): void {
  const { phase } = record;
  switch (phase.kind) {
    case 'setting-up':
      if (now >= phase.deadline) return closeWith(record, now, 'set-up-failed');
      break;
    case 'settled':
      meetTriggerDeadline(record, now, phase);
      break;
    case 'requesting':
      return meetRequestDeadline(record, now, phase);
    case 'confirming':
      if (meetConfirmDeadline(record, now, phase) === 'given-up') closeWith(record, now, 'timed-out');
      return;
    default:
      break;
  }
  handleTcp(record.tcp, now, { kind: 'deadline' });
}

function early(record: MigratoryRecord): NonNullable<MigratoryRecord['early']> {
  return (record.early ??= { writes: [], ended: false });
}

function write(record: MigratoryRecord, now: number, bytes: Uint8Array): void {
  if (record.phase.kind === 'opening') {
    early(record).writes.push(bytes);
    return;
  }
  const { sync } = record;
  if (sync === undefined) {
    handleTcp(record.tcp, now, { kind: 'write', bytes });
    return;
  }
  const admitted = admitOutput(sync, bytes);
  if (admitted.length > 0 && sync.replay.kind !== 'diverged') {
    handleTcp(record.tcp, now, { kind: 'write', bytes: admitted });
  }
  applyOutput(record);
}

function close(record: MigratoryRecord, now: number): void {
  if (record.phase.kind === 'opening') {
    early(record).ended = true;
    return;
  }
  const { sync } = record;
  if (sync === undefined) {
    handleTcp(record.tcp, now, { kind: 'close' });
    return;
  }
  if (sync.ended) return;
  endOutput(sync);
  if (sync.replay.kind !== 'diverged' && !sync.peerHasEnd) handleTcp(record.tcp, now, { kind: 'close' });
  applyOutput(record);
}

/** Brings TCP's limit up to what may leave now, and tells a divergence once. */
function applyOutput(record: MigratoryRecord): void {
  const { sync, tcp } = record;
  if (sync === undefined) return;
  tcp.send.limitOffset = outputLimit(sync);
  if (sync.replay.kind === 'diverged' && !record.events.some((event) => event.kind === 'diverged')) {
    record.events.push(DIVERGED);
  }
}

const DIVERGED: ConnectionEvent = Object.freeze({ kind: 'diverged' });

/** The next bytes for the application, or undefined. Poll afterwards. */
export function read(record: MigratoryRecord): Uint8Array | undefined {
  if (record.phase.kind === 'opening' || record.phase.kind === 'setting-up' || record.phase.kind === 'departed') {
    return undefined;
  }
  let chunk = record.readAhead;
  if (chunk === undefined) chunk = readTcp(record.tcp);
  else record.readAhead = undefined;
  if (chunk !== undefined && record.sync !== undefined) logInput(record.sync, chunk, record.limits);
  return chunk;
}

/**
 * Bytes written and not yet acknowledged, or not yet sent, for back-pressure. None while a replay is verified: nothing leaves
 * before all of it is there, and it is no more than the origin had queued.
 *
 * @internal
 */
export function queuedLength({ sync, tcp }: MigratoryRecord): number {
  return sync?.replay.kind === 'verifying' ? 0 : sendQueueLength(tcp);
}

/** Bytes written that the peer has not acknowledged. */
export function unacknowledgedLength({ tcp, early }: MigratoryRecord): number {
  return sendQueueLength(tcp) + lengthOf(early?.writes ?? []);
}

/** Whether the application should stop writing until 'writable' comes. Never while a replay is verified, as above. */
export function outputIsFull({ sync, tcp }: MigratoryRecord): boolean {
  return tcp.send.full && sync?.replay.kind !== 'verifying';
}

export type RestoredState =
  | { readonly kind: 'new' }
  /** The bytes are the snapshot's own: not to be changed. */
  | { readonly kind: 'migrated'; readonly state: Uint8Array };

/** The slides' `get_state`: where the application begins. New also where it moved before its first `setState`. */
export function getState({ sync }: MigratoryRecord): RestoredState {
  return sync?.snapshot === undefined ? { kind: 'new' } : { kind: 'migrated', state: sync.snapshot.state };
}

/**
 * The slides' `set_state`: the restart point moves up to now. `unreadLength` bytes that `read` gave are still unread.
 * On a connection that can't move it has no effect. Throws `StateTooLarge`.
 */
export function setState(record: MigratoryRecord, state: Uint8Array, unreadLength: number): void {
  const { sync, limits } = record;
  if (sync === undefined || isOver(record)) return;
  if (state.length > limits.stateLength) throw new StateTooLarge(state.length, limits.stateLength);
  takeSnapshot(sync, state, unreadLength);
  if (sync.mode !== 'live') applyOutput(record);
}

/**
 * Replaces the state of the last snapshot and leaves its offsets where they are: something that is to be known when the
 * application goes on from there. Without a snapshot there is nothing to amend. Throws `StateTooLarge`.
 */
export function amendState(record: MigratoryRecord, state: Uint8Array): void {
  const { sync, limits } = record;
  if (sync?.snapshot === undefined || isOver(record)) return;
  if (state.length > limits.stateLength) throw new StateTooLarge(state.length, limits.stateLength);
  sync.snapshot = { ...sync.snapshot, state };
}

export function changeOutputMode(record: MigratoryRecord, mode: OutputMode): void {
  if (record.sync === undefined) return;
  setOutputMode(record.sync, mode);
  applyOutput(record);
}

/** The slides' `lock_state`: 'here' keeps the connection here until `unlockState` (S7). */
export function lockState(record: MigratoryRecord, kind: LockKind): 'here' | 'migrated' {
  if (record.phase.kind === 'departed') return 'migrated';
  if (record.sync !== undefined) record.sync.lock = kind;
  return 'here';
}

export function unlockState(record: MigratoryRecord): void {
  if (record.sync !== undefined) record.sync.lock = 'open';
}

export function lockOf({ sync }: MigratoryRecord): 'open' | LockKind {
  return sync?.lock ?? 'open';
}

/** The addresses whose segments belong to this connection now. */
export function pathsOf({ phase, remote }: MigratoryRecord): Address[] {
  if (phase.kind === 'requesting') return [remote, phase.attempt.to.address];
  if (phase.kind === 'confirming') return [remote, ...phase.candidates.map(({ address }) => address)];
  return [remote];
}

export { identityOf, startMove };
