// A process: a link between two machines with a rate, a delay, a queue and random loss of data, out of two TUN devices.
//
// Does to the kernel's packets what the simulated path (test/goodput/path.ts) does to segments: acknowledgments come back after
// the same delay and are never lost. The devices carry single segments only, or one loss would be that of forty.

import { TunLink } from '@migratory/stack/internal/drivers/tun-link.js';
import { openTunHandle } from '@migratory/stack/internal/drivers/tun-system.js';
import { OFFLOAD_HEADER_LENGTH } from '@migratory/stack/internal/wire/ip/offload.js';
import { answerOrders, instructed } from '../children.js';

export interface LinkOrder {
  /** Names of the devices, which are made: that of who sends, and that of who receives. */
  readonly sender: string;
  readonly receiver: string;
}

export interface LinkConditions {
  readonly roundTripMs: number;
  readonly lossPercent: number;
  readonly rateMbitPerSecond: number;
}

/** IP packets of up to this length are taken for acknowledgments. */
const BARE_LENGTH = 100;
/** A timer of the event loop is no finer: nearer deadlines are waited for awake. */
const TIMER_MS = 2;

let conditions: LinkConditions = { roundTripMs: 0, lossPercent: 0, rateMbitPerSecond: Infinity };
let linkFreeAt = 0;

/** Packets that are on their way, in order. */
class Line {
  readonly #flying: { readonly at: number; readonly packet: Uint8Array }[] = [];
  readonly #arrive: (packet: Uint8Array) => void;
  #isWaiting = false;

  constructor(arrive: (packet: Uint8Array) => void) {
    this.#arrive = arrive;
  }

  push(at: number, packet: Uint8Array): void {
    this.#flying.push({ at, packet });
    if (!this.#isWaiting) this.#wait();
  }

  #wait(): void {
    const next = this.#flying[0];
    this.#isWaiting = next !== undefined;
    if (next === undefined) return;
    const ms = next.at - performance.now() - TIMER_MS;
    if (ms > 1) setTimeout(() => this.#deliver(), ms);
    else setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    const now = performance.now();
    let count = 0;
    for (let next = this.#flying[0]; next !== undefined && next.at <= now; next = this.#flying[count]) {
      this.#arrive(next.packet);
      count++;
    }
    this.#flying.splice(0, count);
    this.#wait();
  }
}

function forward(packet: Uint8Array): void {
  const now = performance.now();
  const length = packet.length - OFFLOAD_HEADER_LENGTH;
  const { roundTripMs, lossPercent, rateMbitPerSecond } = conditions;
  if (length > BARE_LENGTH && Math.random() * 100 < lossPercent) return;
  // The queue holds what the link carries in a round trip.
  if (linkFreeAt - now > roundTripMs) return;
  linkFreeAt = Math.max(linkFreeAt, now) + (length * 8) / (rateMbitPerSecond * 1000);
  there.push(linkFreeAt + roundTripMs / 2, packet);
}

const { sender, receiver } = await instructed<LinkOrder>();
const [senderLink, receiverLink] = [
  new TunLink(await openTunHandle(sender)),
  new TunLink(await openTunHandle(receiver)),
];
const there = new Line((packet) => receiverLink.write(packet, []));
const back = new Line((packet) => senderLink.write(packet, []));
senderLink.start(forward);
receiverLink.start((packet) => back.push(performance.now() + conditions.roundTripMs / 2, packet));
answerOrders((next: LinkConditions) => {
  conditions = next;
  return 'set';
});
