// The members' channel in memory, on virtual time: reliable and in order while the network between two members is whole.
//
// Messages cross it as bytes, encoded and decoded like on a real channel.

import { decodePeerMessage, encodePeerMessage } from '../transfer/message-codec.js';
import type { PeerMessage } from '../transfer/messages.js';
import type { MemberId } from '../wire/migrate-options.js';
import type { PeerChannel, PeerReceiver } from './driver.js';
import type { MemoryNetwork } from './memory.js';
import type { VirtualClock } from './virtual-clock.js';

/** Where the members are in the network, and how long a message takes. */
export interface MemoryPeersOptions {
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  /** The member's machine in the network: a cut between machines cuts their channel. */
  readonly ipOf: (member: MemberId) => string;
  readonly delayMs: number;
}

/**
 * All members' ends.
 *
 * @public
 */
export class MemoryPeers {
  readonly #options: MemoryPeersOptions;
  readonly #ends = new Map<MemberId, MemoryPeerChannel>();
  #starts = 0;

  constructor(options: MemoryPeersOptions) {
    this.#options = options;
  }

  /** A member's end, with a new incarnation; an older end of it is dead. */
  attach(member: MemberId): PeerChannel {
    this.crash(member);
    this.#starts++;
    const end = new MemoryPeerChannel(this, member, this.#starts.toString(16).padStart(16, '0'));
    this.#ends.set(member, end);
    return end;
  }

  /** The member's process is gone: its end no longer answers. */
  crash(member: MemberId): void {
    const end = this.#ends.get(member);
    if (end === undefined) return;
    this.#ends.delete(member);
    end.receiver = undefined;
    for (const other of this.#ends.values()) other.lost(member);
  }

  /** @internal */
  deliver(from: MemoryPeerChannel, to: MemberId, message: PeerMessage): void {
    const { clock, network, ipOf, delayMs } = this.#options;
    const bytes = encodePeerMessage(message);
    const target = this.#ends.get(to);
    from.sent.push(() => {
      if (from.receiver === undefined) return;
      const cut = network.isCut(ipOf(from.member), ipOf(to)) || network.isCut(ipOf(to), ipOf(from.member));
      if (target?.receiver === undefined || cut || this.#ends.get(to) !== target) {
        from.lost(to);
        return;
      }
      target.met(from);
      from.met(target);
      const decoded = decodePeerMessage(bytes);
      if (decoded.kind === 'message') target.receiver.message(from.member, decoded.message as PeerMessage);
    });
    // The clock promises no order among what is due at the same time, a session does.
    clock.wakeAt(clock.now() + delayMs, () => from.sent.shift()?.());
  }
}

class MemoryPeerChannel implements PeerChannel {
  receiver: PeerReceiver | undefined;
  /** Deliveries that are on their way, oldest first. */
  readonly sent: (() => void)[] = [];
  readonly #peers: MemoryPeers;
  readonly member: MemberId;
  readonly incarnation: string;
  readonly #known = new Map<MemberId, string>();

  constructor(peers: MemoryPeers, member: MemberId, incarnation: string) {
    this.#peers = peers;
    this.member = member;
    this.incarnation = incarnation;
  }

  start(receiver: PeerReceiver): void {
    this.receiver = receiver;
  }

  send(to: MemberId, message: PeerMessage): void {
    this.#peers.deliver(this, to, message);
  }

  close(): Promise<void> {
    this.#peers.crash(this.member);
    return Promise.resolve();
  }

  met(other: MemoryPeerChannel): void {
    if (this.#known.get(other.member) === other.incarnation) return;
    this.#known.set(other.member, other.incarnation);
    this.receiver?.up(other.member, other.incarnation);
  }

  lost(member: MemberId): void {
    this.receiver?.down(member);
  }
}
