// Segment scripts: one connection, a peer played by the test, and a clock that only the test moves.
//
// Positions are offsets of the streams (0 is the first byte after SYN), so that a script reads without sequence
// arithmetic; the peer's sequence numbers start anywhere the test likes.

import { handle, openActive, openPassive, poll, read, type TcpSeed } from '@migratory/stack/internal/tcp/connection.js';
import { DEFAULT_TCP_CONFIG, type TcpConfig } from '@migratory/stack/internal/tcp/config.js';
import { initialRtt } from '@migratory/stack/internal/tcp/rtt.js';
import type { TcpEvent, TcpInput, TcpRecord } from '@migratory/stack/internal/tcp/state.js';
import type { SegmentOptions } from '@migratory/stack/internal/wire/options.js';
import { FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';
import { assertInvariants, assertNotStuck } from './tcp-invariants.js';

/** What a script looks at in a transmitted segment, as offsets. */
export interface Seen {
  /** Letters in the order S F R P . E W */
  readonly flags: string;
  readonly offset: number;
  readonly length: number;
  readonly ack: number;
  /** Bytes, unscaled field. */
  readonly window: number;
  readonly segment: Segment;
}

export interface Sent {
  readonly flags?: string;
  /** Offset in the peer's stream; default: where the peer's stream is. */
  readonly offset?: number;
  readonly ack?: number;
  readonly length?: number;
  readonly payload?: Uint8Array;
  readonly window?: number;
  readonly options?: SegmentOptions;
  /** Of its packet. */
  readonly ecn?: Segment['ecn'];
}

export interface ScriptOptions {
  readonly config?: Partial<TcpConfig>;
  readonly seed?: Partial<TcpSeed>;
  readonly peerSequence?: number;
  /** Options of the peer's SYN. */
  readonly synOptions?: SegmentOptions;
  readonly synWindow?: number;
  /** Default: S. */
  readonly synFlags?: string;
}

/** Plain segments, as most scripts want: no options, MSS 1000, and the window of RFC 5681. */
const PLAIN: Partial<TcpConfig> = {
  timestamps: false,
  windowScaling: false,
  selectiveAcknowledgments: false,
  congestionControl: 'new-reno',
  maximumSegmentSize: 1000,
};

export class Script {
  now = 1_000_000;
  readonly events: TcpEvent[] = [];
  /** Segments since `take` was last called. */
  #seen: Seen[] = [];
  until = Infinity;
  /** Where the peer's stream is, and what it acknowledges by default. */
  peerOffset = 0;
  peerAck = 0;
  peerWindow = 65_535;

  private constructor(
    readonly record: TcpRecord,
    readonly peerSequence: number,
  ) {}

  /** A connection in SYN-SENT; its SYN is what `take` gives. */
  static active(options: ScriptOptions = {}): Script {
    const seed = { initialSequence: 7000, timestampOffset: 0, ...options.seed };
    const record = openActive({ ...DEFAULT_TCP_CONFIG, ...PLAIN, ...options.config }, 1_000_000, seed);
    const script = new Script(record, options.peerSequence ?? 300_000);
    script.drain();
    return script;
  }

  /** A connection in SYN-RECEIVED; its SYN/ACK is what `take` gives. */
  static passive(options: ScriptOptions = {}): Script {
    const seed = { initialSequence: 7000, timestampOffset: 0, ...options.seed };
    const peerSequence = options.peerSequence ?? 300_000;
    const syn: Segment = {
      sequence: peerSequence,
      acknowledgment: 0,
      flags: parseFlags(options.synFlags ?? 'S'),
      window: options.synWindow ?? 65_535,
      options: options.synOptions ?? { maximumSegmentSize: 1000 },
      payload: [],
      payloadLength: 0,
    };
    const config = { ...DEFAULT_TCP_CONFIG, ...PLAIN, ...options.config };
    const script = new Script(openPassive(config, 1_000_000, syn, seed), peerSequence);
    script.peerWindow = syn.window;
    script.drain();
    return script;
  }

  /** An established connection with nothing left in `take` or `events`. */
  static established(options: ScriptOptions = {}): Script {
    const script = Script.passive(options);
    const value = options.synOptions?.timestamps?.value;
    script.inject({ ack: 0, ...(value === undefined ? {} : { options: { timestamps: { value, echo: 0 } } }) });
    // The script's handshake took no time, which is no round trip to learn from.
    Object.assign(script.record.rtt, initialRtt(script.record.config));
    script.clear();
    return script;
  }

  /** The peer sends a segment. The peer's default offset moves on with it if it stands there. */
  inject(sent: Sent): this {
    const flags = sent.flags ?? '.';
    const payload = sent.payload ?? patterned(sent.offset ?? this.peerOffset, sent.length ?? 0);
    const offset = sent.offset ?? this.peerOffset;
    const ack = sent.ack ?? this.peerAck;
    if (flags.includes('.')) this.peerAck = Math.max(this.peerAck, ack);
    if (offset === this.peerOffset) this.peerOffset += payload.length + (flags.includes('F') ? 1 : 0);
    const segment: Segment = {
      sequence: (this.peerSequence + 1 + offset) >>> 0,
      acknowledgment: flags.includes('.') ? (this.record.send.initialSequence + 1 + ack) >>> 0 : 0,
      flags: parseFlags(flags),
      window: sent.window ?? this.peerWindow,
      options: sent.options ?? {},
      payload: payload.length === 0 ? [] : [payload],
      payloadLength: payload.length,
      ...(sent.ecn === undefined ? {} : { ecn: sent.ecn }),
    };
    return this.input({ kind: 'segment', segment });
  }

  write(length: number): this {
    return this.input({ kind: 'write', bytes: patterned(this.record.send.endOffset, length) });
  }

  close(): this {
    return this.input({ kind: 'close' });
  }

  abort(): this {
    return this.input({ kind: 'abort' });
  }

  /** Time passes, and every deadline in it is met when it comes. */
  pass(ms: number): this {
    const end = this.now + ms;
    while (this.until <= end) {
      this.now = Math.max(this.now, this.until);
      this.input({ kind: 'deadline' });
    }
    this.now = end;
    return this;
  }

  input(input: TcpInput): this {
    handle(this.record, this.now, input);
    assertInvariants(this.record);
    return this.drain();
  }

  drain(): this {
    for (;;) {
      const output = poll(this.record, this.now);
      assertInvariants(this.record);
      if (output.kind === 'wait') {
        this.until = output.until;
        break;
      }
      if (output.kind === 'event') this.events.push(output.event);
      else this.#seen.push(this.#see(output.segment));
    }
    assertNotStuck(this.record);
    return this;
  }

  /** What was transmitted since the last call. */
  take(): Seen[] {
    const seen = this.#seen;
    this.#seen = [];
    return seen;
  }

  /** The same, as text: `flags offset+length ack`. */
  lines(): string[] {
    return this.take().map((seen) => `${seen.flags} ${seen.offset}+${seen.length} ack ${seen.ack}`);
  }

  clear(): this {
    this.take();
    this.events.length = 0;
    return this;
  }

  /** Everything that can be read now, then drains. */
  readAll(): Uint8Array {
    const chunks: Uint8Array[] = [];
    for (let chunk = read(this.record); chunk !== undefined; chunk = read(this.record)) chunks.push(chunk);
    this.drain();
    return Buffer.concat(chunks);
  }

  kinds(): string[] {
    return this.events.map((event) => (event.kind === 'closed' ? `closed ${event.reason}` : event.kind));
  }

  #see(segment: Segment): Seen {
    return {
      flags: printFlags(segment.flags),
      offset: (segment.sequence - this.record.send.initialSequence - 1) | 0,
      length: segment.payloadLength,
      ack: (segment.flags & FLAG.ack) === 0 ? 0 : (segment.acknowledgment - this.peerSequence - 1) | 0,
      window: segment.window,
      segment,
    };
  }
}

const LETTERS: readonly (readonly [string, number])[] = [
  ['S', FLAG.syn],
  ['F', FLAG.fin],
  ['R', FLAG.rst],
  ['P', FLAG.psh],
  ['.', FLAG.ack],
  ['E', FLAG.ece],
  ['W', FLAG.cwr],
];

function parseFlags(letters: string): number {
  return LETTERS.reduce((flags, [letter, bit]) => (letters.includes(letter) ? flags | bit : flags), 0);
}

function printFlags(flags: number): string {
  return LETTERS.map(([letter, bit]) => ((flags & bit) !== 0 ? letter : '')).join('');
}

/** Bytes that tell their own place in a stream. */
export function patterned(offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = byteAt(offset + index);
  return bytes;
}

function byteAt(offset: number): number {
  return (offset * 31 + Math.floor(offset / 251)) & 0xff;
}
