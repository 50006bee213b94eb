// An attacker on the path: it sees every datagram, sends old ones again, from where they came from or from its own address,
// and forges requests. It knows no key.

import type { Datagram } from '@migratory/stack/internal/drivers/memory.js';
import type { SeededEntropy } from '@migratory/stack/internal/drivers/virtual-clock.js';
import type { MigrateOption } from '@migratory/stack/internal/wire/migrate-options.js';
import { FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';
import { sameAddress } from '@migratory/stack/internal/wire/address.js';
import { SERVICE_PORT } from '../support/stack-world.js';
import { type World } from '../support/world.js';

type RequestOption = Extract<MigrateOption, { kind: 'request' }>;

const ADDRESS = { ip: '10.9.9.9', port: 4_000 };
const MAX_RECORDED = 400;

export class Attacker {
  readonly #world: World;
  readonly #random: SeededEntropy;
  readonly #recorded: Datagram[] = [];

  constructor(world: World, random: SeededEntropy) {
    this.#world = world;
    this.#random = random;
  }

  /** Resets are left alone: who may forge those needs no protocol of moves to end a connection. */
  see(datagram: Datagram): void {
    const isReset = (datagram.segment.flags & FLAG.rst) !== 0;
    if (isReset || datagram.from.ip === ADDRESS.ip) return;
    this.#recorded.push(datagram);
    if (this.#recorded.length > MAX_RECORDED) this.#recorded.shift();
  }

  /** An old datagram again: as the network might, or from the attacker's own address, to the same member or another. */
  replay(): void {
    const moving = this.#recorded.filter(({ segment }) => segment.options.migrate !== undefined);
    const old = this.#pick(this.#random.fraction() < 0.7 && moving.length > 0 ? moving : this.#recorded);
    if (old === undefined) return;
    const isToMember = old.to.port === SERVICE_PORT;
    const from = isToMember && this.#random.fraction() < 0.5 ? ADDRESS : old.from;
    const other = isToMember && this.#random.fraction() < 0.3 ? this.#pick(this.#world.members) : undefined;
    this.#world.network.send(from, other?.address ?? old.to, old.segment);
  }

  /** One of the newest requests again, from where it came: a copy that took its time. */
  repeat(): void {
    const requests = this.#recorded.filter(({ segment }) => segment.options.migrate?.kind === 'request');
    const old = this.#pick(requests.slice(-8));
    if (old !== undefined) this.#world.network.send(old.from, old.to, old.segment);
  }

  /** A request or a confirmation of a client, from its own address at the same time; it may arrive first. */
  mimic({ from, to, segment }: Datagram): void {
    const kind = segment.options.migrate?.kind;
    if (from.ip === ADDRESS.ip || (kind !== 'request' && kind !== 'confirm')) return;
    this.#world.network.send(ADDRESS, to, segment);
  }

  /** What the member of this answer sent before it, and the client may not have yet, comes behind it. */
  follow({ from, to, segment: { sequence } }: Datagram): void {
    for (const old of this.#recorded) {
      const { segment } = old;
      const isAhead = ((segment.sequence - sequence) | 0) > 0 && segment.payloadLength > 0;
      if (isAhead && sameAddress(old.from, from) && sameAddress(old.to, to)) {
        this.#world.network.send(from, to, segment);
      }
    }
  }

  /** What a member sent, perhaps long ago, reaches the client once more, or for the first time. */
  stale(): void {
    const old = this.#pick(
      this.#recorded.filter(({ from, segment }) => from.port === SERVICE_PORT && segment.payloadLength > 0),
    );
    if (old !== undefined) this.#world.network.send(old.from, old.to, old.segment);
  }

  /** A recorded request with something changed: it proves nothing any more. */
  forge(): void {
    const old = this.#pick(this.#recorded.filter(({ segment }) => segment.options.migrate?.kind === 'request'));
    const option = old?.segment.options.migrate;
    const target = this.#pick(this.#world.members);
    if (old === undefined || target === undefined || option?.kind !== 'request') return;
    const forged = this.#changed(option);
    if (JSON.stringify(forged) === JSON.stringify(option)) return;
    const segment: Segment = { ...old.segment, options: { migrate: forged } };
    this.#world.network.send(ADDRESS, target.address, segment);
  }

  #changed(option: RequestOption): RequestOption {
    switch (this.#random.below(6)) {
      case 0:
        return { ...option, epoch: (option.epoch + 1 + this.#random.below(50)) & 0xffff };
      case 1:
        return { ...option, receiveNext: (option.receiveNext + this.#random.below(3_000)) >>> 0 };
      case 2:
        return { ...option, origin: this.#pick(this.#world.members)?.id ?? 0 };
      case 3:
        return { ...option, cid: option.cid.replace(/^./, '0') };
      case 4:
        return { ...option, nonce: (option.nonce + 1) >>> 0 };
      default: {
        const mac = option.mac.slice();
        const at = this.#random.below(mac.length);
        mac[at] = (mac[at] ?? 0) ^ (1 << this.#random.below(8));
        return { ...option, mac };
      }
    }
  }

  #pick<Item>(items: readonly Item[]): Item | undefined {
    return items[this.#random.below(items.length)];
  }
}
