// One bulk transfer over a simulated path: a link of a certain rate with a queue before it, a delay, and random loss of data.
//
// Acknowledgments come back after the same delay and are never lost. All that happens is a function of the seed.

import { handle, openActive, openPassive, poll, read } from '@migratory/stack/internal/tcp/connection.js';
import { DEFAULT_TCP_CONFIG, type TcpConfig } from '@migratory/stack/internal/tcp/config.js';
import type { TcpInput, TcpRecord } from '@migratory/stack/internal/tcp/state.js';
import type { Segment } from '@migratory/stack/internal/wire/segment.js';
import { Dice } from '../fuzz/dice.js';

export interface Path {
  readonly roundTripMs: number;
  /** Of the segments with data, in every hundred. */
  readonly lossPercent: number;
  readonly rateMbitPerSecond: number;
  /** 'mark': what may be marked (RFC 3168) is not lost but marked; default 'loss'. */
  readonly signal?: 'loss' | 'mark';
}

export interface Manner {
  readonly congestionControl: TcpConfig['congestionControl'];
  readonly selectiveAcknowledgments: boolean;
}

export interface Result {
  readonly goodputMbitPerSecond: number;
  readonly timeouts: number;
  /** Of all bytes that were sent, those that were sent again. */
  readonly repeatedPercent: number;
}

/** Headers of IP and TCP, with timestamps. */
const OVERHEAD_LENGTH = 52;
const CHUNK = new Uint8Array(64 * 1024);
const BUFFERED_LENGTH = 2 * 1024 * 1024;

interface End {
  readonly record: TcpRecord;
  until: number;
}

interface Flying {
  readonly at: number;
  readonly segment: Segment;
}

/** What has left and not arrived, in order. */
class Line {
  readonly #flying: Flying[] = [];
  #head = 0;

  get nextAt(): number {
    return this.#flying[this.#head]?.at ?? Infinity;
  }

  push(at: number, segment: Segment): void {
    this.#flying.push({ at, segment });
  }

  shift(): Segment | undefined {
    const first = this.#flying[this.#head++];
    if (this.#head > 1024) this.#flying.splice(0, this.#head);
    if (this.#head > 1024) this.#head = 0;
    return first?.segment;
  }
}

export class Transfer {
  #now = 1_000;
  readonly #path: Path;
  readonly #dice: Dice;
  readonly #data = new Line();
  readonly #answers = new Line();
  readonly #sender: End;
  #receiver: End | undefined;
  readonly #config: TcpConfig;
  #linkFreeAt = 0;
  #receivedLength = 0;
  #sentLength = 0;
  #timeouts = 0;

  constructor(path: Path, manner: Manner, seed: number) {
    this.#path = path;
    this.#dice = new Dice(seed);
    this.#config = {
      ...DEFAULT_TCP_CONFIG,
      ...manner,
      explicitCongestion: path.signal === 'mark' ? 'offered' : 'off',
      initialReceiveWindowLength: DEFAULT_TCP_CONFIG.receiveBufferLength,
    };
    const seeds = { initialSequence: 7, timestampOffset: 11 };
    this.#sender = { record: openActive(this.#config, this.#now, seeds), until: Infinity };
    this.#drain(this.#sender);
  }

  /** Sends as much as it can for so long. */
  run(ms: number): Result {
    const end = this.#now + ms;
    for (;;) {
      const timer = Math.min(this.#sender.until, this.#receiver?.until ?? Infinity);
      const next = Math.min(timer, this.#data.nextAt, this.#answers.nextAt);
      if (next > end) break;
      this.#now = Math.max(this.#now, next);
      if (this.#data.nextAt <= next) this.#arrive(this.#data.shift() as Segment);
      else if (this.#answers.nextAt <= next) this.#input(this.#sender, this.#answers.shift() as Segment);
      else this.#due(next);
      this.#fill();
    }
    const acknowledgedLength = Math.max(1, this.#sender.record.send.highestOffset);
    return {
      goodputMbitPerSecond: (this.#receivedLength * 8) / ms / 1000,
      timeouts: this.#timeouts,
      repeatedPercent: (100 * (this.#sentLength - acknowledgedLength)) / this.#sentLength,
    };
  }

  #due(at: number): void {
    for (const end of [this.#sender, this.#receiver]) {
      if (end !== undefined && end.until <= at) this.#take(end, { kind: 'deadline' });
    }
  }

  /** The user always has more to write. */
  #fill(): void {
    const { send, state } = this.#sender.record;
    if (state !== 'established' || send.endOffset - send.unacknowledgedOffset > BUFFERED_LENGTH) return;
    this.#take(this.#sender, { kind: 'write', bytes: CHUNK });
  }

  #arrive(segment: Segment): void {
    if (this.#receiver !== undefined) {
      this.#input(this.#receiver, segment);
      return;
    }
    const record = openPassive(this.#config, this.#now, segment, { initialSequence: 3, timestampOffset: 5 });
    this.#receiver = { record, until: Infinity };
    this.#drain(this.#receiver);
  }

  #input(end: End, segment: Segment): void {
    this.#take(end, { kind: 'segment', segment });
  }

  #take(end: End, input: TcpInput): void {
    handle(end.record, this.#now, input);
    this.#drain(end);
  }

  #drain(end: End): void {
    for (;;) {
      const output = poll(end.record, this.#now);
      if (output.kind === 'wait') {
        end.until = output.until;
        return;
      }
      if (output.kind === 'transmit') this.#transmit(end, output.segment);
      else if (output.event.kind === 'readable') this.#readAll(end);
      else if (output.event.kind === 'retransmission-timeout') this.#timeouts++;
    }
  }

  #readAll({ record }: End): void {
    for (let chunk = read(record); chunk !== undefined; chunk = read(record)) this.#receivedLength += chunk.length;
  }

  #transmit(end: End, segment: Segment): void {
    const { roundTripMs, lossPercent, rateMbitPerSecond, signal } = this.#path;
    if (end !== this.#sender) {
      this.#answers.push(this.#now + roundTripMs / 2, segment);
      return;
    }
    this.#sentLength += segment.payloadLength;
    const isStruck = segment.payloadLength > 0 && this.#dice.below(100_000) < lossPercent * 1000;
    const isMarked = isStruck && signal === 'mark' && segment.ecn === 'capable';
    if (isStruck && !isMarked) return;
    const sendingMs = ((segment.payloadLength + OVERHEAD_LENGTH) * 8) / (rateMbitPerSecond * 1000);
    // The queue holds what the link carries in a round trip.
    if (this.#linkFreeAt - this.#now > roundTripMs) return;
    this.#linkFreeAt = Math.max(this.#linkFreeAt, this.#now) + sendingMs;
    const arriving = isMarked ? { ...segment, ecn: 'experienced' as const } : segment;
    this.#data.push(this.#linkFreeAt + roundTripMs / 2, arriving);
  }
}
