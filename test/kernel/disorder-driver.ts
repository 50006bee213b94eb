// A driver that wraps any driver and puts what passes out of order, and sends some of it twice: both ways, as its seed says.
//
// What is held back is overtaken by so many segments of its own direction as were drawn, and waits no longer than a few
// milliseconds for them, so that the last one is not lost. Super-segments are cut first: it is segments that networks reorder.

import type { Address, Driver, DriverCapabilities, DriverReceiver, IpFamily, Segment } from '@migratory/stack';
import { FLAG } from '@migratory/stack/internal/wire/segment.js';
import { seeded } from '../support/seeded.js';

export interface Disorder {
  readonly seed: number;
  /** Shares of all segments. */
  readonly heldRate: number;
  readonly doubledRate: number;
  /** At most so many segments overtake one that is held back. */
  readonly overtakingCount: number;
  readonly heldMs: number;
}

export const LITTLE_DISORDER: Disorder = { seed: 1, heldRate: 0.02, doubledRate: 0.02, overtakingCount: 3, heldMs: 4 };
export const MUCH_DISORDER: Disorder = { seed: 2, heldRate: 0.2, doubledRate: 0.1, overtakingCount: 40, heldMs: 10 };

/** What has happened to one direction. */
export interface DisorderCounts {
  passed: number;
  held: number;
  doubled: number;
}

/** What no header of IP and TCP is longer than. */
const HEADERS_LENGTH = 120;

export class DisorderDriver implements Driver {
  readonly family: Driver['family'];
  readonly capabilities: DriverCapabilities;
  readonly sent: DisorderCounts = { passed: 0, held: 0, doubled: 0 };
  readonly received: DisorderCounts = { passed: 0, held: 0, doubled: 0 };
  readonly #inner: Driver;
  readonly #disorder: Disorder;
  readonly #outward: Lane;
  #inward: Lane | undefined;

  constructor(inner: Driver, disorder: Disorder) {
    this.#inner = inner;
    this.#disorder = disorder;
    this.family = inner.family;
    this.capabilities = { ...inner.capabilities, maxSuperSegmentLength: 0 };
    this.#outward = new Lane(disorder, disorder.seed, this.sent);
  }

  start(receiver: DriverReceiver): void {
    const inward = new Lane(this.#disorder, this.#disorder.seed + 1, this.received);
    this.#inward = inward;
    const pieceLength = this.capabilities.mtu - HEADERS_LENGTH;
    this.#inner.start({
      segment: (local, remote, segment) => {
        for (const piece of cut(segment, pieceLength)) inward.pass(() => receiver.segment(local, remote, piece));
      },
      report: (local, remote, report) => receiver.report?.(local, remote, report),
    });
  }

  bind(port: number, family?: IpFamily): Promise<Address> {
    return this.#inner.bind(port, family);
  }

  release(address: Address): void {
    this.#inner.release(address);
  }

  transmit(local: Address, remote: Address, segment: Segment): void {
    this.#outward.pass(() => this.#inner.transmit(local, remote, segment));
  }

  async close(): Promise<void> {
    this.#outward.close();
    this.#inward?.close();
    await this.#inner.close();
  }
}

interface Held {
  readonly deliver: () => void;
  overtakingCount: number;
}

/** One direction. */
class Lane {
  readonly #disorder: Disorder;
  readonly #random: () => number;
  readonly #counts: DisorderCounts;
  #held: Held[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(disorder: Disorder, seed: number, counts: DisorderCounts) {
    this.#disorder = disorder;
    this.#random = seeded(seed);
    this.#counts = counts;
  }

  pass(deliver: () => void): void {
    const { heldRate, doubledRate, overtakingCount } = this.#disorder;
    this.#counts.passed++;
    if (this.#draw() < heldRate) {
      this.#hold(deliver, 1 + Math.floor(this.#draw() * overtakingCount));
      return;
    }
    deliver();
    if (this.#draw() < doubledRate) {
      this.#counts.doubled++;
      deliver();
    }
    for (const held of this.#held) held.overtakingCount--;
    this.#release(({ overtakingCount: left }) => left <= 0);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#held = [];
  }

  #hold(deliver: () => void, overtakingCount: number): void {
    this.#counts.held++;
    this.#held.push({ deliver, overtakingCount });
    if (this.#held.length === 1) this.#timer = setTimeout(() => this.#release(() => true), this.#disorder.heldMs);
  }

  /** Whoever is delivered to may send at once, and so come back here. */
  #release(isDue: (held: Held) => boolean): void {
    const due = this.#held.filter(isDue);
    if (due.length === 0) return;
    this.#held = this.#held.filter((held) => !isDue(held));
    if (this.#held.length === 0) clearTimeout(this.#timer);
    for (const { deliver } of due) deliver();
  }

  /** From 0 to below 1. */
  #draw(): number {
    return this.#random() / 0x1_0000;
  }
}

/** What a super-segment would have been on the wire: FIN and PSH belong to its last piece. */
function cut(segment: Segment, length: number): Segment[] {
  if (segment.payloadLength <= length) return [segment];
  const bytes = Buffer.concat(segment.payload);
  const pieces: Segment[] = [];
  for (let at = 0; at < bytes.length; at += length) {
    const payload = bytes.subarray(at, at + length);
    const isLast = at + length >= bytes.length;
    const flags = isLast ? segment.flags : segment.flags & ~(FLAG.fin | FLAG.psh);
    const sequence = (segment.sequence + at) >>> 0;
    pieces.push({ ...segment, sequence, flags, payload: [payload], payloadLength: payload.length });
  }
  return pieces;
}
