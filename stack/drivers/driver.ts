// The seams between the stack and the world: what carries segments, what tells the time, what gives randomness, and what
// carries messages between members.
//
// Only interfaces live here, so that the layers to the left may name them without any I/O. The real ones, and those of
// tests on virtual time, are the other files of this folder. A driver calls its receiver from a fresh turn of the event
// loop, never from inside `transmit`, `send` or `wakeAt`: so that one input is finished before the next begins (S3).

import type { PeerMessage } from '../transfer/messages.js';
import type { Address } from '../wire/address.js';
import type { IpFamily } from '../wire/ip/packet.js';
import type { MemberId } from '../wire/migrate-options.js';
import type { NetworkReport } from '../wire/network-report.js';
import type { Segment } from '../wire/segment.js';

/** What a driver can carry, and what it does itself; fixed for the life of the driver. */
export interface DriverCapabilities {
  /**
   * The largest IP packet of the path's first hop, bytes, less what the driver itself puts around a segment: the MSS that
   * is offered is this without the headers of IP and TCP (RFC 6691).
   */
  readonly mtu: number;
  /** The most payload bytes that one `transmit` may carry; at least an MSS, more where the driver cuts it up itself. */
  readonly maxSuperSegmentLength: number;
  /** Whether routers can mark what it sends, and their marks arrive (`Segment.ecn`). */
  readonly congestionMarks: 'carried' | 'lost';
}

/** Takes what a driver has received. No method throws. */
export interface DriverReceiver {
  /**
   * One well-formed segment; the driver has dropped and counted what was not. The payload's views are the receiver's to
   * keep: the driver does not write to them again.
   */
  segment(local: Address, remote: Address, segment: Segment): void;
  /** What the network, or somebody who says to be it, tells about a segment that was sent: true only if it can be believed. */
  report?(local: Address, remote: Address, report: NetworkReport): void;
}

/** Carries TCP segments: UDP encapsulation, a TUN device, a network in memory. */
export interface Driver {
  /** The version of IP that it carries. */
  readonly family: IpFamily | 'both';
  readonly capabilities: DriverCapabilities;
  /**
   * Begins to receive for a local port; 0 lets the driver choose one. Answers the address that peers see as ours, of that
   * family where the driver carries both; it receives for both. Rejects with a typed error when the port is in use.
   */
  bind(port: number, family?: IpFamily): Promise<Address>;
  /** Ends receiving for an address that `bind` gave; an unknown one is ignored. */
  release(address: Address): void;
  /** Called once, before the first `bind`. */
  start(receiver: DriverReceiver): void;
  /**
   * Sends one segment, or loses it: there is no report, TCP resends. `local` comes from `bind`, or from a segment that was
   * received. The payload stays as it is until the peer has acknowledged it, and no longer: who sends late may send anything
   * in its place, since the peer does not look at it again; who keeps it, or hands it on in this process, takes a copy.
   */
  transmit(local: Address, remote: Address, segment: Segment): void;
  /** Releases every address; nothing is received afterwards. */
  close(): Promise<void>;
}

/** A wake-up that was asked for. */
export interface Timer {
  /** The callback will not be called any more; harmless when it has been. */
  cancel(): void;
}

/** Monotonic time in milliseconds, with fractions, from an arbitrary origin. */
export interface Clock {
  /** Milliseconds since an instant of its own; never goes back. */
  now(): number;
  /** Calls back once, at `time` or a little later, never earlier and never from inside this call; Infinity is never. */
  wakeAt(time: number, callback: () => void): Timer;
}

/** Randomness that an attacker can't guess (seeded in tests). */
export interface Entropy {
  /** `length` fresh bytes; the caller may keep them. */
  bytes(length: number): Uint8Array;
}

/** Takes what comes from the other members. No method throws. */
export interface PeerReceiver {
  /** One message of an authenticated member, in the order in which it was sent on one session. */
  message(from: MemberId, message: PeerMessage): void;
  /**
   * A session with the member has begun. `incarnation` is 16 hexadecimal digits that are new at each start of the
   * member's process: another one than last time means that it has lost all that it held in memory.
   */
  up(member: MemberId, incarnation: string): void;
  /** A message could not be delivered, or the last session broke: exchanges that wait for the member are over. */
  down(member: MemberId): void;
}

/** Carries messages between the members of one service, authenticated and encrypted both ways. */
export interface PeerChannel {
  /** Called once; what arrives before is kept until then. */
  start(receiver: PeerReceiver): void;
  /**
   * Sends at most once, in order per session. Whatever can't be delivered, for whatever reason, ends in `down(to)`, and
   * never in an exception; delivery itself is not reported.
   */
  send(to: MemberId, message: PeerMessage): void;
  /** Ends all sessions and the listener; no `down` is reported for it. */
  close(): Promise<void>;
}
