// A connection without a network: what a handler sees of the stack, and a client that outlives every member.
//
// It keeps the rules of state synchronisation (DESIGN section 5) and nothing else of TCP. Input arrives and output is
// delivered only when somebody says so. `move` and `crash` make the destination's connection: reads begin at the snapshot's
// input offset, writes at its output offset, and what the client has already is suppressed.
//   F1. What is written again in the place of bytes that the client has must be the same bytes; in mode 'verified' also in
//       the place of those that only the origin had. The first difference is kept, and resets the connection.
//   F2. In mode 'held', and until a verified replay has come as far as the origin, nothing beyond the last snapshot is
//       delivered, and nobody waits for room for it.
//   F3. While locked the connection stays: a move that is asked for happens in `unlockState` (S7). A crash asks nobody.
//   F4. A connection whose member has died does nothing any more, and nothing that is done with it has an effect.

import { Duplex } from 'node:stream';
import { ReplayDiverged, type Address, type OutputMode } from '@migratory/stack';
import type { ConnectionState, StageConnection } from '../runtime/stage-connection.js';

interface Snapshot {
  readonly bytes: Uint8Array;
  readonly inputOffset: number;
  readonly outputOffset: number;
  /** Our half of the stream had been ended. */
  readonly output: 'open' | 'ended';
}

/** Bytes that were written in the place of others. */
export interface RegeneratedDifference {
  readonly offset: number;
  /** From `offset` on, as far as they are known. */
  readonly had: Uint8Array;
  readonly got: Uint8Array;
}

/** The client's end of the connection: the same one at whatever member it is served. */
export class FakeClient {
  /** All that the client has sent or will send. */
  input: Buffer;
  inputEnd: 'more-to-come' | 'complete';
  /** How much of it has reached any member. */
  arrivedOffset = 0;
  received = Buffer.alloc(0);
  receivedEnd: 'open' | 'ended' = 'open';
  /** The first output that was not what it had been (F1). */
  difference: RegeneratedDifference | undefined;

  /** `input` is all that it will ever send, and its stream ends after it; unless there is more to come. */
  constructor(input: Uint8Array | string, inputEnd: 'more-to-come' | 'complete' = 'complete') {
    this.input = Buffer.from(input);
    this.inputEnd = inputEnd;
  }

  /** Where there is more to come: sends it. */
  send(bytes: Uint8Array): void {
    this.input = Buffer.concat([this.input, bytes]);
  }
}

/** What a connection that comes from another member brings along. */
interface Arrival {
  readonly snapshot: Snapshot;
  readonly epoch: number;
  /** Output before the snapshot that the client has not got. */
  readonly owed: Buffer;
  /** Output behind the snapshot to which the replay must come again. */
  readonly expected: Buffer;
}

export class FakeConnection extends Duplex implements StageConnection {
  readonly remoteAddress: Address = { ip: '192.0.2.7', port: 40_000 };
  readonly cid = '00112233aabbccdd';
  readonly epoch: number;
  readonly imageLength: number;
  readonly client: FakeClient;
  /** Every state that was set, in order. */
  readonly states: Uint8Array[] = [];
  /** The members to which the client was advised to move; it doesn't. */
  readonly advice: number[] = [];
  readonly #arrival: Snapshot | undefined;
  readonly #expected: Buffer;
  #snapshot: Snapshot | undefined;
  #pushedOffset: number;
  #inputEnd: 'open' | 'ended' = 'open';
  /** Where `#output` begins in the stream. */
  readonly #outputBase: number;
  #output: Buffer;
  #outputEnd: 'open' | 'ended' = 'open';
  #unfinished: (() => void)[] = [];
  #mode: OutputMode = 'live';
  #lock: 'open' | 'locked' = 'open';
  #presence: 'here' | 'departed' | 'dead' = 'here';
  #waitingMove: ((destination: FakeConnection) => void) | undefined;

  constructor(client: FakeClient, arrival?: Arrival) {
    super({ allowHalfOpen: true, readableHighWaterMark: 256, writableHighWaterMark: 64 });
    this.client = client;
    this.#arrival = arrival?.snapshot;
    this.#snapshot = arrival?.snapshot;
    this.#expected = arrival?.expected ?? Buffer.alloc(0);
    this.epoch = arrival?.epoch ?? 0;
    this.imageLength = arrival === undefined ? 0 : arrival.snapshot.bytes.length + arrival.owed.length;
    this.#pushedOffset = arrival?.snapshot.inputOffset ?? 0;
    this.#output = arrival?.owed ?? Buffer.alloc(0);
    this.#outputBase = (arrival?.snapshot.outputOffset ?? 0) - this.#output.length;
    this.arrive(0);
    if (arrival?.snapshot.output === 'ended') this.end();
  }

