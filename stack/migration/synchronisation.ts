// State synchronisation, at the server: what is kept so that the application can go on elsewhere (DESIGN section 5).
//
// A snapshot is the application's state and both stream offsets at the instant of `setState`. Input that the application
// consumed since is logged, to be read again at a destination; output that it produced since will be produced again there,
// and what the client already has of it is suppressed.
//   Y1. The log holds exactly the input in [snapshot.inputOffset, consumedOffset), or has overflowed and holds nothing.
//   Y2. Output below `suppressBelow` is dropped: the client has it (S1).
//   Y3. In mode 'held', nothing at or beyond the snapshot's outputOffset leaves.
//   Y4. While a replay is being verified, nothing leaves until the digest of the origin's output is matched.
// All offsets are those of the TCP streams, set-up records included.

import { createHash, type Hash } from 'node:crypto';
import type { MigrationLimits } from './config.js';

/**
 * What is promised of output behind the snapshot, which a move produces again.
 *
 * - 'live': it leaves at once; at the destination what the client has is suppressed unseen.
 * - 'verified': it leaves at once; at the destination nothing new leaves until all of it has been produced with the same digest.
 * - 'held': it leaves with the next snapshot, so nothing is ever produced again.
 */
export type OutputMode = 'live' | 'verified' | 'held';

/** 'locked': a move that is asked for waits. 'pinned': it is refused at once, since there is nothing to wait for. */
export type LockKind = 'locked' | 'pinned';

export interface Snapshot {
  readonly state: Uint8Array;
  readonly inputOffset: number;
  readonly outputOffset: number;
  /** The application had ended its output: no FIN will be produced again. */
  readonly ended: boolean;
}

/** What the origin had produced since the snapshot, to which a replay must come again. */
export interface ExpectedOutput {
  readonly endOffset: number;
  readonly digest: Uint8Array;
}

type InputLog =
  { readonly kind: 'complete'; readonly chunks: Uint8Array[]; length: number } | { readonly kind: 'overflowed' };

type Replay =
  | { readonly kind: 'none' }
  | { readonly kind: 'verifying'; readonly expected: ExpectedOutput; readonly hash: Hash; nextMode: OutputMode }
  | { readonly kind: 'diverged' };

export interface Synchronisation {
  /** Undefined until the first `setState`: a connection that moves before begins anew, from offset zero. */
  snapshot: Snapshot | undefined;
  /** Where both streams begin for the application. */
  readonly firstInputOffset: number;
  readonly firstOutputOffset: number;
  mode: OutputMode;
  log: InputLog;
  /** Input handed to the application. */
  consumedOffset: number;
  /** Output that the application has written, suppressed bytes included. */
  writtenOffset: number;
  ended: boolean;
  suppressBelow: number;
  /** The client has our FIN already: `suppressBelow` is one beyond it. */
  peerHasEnd: boolean;
  replay: Replay;
  /** Running digest of output since the snapshot, where the mode asks for it. */
  produced: Hash | undefined;
  lock: 'open' | LockKind;
}

export function newSynchronisation(firstInputOffset: number, firstOutputOffset: number): Synchronisation {
  return {
    snapshot: undefined,
    firstInputOffset,
    firstOutputOffset,
    mode: 'live',
    log: { kind: 'complete', chunks: [], length: 0 },
    consumedOffset: firstInputOffset,
    writtenOffset: firstOutputOffset,
    ended: false,
    suppressBelow: firstOutputOffset,
    peerHasEnd: false,
    replay: { kind: 'none' },
    produced: undefined,
    lock: 'open',
  };
}

export function restartInputOffset(sync: Synchronisation): number {
  return sync.snapshot?.inputOffset ?? sync.firstInputOffset;
}

export function restartOutputOffset(sync: Synchronisation): number {
  return sync.snapshot?.outputOffset ?? sync.firstOutputOffset;
}

type InputLogLimits = Pick<MigrationLimits, 'inputLogLength' | 'inputLogCount'>;

/** Keeps Y1 as the application consumes `chunk`. */
export function logInput(sync: Synchronisation, chunk: Uint8Array, limits: InputLogLimits): void {
  sync.consumedOffset += chunk.length;
  if (sync.log.kind === 'overflowed') return;
  if (sync.log.length + chunk.length > limits.inputLogLength || sync.log.chunks.length >= limits.inputLogCount) {
    sync.log = { kind: 'overflowed' };
    return;
  }
  sync.log.chunks.push(chunk);
  sync.log.length += chunk.length;
}

/**
 * The restart point moves up to "now". `unreadLength` bytes of what was handed out are still unread by the application: they
 * stay in the log. After an overflow they are gone from it, so the log is whole again only when nothing is unread.
 */
