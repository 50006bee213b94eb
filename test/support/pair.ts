// Two connections, one clock that the test owns, and a wire that the test programs.
//
// Every segment travels as bytes, through the codec of wire/. A rule says for each packet after how many milliseconds its
// copies arrive: `[5]` is an ordinary wire, `[]` a loss, `[5, 9]` a duplicate, a longer delay than the next one's a
// reordering.

import { handle, openActive, openPassive, poll, read } from '@migratory/stack/internal/tcp/connection.js';
import { DEFAULT_TCP_CONFIG, type TcpConfig } from '@migratory/stack/internal/tcp/config.js';
import type { TcpEvent, TcpInput, TcpRecord } from '@migratory/stack/internal/tcp/state.js';
import { decodeSegment, encodeSegmentHeader, FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';
import { assertInvariants, assertNotStuck } from './tcp-invariants.js';

export type Side = 'client' | 'server';

export interface Packet {
  readonly from: Side;
  /** How many packets this side had sent before. */
  readonly index: number;
  readonly segment: Segment;
}

export type WireRule = (packet: Packet) => readonly number[];

export interface PairOptions {
  readonly client?: Partial<TcpConfig>;
  readonly server?: Partial<TcpConfig>;
  readonly clientSequence?: number;
  readonly serverSequence?: number;
  readonly rule?: WireRule;
  /** Which of the packets that may be marked are (RFC 3168). */
  readonly marks?: (packet: Packet) => boolean;
}

export class End {
  record: TcpRecord | undefined;
  readonly events: TcpEvent[] = [];
  readonly sent: Segment[] = [];
  readonly received: Uint8Array[] = [];
  receivedLength = 0;
  ended = false;
  until = Infinity;
  /** 'reading' takes everything as it comes; 'idle' leaves it in the connection. */
  mode: 'reading' | 'idle' = 'reading';

  constructor(readonly side: Side) {}

  bytes(): Buffer {
    return Buffer.concat(this.received);
  }

  /** The record of an end that is known to be open. */
  get open(): TcpRecord {
    if (this.record === undefined) throw new Error(`the ${this.side} has no connection yet`);
    return this.record;
  }
}

interface Flight {
  readonly at: number;
  readonly order: number;
  readonly to: Side;
  readonly bytes: Uint8Array;
  readonly ecn: Segment['ecn'];
}

export class Pair {
  now = 5_000_000;
  rule: WireRule;
  readonly client = new End('client');
  readonly server = new End('server');
  readonly #options: PairOptions;
  #flights: Flight[] = [];
  #order = 0;

  constructor(options: PairOptions = {}) {
    this.#options = options;
    this.rule = options.rule ?? (() => [5]);
    const config = { ...DEFAULT_TCP_CONFIG, ...options.client };
    const seed = { initialSequence: options.clientSequence ?? 1_000, timestampOffset: 77 };
    this.client.record = openActive(config, this.now, seed);
    this.drain(this.client);
  }

  /** An established pair. */
  static connected(options: PairOptions = {}): Pair {
    const pair = new Pair(options);
    pair.run(60_000, () => pair.client.record?.state === 'established' && pair.server.record?.state === 'established');
    return pair;
  }

  end(side: Side): End {
    return side === 'client' ? this.client : this.server;
  }

  input(end: End, input: TcpInput): void {
    handle(end.open, this.now, input);
    assertInvariants(end.open);
    this.drain(end);
  }

  write(end: End, bytes: Uint8Array): void {
    this.input(end, { kind: 'write', bytes });
  }

  close(end: End): void {
    this.input(end, { kind: 'close' });
  }

  /** Polls until 'wait'; data is read as soon as it is told, in mode 'reading'. */
  drain(end: End): void {
    for (;;) {
      const output = poll(end.open, this.now);
      assertInvariants(end.open);
      if (output.kind === 'wait') {
        end.until = output.until;
        break;
      }
      if (output.kind === 'transmit') this.#transmit(end, output.segment);
      else this.#event(end, output.event);
    }
    assertNotStuck(end.open);
  }

  /** Runs for at most `ms` of the pair's time, or until `done`; answers whether `done` was reached. */
  run(ms: number, done: () => boolean = () => false): boolean {
    const end = this.now + ms;
    while (!done()) {
      const flight = this.#flights[0];
      const next = Math.min(flight?.at ?? Infinity, this.client.until, this.server.until);
      if (next > end) {
        this.now = end;
        return done();
      }
      this.now = Math.max(this.now, next);
      if (flight !== undefined && flight.at <= next) {
        this.#flights.shift();
        this.#deliver(flight);
      } else {
        this.input(this.client.until <= next ? this.client : this.server, { kind: 'deadline' });
      }
    }
    return true;
  }

  readAll(end: End): void {
    for (let chunk = read(end.open); chunk !== undefined; chunk = read(end.open)) {
      end.received.push(chunk);
      end.receivedLength += chunk.length;
    }
  }

  #event(end: End, event: TcpEvent): void {
    end.events.push(event);
    if (event.kind === 'readable' && end.mode === 'reading') this.readAll(end);
    if (event.kind === 'end-of-input') end.ended = true;
  }

  #transmit(from: End, segment: Segment): void {
    const index = from.sent.length;
    from.sent.push(segment);
    const bytes = Buffer.concat([encodeSegmentHeader(segment), ...segment.payload]);
    const packet = { from: from.side, index, segment };
    const isMarked = segment.ecn === 'capable' && this.#options.marks?.(packet) === true;
    const ecn = isMarked ? 'experienced' : segment.ecn;
    for (const delay of this.rule(packet)) {
      const to = from.side === 'client' ? 'server' : 'client';
      this.#flights.push({ at: this.now + delay, order: this.#order++, to, bytes, ecn });
    }
    this.#flights.sort((a, b) => a.at - b.at || a.order - b.order);
  }

  #deliver({ to, bytes, ecn }: Flight): void {
    const decoded = decodeSegment(bytes);
    if (decoded.kind !== 'segment') throw new Error(`a segment of ours does not decode: ${decoded.reason}`);
    const end = this.end(to);
    if (end.record === undefined) {
      if ((decoded.segment.flags & (FLAG.syn | FLAG.ack | FLAG.rst)) !== FLAG.syn) return;
      const config = { ...DEFAULT_TCP_CONFIG, ...this.#options.server };
      const seed = { initialSequence: this.#options.serverSequence ?? 900_000, timestampOffset: 123_456 };
      end.record = openPassive(config, this.now, decoded.segment, seed);
      this.drain(end);
      return;
    }
    const segment = ecn === undefined ? decoded.segment : { ...decoded.segment, ecn };
    this.input(end, { kind: 'segment', segment });
  }
}