  get #endOffset(): number {
    return this.#outputBase + this.#output.length;
  }

  /** Whether the member is alive and has the connection. */
  get isHere(): boolean {
    return this.#presence === 'here' && !this.destroyed;
  }

  /** Whether all of the client's stream and its end have arrived. */
  get inputHasEnded(): boolean {
    return this.#inputEnd === 'ended';
  }

  get unacknowledgedLength(): number {
    return Math.max(0, this.#endOffset - this.client.received.length);
  }

  /** Bytes written that may leave and that the client has not got. */
  get deliverableLength(): number {
    return Math.max(0, this.#deliverableOffset - this.client.received.length);
  }

  /** Whether `deliver` would have any effect. */
  get canDeliver(): boolean {
    if (this.deliverableLength > 0) return true;
    const isAllDelivered = this.client.received.length >= this.#endOffset;
    return isAllDelivered && (this.#unfinished.length > 0 || this.#endIsOwed);
  }

  get #endIsOwed(): boolean {
    if (this.#outputEnd === 'open' || this.client.receivedEnd === 'ended') return false;
    return this.#mode !== 'held' || this.#snapshot?.output === 'ended'; // F2
  }

  get #isVerifying(): boolean {
    const restart = this.#arrival?.outputOffset ?? 0;
    return this.#snapshot === this.#arrival && this.#endOffset < restart + this.#expected.length;
  }

  get #deliverableOffset(): number {
    if (this.#mode !== 'held' && !this.#isVerifying) return this.#endOffset;
    return Math.min(this.#endOffset, this.#snapshot?.outputOffset ?? 0); // F2
  }

  getState(): ConnectionState {
    return this.#arrival === undefined ? { kind: 'new' } : { kind: 'migrated', state: this.#arrival.bytes };
  }

  setState(state: Uint8Array): void {
    if (this.#presence !== 'here') return; // F4
    const bytes = Uint8Array.from(state);
    this.states.push(bytes);
    this.#snapshot = {
      bytes,
      inputOffset: this.#pushedOffset - this.readableLength,
      outputOffset: this.#endOffset,
      output: this.writableEnded ? 'ended' : 'open',
    };
  }

  amendState(state: Uint8Array): void {
    if (this.#presence !== 'here' || this.#snapshot === undefined) return;
    this.#snapshot = { ...this.#snapshot, bytes: Uint8Array.from(state) };
  }

  /** A move is asked for again when the lock opens, of whatever kind it is: that is what an insistent client does. */
  lockState(): 'here' | 'migrated' {
    if (this.#presence === 'departed') return 'migrated';
    this.#lock = 'locked';
    return 'here';
  }

  unlockState(): void {
    this.#lock = 'open';
    const arrived = this.#waitingMove;
    this.#waitingMove = undefined;
    if (arrived !== undefined && this.isHere) arrived(this.move());
  }

  adviseMove(to: number): void {
    this.advice.push(to);
  }

  setOutputMode(mode: OutputMode): void {
    this.#mode = mode;
    if (mode === 'held') this.#releaseWrites();
  }

  /** `length` more bytes of the client's stream arrive, or what is left of it and its end. */
  arrive(length: number): void {
    const { client } = this;
    client.arrivedOffset = Math.min(client.input.length, client.arrivedOffset + length);
    const bytes = client.input.subarray(this.#pushedOffset, client.arrivedOffset);
    this.#pushedOffset = client.arrivedOffset;
    if (bytes.length > 0) this.push(bytes);
    if (length === 0 || client.inputEnd === 'more-to-come') return;
    if (client.arrivedOffset === client.input.length && this.#inputEnd === 'open') {
      this.#inputEnd = 'ended';
      this.push(null);
    }
  }

  /** The client receives `length` more bytes of what has been written, or what there is and may leave. */
  deliver(length: number): void {
    if (length === 0) return;
    const { client } = this;
    const from = client.received.length - this.#outputBase;
    const to = Math.min(from + length, this.#deliverableOffset - this.#outputBase);
    if (to > from) client.received = Buffer.concat([client.received, this.#output.subarray(from, to)]);
    if (client.received.length < this.#endOffset) return;
    if (this.#endIsOwed) client.receivedEnd = 'ended';
    this.#releaseWrites();
  }

  #releaseWrites(): void {
    const finished = this.#unfinished;
    this.#unfinished = [];
    for (const finish of finished) finish();
  }

  /** The connection leaves now; the answer is the destination's. Throws where it is locked: see `requestMove`. */
  move(): FakeConnection {
    if (this.#lock === 'locked') throw new Error('The connection is locked: it stays until unlockState.'); // F3
    const destination = this.#destination(this.#expectation());
    this.#presence = 'departed';
    this.emit('moved', { to: 2, epoch: this.epoch + 1 });
    this.destroy();
    return destination;
  }

  /** The connection leaves now, or as soon as it is not locked; `arrived` gets the destination's. */
  requestMove(arrived: (destination: FakeConnection) => void): void {
    if (this.#lock === 'locked') this.#waitingMove = arrived;
    else arrived(this.move());
  }

  /** The member dies, and tells nobody; the answer is the connection at the one that has its snapshots. */
  crash(): FakeConnection {
    const destination = this.#destination(Buffer.alloc(0));
    this.#presence = 'dead';
    return destination;
  }

  #destination(expected: Buffer): FakeConnection {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) throw new Error('The connection leaves before any snapshot.');
    const owed = this.#output.subarray(
      Math.max(0, this.client.received.length - this.#outputBase),
      Math.max(0, snapshot.outputOffset - this.#outputBase),
    );
    return new FakeConnection(this.client, { snapshot, epoch: this.epoch + 1, owed: Buffer.from(owed), expected });
  }

  /** In mode 'verified': what has been written since the snapshot, or was to be written again. */
  #expectation(): Buffer {
    if (this.#mode !== 'verified') return Buffer.alloc(0);
    const written = this.#output.subarray((this.#snapshot?.outputOffset ?? 0) - this.#outputBase);
    const isReplay = this.#snapshot === this.#arrival && written.length < this.#expected.length;
    return isReplay ? this.#expected : Buffer.from(written);
  }

  override _read(): void {
    // Input arrives when somebody says so.
  }

  /** Takes the bytes at the call, not when the Duplex's queue gets to them: a snapshot covers what is in the queue too. */
  override write(chunk: Buffer): boolean {
    if (this.#presence !== 'here') return false;
    if (!this.#isAsBefore(chunk)) return false;
    this.#output = Buffer.concat([this.#output, chunk]);
    return super.write(chunk) || this.#mode === 'held';
  }

  /** F1. */
  #isAsBefore(chunk: Uint8Array): boolean {
    const at = this.#endOffset;
    const { received, receivedEnd } = this.client;
    const expected = this.#expected.subarray(at - (this.#arrival?.outputOffset ?? 0));
    const known = expected.length > 0 ? expected : received.subarray(at);
    const overlap = Math.min(known.length, chunk.length);
    let length = known.subarray(0, overlap).equals(chunk.subarray(0, overlap)) ? overlap : 0;
    while (length < known.length && length < chunk.length && known[length] === chunk[length]) length++;
    const isBeyondEnd = receivedEnd === 'ended' && at + chunk.length > received.length;
    if ((length === known.length && !isBeyondEnd) || length === chunk.length) return true;
    this.#differ({ offset: at + length, had: known.subarray(length), got: chunk.subarray(length) });
    return false;
  }

  #differ(difference: RegeneratedDifference): void {
    this.client.difference ??= difference;
    this.destroy(new ReplayDiverged());
  }

  override _write(_chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#whenDelivered(callback);
  }

  override _final(callback: () => void): void {
    const missing = this.client.received.subarray(this.#endOffset);
    if (missing.length > 0) {
      this.#differ({ offset: this.#endOffset, had: missing, got: Buffer.alloc(0) });
      return callback();
    }
    this.#outputEnd = 'ended';
    this.#whenDelivered(callback);
  }

  #whenDelivered(callback: () => void): void {
    if (this.#mode === 'held' || this.#isVerifying) callback();
    else this.#unfinished.push(callback); // F2
  }
}