export function takeSnapshot(sync: Synchronisation, state: Uint8Array, unreadLength: number): void {
  const inputOffset = sync.consumedOffset - unreadLength;
  sync.snapshot = { state, inputOffset, outputOffset: sync.writtenOffset, ended: sync.ended };
  if (sync.log.kind === 'overflowed') {
    if (unreadLength === 0) sync.log = { kind: 'complete', chunks: [], length: 0 };
  } else if (unreadLength > sync.log.length) {
    sync.log = { kind: 'overflowed' }; // input given back that the snapshot before had trimmed away
  } else {
    trimLog(sync.log, sync.log.length - unreadLength);
  }
  sync.produced = sync.mode === 'verified' ? createHash('sha256') : undefined;
}

function trimLog(log: Extract<InputLog, { kind: 'complete' }>, length: number): void {
  log.length -= length;
  let dropped = 0;
  while (length > 0) {
    const head = log.chunks[dropped];
    if (head === undefined) break;
    if (head.length > length) {
      log.chunks[dropped] = head.subarray(length);
      break;
    }
    length -= head.length;
    dropped++;
  }
  if (dropped > 0) log.chunks.splice(0, dropped);
}

/**
 * Output since the snapshot that was produced in another mode has not been digested: then verification begins with the next
 * snapshot. While a replay is verified the new mode waits for its end.
 */
export function setOutputMode(sync: Synchronisation, mode: OutputMode): void {
  if (sync.replay.kind === 'verifying') {
    sync.replay.nextMode = mode;
    return;
  }
  sync.mode = mode;
  if (mode !== 'verified') sync.produced = undefined;
  else if (sync.writtenOffset === restartOutputOffset(sync)) sync.produced = createHash('sha256');
}

/**
 * The application wrote `bytes`: what of them is to be sent (Y2), as a view. In a verified replay it also feeds the digest;
 * `sync.replay` is 'diverged' afterwards where it does not match.
 */
export function admitOutput(sync: Synchronisation, bytes: Uint8Array): Uint8Array {
  const start = sync.writtenOffset;
  sync.writtenOffset += bytes.length;
  sync.produced?.update(bytes);
  if (sync.replay.kind === 'verifying') verifyOutput(sync, sync.replay, bytes, start);
  if (sync.peerHasEnd && sync.writtenOffset >= sync.suppressBelow) sync.replay = { kind: 'diverged' };
  if (start >= sync.suppressBelow) return bytes;
  return bytes.subarray(Math.min(bytes.length, sync.suppressBelow - start));
}

function verifyOutput(
  sync: Synchronisation,
  replay: Extract<Replay, { kind: 'verifying' }>,
  bytes: Uint8Array,
  start: number,
): void {
  const { endOffset, digest } = replay.expected;
  replay.hash.update(bytes.subarray(0, Math.max(0, endOffset - start)));
  if (sync.writtenOffset < endOffset) return;
  sync.replay = replay.hash.digest().equals(digest) ? { kind: 'none' } : { kind: 'diverged' };
  setOutputMode(sync, replay.nextMode);
}

/**
 * The application ended its output. A replay that ends before the origin's output did, or before what the client has, has
 * diverged whatever the mode: the client holds bytes that were not produced again.
 */
export function endOutput(sync: Synchronisation): void {
  sync.ended = true;
  const clientEnd = sync.suppressBelow - (sync.peerHasEnd ? 1 : 0);
  if (sync.replay.kind === 'verifying' || sync.writtenOffset < clientEnd) sync.replay = { kind: 'diverged' };
}

/** Nothing at or beyond this offset may leave (Y3, Y4). */
export function outputLimit(sync: Synchronisation): number {
  if (sync.replay.kind !== 'none') return sync.suppressBelow;
  if (sync.mode !== 'held') return Infinity;
  // A FIN occupies the offset after the last byte; it leaves with the snapshot that covers it.
  return sync.snapshot === undefined
    ? sync.firstOutputOffset
    : sync.snapshot.outputOffset + (sync.snapshot.ended ? 1 : 0);
}

/** What a destination must produce again before anything new leaves; undefined where nobody asked for verification. */
export function expectedOutput(sync: Synchronisation): ExpectedOutput | undefined {
  if (sync.produced === undefined) return undefined;
  return { endOffset: sync.writtenOffset, digest: new Uint8Array(sync.produced.copy().digest()) };
}

/** Begins a replay that is compared with what the origin produced. */
export function expectOutput(sync: Synchronisation, expected: ExpectedOutput): void {
  setOutputMode(sync, 'verified');
  if (expected.endOffset > sync.writtenOffset) {
    sync.replay = { kind: 'verifying', expected, hash: createHash('sha256'), nextMode: 'verified' };
  }
}
