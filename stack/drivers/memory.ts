// A network in memory, on virtual time: it loses, delays, reorders, duplicates and partitions as its seed says.
//
// Segments cross it as bytes, encoded and decoded like on any wire. For tests of whole stacks, and of services on them.

import { encapsulateHeader, decapsulate } from '../wire/encapsulation.js';
import { type Address } from '../wire/address.js';
import type { Segment } from '../wire/segment.js';
import { BindFailed, checkPort } from './binding.js';
import type { Driver, DriverCapabilities, DriverReceiver } from './driver.js';
import { Ports } from './ports.js';
import type { SeededEntropy, VirtualClock } from './virtual-clock.js';

/** What happens to datagrams; rates are probabilities. */
export interface NetworkConditions {
  readonly lossRate: number;
  readonly duplicationRate: number;
  /** Each datagram takes a time between these, which reorders them. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

/**
 * A network that loses and repeats nothing, and takes the same short time for everything.
 *
 * @public
 */
export const PERFECT_CONDITIONS: NetworkConditions = {
  lossRate: 0,
  duplicationRate: 0,
  minDelayMs: 0.1,
  maxDelayMs: 0.1,
};

/** A datagram on its way, as an observer sees it. */
export interface Datagram {
  readonly from: Address;
  readonly to: Address;
  readonly segment: Segment;
}

/** Whether a datagram goes on. */
export type Verdict = 'pass' | 'drop';

/** A network without sockets: datagrams on virtual time, with loss, duplication, delay and cuts from a seed. */
export class MemoryNetwork {
  conditions: NetworkConditions;
  /** Sees every datagram as it is sent, before loss; may drop it. */
  observer: ((datagram: Datagram) => Verdict) | undefined;
  readonly #clock: VirtualClock;
  readonly #random: SeededEntropy;
  readonly #drivers = new Map<string, MemoryDriver>();
  readonly #cuts = new Set<string>();

  constructor(clock: VirtualClock, random: SeededEntropy, conditions: NetworkConditions = PERFECT_CONDITIONS) {
    this.#clock = clock;
    this.#random = random;
    this.conditions = conditions;
  }

  /** The driver of the machine with this address; asked again, the machine has been started anew. */
  attach(ip: string, mtu = 1_500): MemoryDriver {
    const driver = new MemoryDriver(this, ip, mtu);
    this.#drivers.set(ip, driver);
    return driver;
  }

  /** Nothing goes from one to the other any more; the other direction is a cut of its own. */
  cut(fromIp: string, toIp: string): void {
    this.#cuts.add(`${fromIp} ${toIp}`);
  }

  /** Undoes all cuts. */
  heal(): void {
    this.#cuts.clear();
  }

  /** Whether nothing goes from the one address to the other; the other way has a cut of its own. */
  isCut(fromIp: string, toIp: string): boolean {
    return this.#cuts.has(`${fromIp} ${toIp}`);
  }

  /** @internal A driver sends. */
  send(from: Address, to: Address, segment: Segment): void {
    if (this.observer?.({ from, to, segment }) === 'drop' || this.isCut(from.ip, to.ip)) return;
    const bytes = Buffer.concat([encapsulateHeader(segment), ...segment.payload]);
    const copies = this.#random.fraction() < this.conditions.duplicationRate ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#random.fraction() < this.conditions.lossRate) continue;
      const { minDelayMs, maxDelayMs } = this.conditions;
      const delayMs = minDelayMs + this.#random.fraction() * (maxDelayMs - minDelayMs);
      this.#clock.wakeAt(this.#clock.now() + delayMs, () => this.#drivers.get(to.ip)?.deliver(to, from, bytes));
    }
  }
}

export class MemoryDriver implements Driver {
  readonly family: 4 | 6;
  readonly capabilities: DriverCapabilities;
  /** Datagrams that held no segment of ours. */
  readonly counters = { malformedDrops: 0 };
  readonly #network: MemoryNetwork;
  readonly #ip: string;
  readonly #ports = new Ports();
  #receiver: DriverReceiver | undefined;
  #closed = false;

  constructor(network: MemoryNetwork, ip: string, mtu: number) {
    this.#network = network;
    this.#ip = ip;
    this.family = ip.includes(':') ? 6 : 4;
    this.capabilities = { mtu, maxSuperSegmentLength: 0, congestionMarks: 'lost' };
  }

  start(receiver: DriverReceiver): void {
    this.#receiver = receiver;
  }

  bind(port: number): Promise<Address> {
    return new Promise((resolve) => resolve(this.bindNow(port)));
  }

  /** As `bind`, for callers that have no event loop to wait in. Throws `BindFailed`, or a `RangeError` for what is no port. */
  bindNow(port: number): Address {
    checkPort(port);
    if (this.#closed) throw new BindFailed(this.#ip, port, { code: 'ERR_DRIVER_CLOSED', message: 'closed' });
    return { ip: this.#ip, port: this.#ports.take(this.#ip, port) };
  }

  release(address: Address): void {
    this.#ports.give(address.port);
  }

  transmit(local: Address, remote: Address, segment: Segment): void {
    if (this.#ports.has(local.port)) this.#network.send(local, remote, segment);
  }

  close(): Promise<void> {
    this.#ports.clear();
    this.#receiver = undefined;
    this.#closed = true;
    return Promise.resolve();
  }

  /** @internal */
  deliver(local: Address, remote: Address, datagram: Uint8Array): void {
    if (!this.#ports.has(local.port)) return;
    const decoded = decapsulate(datagram);
    if (decoded.kind === 'malformed') this.counters.malformedDrops++;
    else this.#receiver?.segment(local, remote, decoded.segment);
  }
}
