// One life of two connections that talk to each other, while somebody changes, repeats, drops and makes up segments.
//
// Every draw comes from the life's seed, so a failing one is repeated by its number alone. After each input the record's
// invariants are looked at, and that nothing grows beyond what its limits allow. Now and then a record is copied as the plain
// data that it is, in whatever state it is in, and the copy must go on exactly as the original does.

import { isDeepStrictEqual } from 'node:util';
import {
  handle,
  openActive,
  openPassive,
  poll,
  read,
  resume,
  suspend,
} from '@migratory/stack/internal/tcp/connection.js';
import { DEFAULT_TCP_CONFIG, type TcpConfig } from '@migratory/stack/internal/tcp/config.js';
import { freezable } from '@migratory/stack/internal/tcp/freeze.js';
import type { TcpInput, TcpRecord, TcpState } from '@migratory/stack/internal/tcp/state.js';
import { FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';
import { assertInvariants, assertNotStuck } from '../support/tcp-invariants.js';
import { Dice } from './dice.js';
import { changeBytes, changeSegment, inventReport, inventSegment } from './mutation.js';

/** Steps of one life, at most. */
const MAX_STEP_COUNT = 400;
const STEPS_PER_TWIN = 500;
/** Segments on the wire at once, to each side; the oldest is lost. */
const MAX_WIRE_COUNT = 64;
/** Outputs for one input: a window of tiny segments, and some more. */
const MAX_OUTPUT_COUNT = 3000;
const WRITTEN = new Uint8Array(6000).fill(7);

interface Side {
  record: TcpRecord | undefined;
  /** A copy of the record, made some time ago, that has had the same inputs since. */
  twin: TcpRecord | undefined;
  readonly config: TcpConfig;
  readonly wire: Segment[];
  until: number;
}

export interface Tally {
  segments: number;
  readonly states: Map<TcpState, number>;
  /** Inputs in each phase of loss, with selective acknowledgments and without. */
  readonly phases: Map<string, number>;
  /** Copies that went on beside their originals. */
  twins: number;
}

export function newTally(): Tally {
  return { segments: 0, states: new Map(), phases: new Map(), twins: 0 };
}

function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

export class Life {
  now = 1_000_000;
  readonly #dice: Dice;
  readonly #tally: Tally;
  readonly #sides: readonly [Side, Side];

  constructor(seed: number, tally: Tally) {
    this.#dice = new Dice(seed);
    this.#tally = tally;
    this.#sides = [this.#side(), this.#side()];
    const [client] = this.#sides;
    const initialSequence = this.#dice.once(2) ? this.#dice.bits() : (2 ** 32 - this.#dice.below(5000)) >>> 0;
    client.record = openActive(client.config, this.now, { initialSequence, timestampOffset: this.#dice.bits() });
    this.#drain(0);
  }

  /** Runs until both are closed, or for long enough. Throws where an invariant is broken. */
  run(): void {
    // Now and then nothing disturbs them at first, so that they come far.
    const quietSteps = this.#dice.once(2) ? this.#dice.below(60) : 0;
    for (let step = 0; step < MAX_STEP_COUNT; step++) {
      this.#step(this.#dice.once(2) ? 0 : 1, step < quietSteps);
      if (this.#sides.every(({ record }) => record?.state === 'closed')) return;
    }
  }

  #side(): Side {
    const dice = this.#dice;
    const config: TcpConfig = {
      ...DEFAULT_TCP_CONFIG,
      maximumSegmentSize: dice.oneOf([100, 536, 1460]),
      maxSuperSegmentLength: dice.oneOf([0, 0, 8000]),
      receiveBufferLength: dice.oneOf([500, 5000, 40_000]),
      initialReceiveWindowLength: 20_000,
      maxOutOfOrderCount: dice.oneOf([2, 50]),
      maxFlightRangeCount: dice.oneOf([2, 8, 100]),
      sendBufferLength: 20_000,
      noDelay: dice.once(2),
      timestamps: !dice.once(3),
      windowScaling: !dice.once(3),
      selectiveAcknowledgments: !dice.once(4),
      explicitCongestion: dice.oneOf(['off', 'accepted', 'offered', 'offered'] as const),
      congestionControl: dice.oneOf(['cubic', 'new-reno'] as const),
      keepAliveIdleMs: dice.oneOf([Infinity, 30_000]),
      userTimeoutMs: 60_000,
    };
    return { record: undefined, twin: undefined, config, wire: [], until: Infinity };
  }

  #step(index: 0 | 1, quiet: boolean): void {
    const dice = this.#dice;
    const side = this.#sides[index];
    if (side.record !== undefined && side.twin === undefined && dice.once(STEPS_PER_TWIN)) {
      side.twin = structuredClone(side.record);
      this.#tally.twins++;
    }
    const draw = dice.below(100);
    if (draw < 55) this.#traffic(index, side, quiet);
    else if (draw < 62) this.#pass();
    else if (side.record !== undefined) this.#use(index, side.record, draw);
  }

  #traffic(index: 0 | 1, side: Side, quiet: boolean): void {
    const dice = this.#dice;
    const { record } = side;
    const next = side.wire.shift();
    const fate = quiet ? 0 : dice.below(20);
    if (record === undefined) {
      if (next !== undefined && (next.flags & (FLAG.syn | FLAG.ack | FLAG.rst)) === FLAG.syn)
        this.#accept(index, side, next);
    } else if (next === undefined || fate >= 16) {
      if (next !== undefined) side.wire.unshift(next);
      if (!quiet) this.#deliver(index, inventSegment(dice, record, this.now));
    } else if (!quiet && dice.once(40)) {
      this.#input(index, { kind: 'network-report', report: inventReport(dice, record) });
    } else if (fate < 8) {
      this.#deliver(index, next);
    } else if (fate < 10) {
      side.wire.push(next);
    } else if (fate < 11) {
      this.#deliver(index, next);
      this.#deliver(index, next);
    } else if (fate < 15) {
      this.#deliver(index, changeSegment(dice, record, this.now, next));
    } else {
      const changed = changeBytes(dice, next);
      if (changed !== undefined) this.#deliver(index, changed);
    }
  }

  /** The user, or the layer of migration, does something. */
  #use(index: 0 | 1, record: TcpRecord, draw: number): void {
    const dice = this.#dice;
    if (draw < 80) {
      if (record.state === 'closed' || record.send.finOffset !== undefined) return;
      if (record.send.full) return;
      this.#input(index, { kind: 'write', bytes: WRITTEN.subarray(0, dice.below(dice.once(3) ? 6000 : 200)) });
    } else if (draw < 92) {
      const { twin } = this.#sides[index];
      for (let count = dice.below(20); count > 0 && read(record) !== undefined; count--) {
        if (twin !== undefined) read(twin);
      }
      this.#drain(index);
    } else if (draw < 95) {
      if (dice.once(6)) this.#input(index, { kind: 'close' });
    } else if (draw < 96) {
      if (dice.once(30)) this.#input(index, { kind: 'abort' });
    } else if (draw < 98) {
      const limitOffset = dice.once(2) ? Infinity : record.send.unacknowledgedOffset + dice.below(9000);
      this.#both(index, (each) => {
        each.send.limitOffset = limitOffset;
      });
    } else if (freezable(record) && dice.once(4)) {
      const peerWindow = dice.below(70_000);
      this.#both(index, suspend);
      this.#both(index, (each) => {
        resume(each, this.now, { peerWindow });
      });
    }
  }

  #pass(): void {
    const until = Math.min(this.#sides[0].until, this.#sides[1].until);
    if (until === Infinity || this.#dice.once(2)) this.now += this.#dice.below(60) / 2;
    else this.now = Math.max(this.now, until);
    for (const index of [0, 1] as const) {
      if (this.#sides[index].until <= this.now) this.#input(index, { kind: 'deadline' });
    }
  }

  #accept(index: 0 | 1, side: Side, syn: Segment): void {
    const seed = { initialSequence: this.#dice.bits(), timestampOffset: this.#dice.bits() };
    side.record = openPassive(side.config, this.now, syn, seed);
    this.#drain(index);
  }

  #deliver(index: 0 | 1, segment: Segment): void {
    this.#tally.segments++;
    this.#input(index, { kind: 'segment', segment });
  }

  #input(index: 0 | 1, input: TcpInput): void {
    const { record } = this.#sides[index];
    if (record === undefined) return;
    count(this.#tally.states, record.state);
    count(this.#tally.phases, `${record.loss.phase}${record.sackPermitted ? ' with SACK' : ''}`);
    this.#both(index, (each) => {
      handle(each, this.now, input);
    });
  }

  /** Does something to a record, and to its copy, and takes what comes of it. */
  #both(index: 0 | 1, act: (record: TcpRecord) => void): void {
    const { record, twin } = this.#sides[index];
    if (record !== undefined) act(record);
    if (twin !== undefined) act(twin);
    this.#drain(index);
  }

  #drain(index: 0 | 1): void {
    const side = this.#sides[index];
    const { record } = side;
    const { wire } = this.#sides[index === 0 ? 1 : 0];
    if (record === undefined) return;
    assertInvariants(record);
    for (let count = 0; ; count++) {
      if (count > MAX_OUTPUT_COUNT) throw new Error(`more than ${MAX_OUTPUT_COUNT} outputs for one input`);
      const output = poll(record, this.now);
      if (side.twin !== undefined && !isDeepStrictEqual(poll(side.twin, this.now), output)) {
        throw new Error(`a copy of the record did not give the same ${output.kind}`);
      }
      if (output.kind === 'wait') {
        side.until = output.until;
        break;
      }
      if (output.kind === 'transmit') wire.push(output.segment);
    }
    while (wire.length > MAX_WIRE_COUNT) wire.shift();
    assertInvariants(record);
    assertNotStuck(record);
    assertBounded(record);
  }
}

function assertBounded({ receive, send, outbox, events, config }: TcpRecord): void {
  if (receive.edgeOffset - receive.readOffset > config.receiveBufferLength + 1)
    throw new Error('a window beyond the buffer');
  if (outbox.length > 0 || events.length > 0) throw new Error('outputs are left after poll said wait');
  if (send.queue.chunks.length > 3000) throw new Error(`${send.queue.chunks.length} chunks in the send queue`);
}
