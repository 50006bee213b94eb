// A connection without a network: what a handler sees of the stack, and a client that outlives every member.
//
// It keeps the rules of state synchronisation (DESIGN section 5) and nothing else of TCP. Input arrives and output is
// delivered only when the test says so. `move` makes the destination's connection: reads begin at the snapshot's input
// offset, writes at its output offset, and what the client has already is suppressed, after a look that it is the same.

import { Duplex } from 'node:stream';
import type { Address, ConnectionState, StageConnection } from '@migratory/framework';

interface Snapshot {
  readonly bytes: Uint8Array;
  readonly inputOffset: number;
  readonly outputOffset: number;
}

/** The client's end of the connection: the same one at whatever member it is served. */
export class FakeClient {
  /** All that the client will ever send; its stream ends after it. */
  readonly input: Buffer;
  /** How much of it has reached any member. */
  arrivedOffset = 0;
  received = Buffer.alloc(0);
  receivedEnd: 'open' | 'ended' = 'open';

  constructor(input: Uint8Array | string) {
    this.input = Buffer.from(input);
  }
}

export class FakeConnection extends Duplex implements StageConnection {
  readonly remoteAddress: Address = { ip: '192.0.2.7', port: 40_000 };
  readonly cid = '00112233aabbccdd';
  readonly epoch: number;
  readonly imageLength: number;
  readonly client: FakeClient;
  readonly #arrival: Snapshot | undefined;
  /** Every state that was set, in order. */
  readonly states: Uint8Array[] = [];
  #snapshot: Snapshot | undefined;
  #pushedOffset: number;
  #inputEnd: 'open' | 'ended' = 'open';
  /** Where `#output` begins in the stream. */
  readonly #outputBase: number;
  #output: Buffer;
  #unfinished: (() => void)[] = [];

  constructor(client: FakeClient, arrival?: { snapshot: Snapshot; epoch: number; carriedOutput: Buffer }) {
    super({ allowHalfOpen: true, readableHighWaterMark: 256, writableHighWaterMark: 64 });
    this.client = client;
    this.#arrival = arrival?.snapshot;
    this.#snapshot = arrival?.snapshot;
    this.epoch = arrival?.epoch ?? 0;
    this.imageLength = arrival === undefined ? 0 : arrival.snapshot.bytes.length + arrival.carriedOutput.length;
    this.#pushedOffset = arrival?.snapshot.inputOffset ?? 0;
    this.#output = arrival?.carriedOutput ?? Buffer.alloc(0);
    this.#outputBase = (arrival?.snapshot.outputOffset ?? 0) - this.#output.length;
    this.arrive(0);
  }

  getState(): ConnectionState {
    return this.#arrival === undefined ? { kind: 'new' } : { kind: 'migrated', state: this.#arrival.bytes };
  }

  setState(state: Uint8Array): void {
    const bytes = Uint8Array.from(state);
    this.states.push(bytes);
    this.#snapshot = {
      bytes,
      inputOffset: this.#pushedOffset - this.readableLength,
      outputOffset: this.#outputBase + this.#output.length,
    };
  }

  amendState(state: Uint8Array): void {
    if (this.#snapshot !== undefined) this.#snapshot = { ...this.#snapshot, bytes: Uint8Array.from(state) };
  }

  lockState(): 'here' | 'migrated' {
    return 'here';
  }

  unlockState(): void {
    // Moves when the test says so.
  }

  setOutputMode(): void {
    // Everything is live here.
  }

  adviseMove(): void {
    // Moves when the test says so.
  }

  /** `length` more bytes of the client's stream arrive, or what is left of it and its end. */
  arrive(length: number): void {
    const { client } = this;
    client.arrivedOffset = Math.min(client.input.length, client.arrivedOffset + length);
    const bytes = client.input.subarray(this.#pushedOffset, client.arrivedOffset);
    this.#pushedOffset = client.arrivedOffset;
    if (bytes.length > 0) this.push(bytes);
    if (length > 0 && client.arrivedOffset === client.input.length && this.#inputEnd === 'open') {
      this.#inputEnd = 'ended';
      this.push(null);
    }
  }

  /** The client receives `length` more bytes of what has been written, or what there is. */
  deliver(length: number): void {
    const from = this.client.received.length - this.#outputBase;
    this.client.received = Buffer.concat([this.client.received, this.#output.subarray(from, from + length)]);
    if (this.client.received.length < this.#outputBase + this.#output.length) return;
    const finished = this.#unfinished;
    this.#unfinished = [];
    for (const finish of finished) finish();
  }

  /** The connection leaves; the answer is the destination's. */
  move(): FakeConnection {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) throw new Error('The connection moves before any snapshot.');
    const owed = this.#output.subarray(
      Math.max(0, this.client.received.length - this.#outputBase),
      Math.max(0, snapshot.outputOffset - this.#outputBase),
    );
    this.emit('moved', { to: 2, epoch: this.epoch + 1 });
    this.destroy();
    const carriedOutput = Buffer.from(owed);
    return new FakeConnection(this.client, { snapshot, epoch: this.epoch + 1, carriedOutput });
  }

  override _read(): void {
    // Input arrives when the test says so.
  }

  /** Takes the bytes at the call, not when the Duplex's queue gets to them: a snapshot covers what is in the queue too. */
  override write(chunk: Buffer): boolean {
    const at = this.#outputBase + this.#output.length;
    const regenerated = this.client.received.subarray(at, at + chunk.length);
    if (!regenerated.equals(chunk.subarray(0, regenerated.length))) {
      throw new Error(`Regenerated output differs at offset ${at}.`);
    }
    this.#output = Buffer.concat([this.#output, chunk]);
    return super.write(chunk);
  }

  override _write(_chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#unfinished.push(callback);
  }

  override _final(callback: () => void): void {
    this.#unfinished.push(() => {
      this.client.receivedEnd = 'ended';
      callback();
    });
  }
}
