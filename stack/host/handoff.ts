// Handing connections over between members: what a member does with a client's MIGRATE_REQ and with the other members' messages.
//
// A request for a connection that is not here makes this member ask the one that the client names. That one checks the
// client's proof, freezes the connection and gives the image, or says who may have it. Nothing here waits: every
// question has a deadline, and every answer is matched with its question.
//   H1. A member that gave an image away does not run the connection again until its receiver has disclaimed it, or has
//       lost its memory (another incarnation) (S2).
//   H2. Having disclaimed, a member drops the image that it had asked for, should it still come.
//   H3. For clients' requests at most one question per cid is under way here, and `arrivingCount` in all; as many more for
//       other members' (S6).
//   H4. A client that has accepted the receiver's answer proves that the receiver had the image: then what is kept here is
//       the past, and nobody runs it again, whatever has become of the receiver (S1, S2).

import { failMac } from '../migration/keys.js';
import { hasOurTag } from '../migration/connection-id.js';
import { lockOf } from '../migration/connection.js';
import { identityOf } from '../migration/machine.js';
import {
  checkClaim,
  claimOf,
  rebind,
  takeImage,
  type MoveRequest,
  type RequestClaim,
} from '../migration/server-role.js';
import type {
  FetchMessage,
  InquiryMessage,
  OwnershipMessage,
  PeerMessage,
  RefuseMessage,
} from '../transfer/messages.js';
import { FormerConnections, type Departed } from '../transfer/ownership.js';
import { sameAddress } from '../wire/address.js';
import type { ConnectionId, MemberId } from '../wire/migrate-options.js';
import { refusalCode, type RefusalReason } from '../wire/refusal-reason.js';
import type { HostLimits } from './config.js';
import type { HostCounters } from './counters.js';
import { DeadlineHeap, type HeapEntry } from './deadline-heap.js';
import type { HostConnection } from './host-connection.js';

/** What the handoff needs of the host around it. */
export interface HandoffHost {
  readonly self: MemberId;
  readonly tagKey: Uint8Array;
  readonly limits: HostLimits;
  readonly counters: HostCounters;
  isMember(member: MemberId): boolean;
  connectionOf(cid: ConnectionId): HostConnection | undefined;
  /** Whether connections may arrive at the request's port now. */
  accepts(request: MoveRequest): boolean;
  /** Whether another connection has the address from which the request came. */
  isPathTaken(request: MoveRequest): boolean;
  install(now: number, image: Uint8Array, request: MoveRequest): RefusalReason | 'installed';
  refuse(request: MoveRequest, reason: RefusalReason, mac: Uint8Array): void;
  /** Polls the connection after its record has changed. */
  drain(now: number, connection: HostConnection): void;
  send(to: MemberId, message: PeerMessage): void;
  /** The member asks for connections. */
  pulled(now: number, by: MemberId, count: number): void;
}

/** A client's request that waits for another member's answer. */
interface Arriving extends HeapEntry {
  readonly kind: 'arriving';
  readonly exchange: number;
  readonly asked: MemberId;
  readonly question: 'fetch' | 'inquire';
  readonly request: MoveRequest;
  readonly forwardsLeft: number;
}

/** Another member's fetch that waits: for the lock to open, or for a third member's answer. */
interface Waiting extends HeapEntry {
  readonly kind: 'waiting';
  readonly exchange: number;
  readonly asked: MemberId | undefined;
  readonly from: MemberId;
  readonly message: FetchMessage;
}

const NO_MAC = new Uint8Array(0);

export class Handoff {
  readonly former: FormerConnections;
  readonly #host: HandoffHost;
  readonly #arriving = new Map<ConnectionId, Arriving>();
  readonly #waiting = new Set<Waiting>();
  readonly #deadlines = new DeadlineHeap<Arriving | Waiting>();
  readonly #incarnations = new Map<MemberId, string>();
  #exchange = 0;
  #interval = { startedAt: 0, count: 0 };

  constructor(host: HandoffHost) {
    this.#host = host;
    this.former = new FormerConnections(host.limits);
  }

  /** Of what is under way; the memory of former connections has limits of its own. */
  tableSizes(): { readonly arriving: number; readonly waiting: number; readonly handoffDeadlines: number } {
    return { arriving: this.#arriving.size, waiting: this.#waiting.size, handoffDeadlines: this.#deadlines.size };
  }

  nextDeadline(): number {
    return this.#deadlines.next();
  }

  meetDeadlines(now: number): void {
    for (let entry = this.#deadlines.takeDue(now); entry !== undefined; entry = this.#deadlines.takeDue(now)) {
      this.#giveUp(entry, entry.kind === 'waiting' && entry.asked === undefined ? 'busy' : 'origin-unreachable');
    }
  }

  /** A client's SYN with MIGRATE_REQ. */
  request(now: number, request: MoveRequest): void {
    const { option } = request;
    const host = this.#host;
    if (!hasOurTag(host.tagKey, option.cid)) {
      host.counters.forgedConnectionIdDrops++;
      return;
    }
    if (this.#arriving.has(option.cid)) return; // H3; the client repeats itself
    if (host.isPathTaken(request)) {
      host.counters.takenPathDrops++;
      return;
    }
    const here = host.connectionOf(option.cid);
    if (here !== undefined) {
      this.#rebind(now, here, request);
      return;
    }
    const former = this.former.get(option.cid, now);
    if (former?.kind === 'departed') return this.#reclaim(now, request, former);
    if (former?.kind === 'finished' || option.origin === host.self) return this.#refuse(request, 'unknown-connection');
    if (!this.#withinRate(now)) {
      host.counters.requestRateDrops++;
      return;
    }
    this.#ask(now, request, option.origin, 'fetch', host.limits.forwardCount);
  }

  /** What makes members ask each other is limited in rate too (S6): a client repeats itself, an attacker wears nobody out. */
  #withinRate(now: number): boolean {
    const { requestCount, requestIntervalMs } = this.#host.limits;
    if (now >= this.#interval.startedAt + requestIntervalMs) this.#interval = { startedAt: now, count: 0 };
    return ++this.#interval.count <= requestCount;
  }

  #rebind(now: number, connection: HostConnection, request: MoveRequest): void {
    const identity = identityOf(connection.record.phase);
    // The answer would come from another port than the one that the client asked.
    if (!sameAddress(request.local, connection.record.local)) {
      return this.#refuse(request, 'inconsistent', identity?.key);
    }
    const outcome = rebind(connection.record, now, request, this.#host.self);
    if (outcome.kind === 'refused') this.#refuse(request, outcome.reason, identity?.key);
    else this.#host.drain(now, connection);
  }

  /** The client comes back to a member that the connection has left. */
  #reclaim(now: number, request: MoveRequest, departed: Departed): void {
    const { option } = request;
    const host = this.#host;
    const problem = checkClaim({ ...departed, cid: option.cid }, claimOf(request, host.self));
    if (problem !== undefined) return this.#refuse(request, problem, departed.key);
    // Whether the client, who has been served since it left here, or our pointer knows better where it is now.
    if (this.#isPast(now, option.cid, departed, request.acceptedEpoch)) {
      return this.#ask(now, request, option.origin, 'fetch', host.limits.forwardCount);
    }
    const image = this.#resumable(departed);
    if (image !== undefined) {
      // Though this member may take none from others now, this one is its own.
      const installed = host.install(now, image, request);
      if (installed === 'installed') this.#isHereAgain(now, option.cid);
      else this.#refuse(request, installed, departed.key);
    } else {
      const question = departed.retained.kind === 'confirmed' ? 'fetch' : 'inquire';
      this.#ask(now, request, departed.to, question, host.limits.forwardCount);
    }
  }

  /** What was known of where it went is over; unless it has ended while it was installed, which must be remembered. */
  #isHereAgain(now: number, cid: ConnectionId): void {
    if (this.former.get(cid, now)?.kind === 'departed') this.former.delete(cid);
  }

  /** H4. The client's word stands for an 'installed' that was lost, and above the 'disclaimed' of a receiver that forgot it. */
  #isPast(now: number, cid: ConnectionId, { epoch, to, retained }: Departed, acceptedEpoch: number): boolean {
    if (acceptedEpoch < epoch) return false;
    if (retained.kind !== 'confirmed') {
      this.#host.counters.imagesOutlived++;
      this.former.confirm(now, cid, to, epoch);
    }
    return true;
  }

  /** H1. The retained image, if it may be resumed or given to somebody else. */
  #resumable(departed: Departed): Uint8Array | undefined {
    const { retained } = departed;
    if (retained.kind === 'confirmed') return undefined;
    return retained.kind === 'disclaimed' || this.#hasRestarted(departed) ? retained.image : undefined;
  }

  /** Whether the receiver has lost its memory since it was given the image. */
  #hasRestarted({ retained, to }: Departed): boolean {
    if (retained.kind === 'confirmed') return false;
    const incarnation = this.#incarnations.get(to);
    const known = retained.incarnation !== undefined && incarnation !== undefined;
    return known && incarnation !== retained.incarnation;
  }

  #ask(now: number, request: MoveRequest, asked: MemberId, question: 'fetch' | 'inquire', forwardsLeft: number): void {
    const host = this.#host;
    if (!host.isMember(asked) || asked === host.self || forwardsLeft === 0) {
      return this.#refuse(request, 'origin-unreachable');
    }
    if (question === 'fetch' && !host.accepts(request)) return this.#refuse(request, 'refused-by-policy');
    if (this.#arriving.size >= host.limits.arrivingCount) return this.#refuse(request, 'busy');
    const { option, sendUnacknowledged, acceptedEpoch } = request;
    const { cid, epoch, origin, receiveNext, nonce, mac } = option;
    const exchange = this.#nextExchange();
    const entry: Arriving = {
      kind: 'arriving',
      exchange,
      asked,
      question,
      request,
      forwardsLeft,
      deadline: Infinity,
      heapIndex: -1,
    };
    this.#arriving.set(cid, entry);
    this.#deadlines.set(entry, now + host.limits.handoffTimeoutMs);
    if (question === 'fetch') {
      const claim = { epoch, acceptedEpoch, origin, receiveNext, sendUnacknowledged, nonce, mac };
      host.send(asked, { kind: 'fetch', exchange, cid, ...claim });
    } else {
      this.#inquire(now, cid, asked, exchange);
    }
  }

  /** About the departure that we know of: its epoch, not the request's. */
  #inquire(now: number, cid: ConnectionId, asked: MemberId, exchange: number): void {
    const departed = this.former.get(cid, now);
    if (departed !== undefined) this.#host.send(asked, { kind: 'inquire', exchange, cid, epoch: departed.epoch });
  }

  #nextExchange(): number {
    this.#exchange = (this.#exchange + 1) >>> 0;
    return this.#exchange;
  }

  message(now: number, from: MemberId, message: PeerMessage): void {
    switch (message.kind) {
      case 'fetch':
        return this.#fetched(now, from, message);
      case 'image':
        return this.#imageArrived(now, from, message);
      case 'refuse':
        return this.#refused(now, from, message);
      case 'installed':
      case 'returned':
        return this.#ownerTold(now, from, message);
      case 'inquire':
        return this.#inquired(now, from, message);
      case 'held':
      case 'disclaimed':
        return this.#inquiryAnswered(now, from, message);
      case 'pull':
        return this.#host.pulled(now, from, message.count);
    }
  }

  up(member: MemberId, incarnation: string): void {
    this.#incarnations.set(member, incarnation);
  }

  /** What waits for this member waits in vain. */
  down(member: MemberId): void {
    for (const entry of [...this.#arriving.values(), ...this.#waiting]) {
      if (entry.asked === member) this.#giveUp(entry, 'origin-unreachable');
    }
  }

  #giveUp(entry: Arriving | Waiting, reason: RefusalReason): void {
    this.#forget(entry);
    if (entry.kind === 'arriving') this.#refuse(entry.request, reason);
    else this.#answerRefusal(entry.from, entry.message, reason);
  }

  #forget(entry: Arriving | Waiting): void {
    this.#deadlines.remove(entry);
    if (entry.kind === 'arriving') this.#arriving.delete(entry.request.option.cid);
    else this.#waiting.delete(entry);
  }

  /** Another member asks for a connection. */
  #fetched(now: number, from: MemberId, message: FetchMessage): void {
    const { cid } = message;
    const here = this.#host.connectionOf(cid);
    if (here !== undefined) return this.#give(now, from, message, here);
    const former = this.former.get(cid, now);
    if (former?.kind === 'departed') return this.#giveAgain(now, from, message, former);
    this.#answerRefusal(from, message, this.#arriving.has(cid) ? 'busy' : 'unknown-connection');
  }

  #give(now: number, from: MemberId, message: FetchMessage, connection: HostConnection): void {
    const { record } = connection;
    const identity = identityOf(record.phase);
    if (identity === undefined) return this.#answerRefusal(from, message, 'not-movable');
    const claim: RequestClaim = { ...message, destination: from };
    const problem = checkClaim(identity, claim);
    if (problem !== undefined) return this.#answerRefusal(from, message, problem, identity.key);
    const lock = lockOf(record);
    if (lock === 'pinned') return this.#answerRefusal(from, message, 'busy', identity.key);
    if (lock === 'locked') return this.#wait(now, from, message, undefined);
    const taken = takeImage(record, claim);
    if (taken.kind === 'refused') return this.#answerRefusal(from, message, taken.reason, identity.key);
    this.#host.drain(now, connection); // the application is told before the image leaves
    this.#handOut(now, from, message, identity.key, taken.image);
  }

  #handOut(now: number, to: MemberId, message: FetchMessage, key: Uint8Array, image: Uint8Array): void {
    const { cid, epoch, exchange } = message;
    const incarnation = this.#incarnations.get(to);
    this.former.depart(now, cid, { epoch, to, key, image, incarnation });
    this.#host.counters.imagesGiven++;
    this.#host.send(to, { kind: 'image', exchange, cid, epoch, image });
  }

  /** The image has left already: for the same member, which asks again, or for another. */
  #giveAgain(now: number, from: MemberId, message: FetchMessage, departed: Departed): void {
    const { cid } = message;
    const { retained, key } = departed;
    // The request for which it left may come again; not to a receiver that may have answered it and forgotten that (H4).
    const epoch = this.#hasRestarted(departed) ? departed.epoch : departed.epoch - 1;
    const problem = checkClaim({ cid, key, epoch }, { ...message, destination: from });
    if (problem !== undefined) return this.#answerRefusal(from, message, problem, key);
    if (this.#isPast(now, cid, departed, message.acceptedEpoch) || retained.kind === 'confirmed') {
      const known = departed.to === from ? 'unknown-connection' : 'held-elsewhere';
      return this.#answerRefusal(from, message, known, departed.key, departed.to);
    }
    // A member that asks does not hold it (H2).
    const image = departed.to === from ? retained.image : this.#resumable(departed);
    if (image !== undefined) return this.#handOut(now, from, message, departed.key, image);
    this.#wait(now, from, message, departed.to);
  }

  #wait(now: number, from: MemberId, message: FetchMessage, asked: MemberId | undefined): void {
    const { limits } = this.#host;
    if (this.#waiting.size >= limits.arrivingCount) return this.#answerRefusal(from, message, 'busy');
    const exchange = this.#nextExchange();
    const entry: Waiting = { kind: 'waiting', exchange, asked, from, message, deadline: Infinity, heapIndex: -1 };
    this.#waiting.add(entry);
    this.#deadlines.set(entry, now + (asked === undefined ? limits.lockWaitMs : limits.handoffTimeoutMs));
    if (asked !== undefined) this.#inquire(now, message.cid, asked, exchange);
  }

  /** The connection's lock is open (S7): who waited for it is served. */
  unlocked(now: number, cid: ConnectionId): void {
    for (const entry of [...this.#waiting]) {
      if (entry.message.cid !== cid || entry.asked !== undefined) continue;
      this.#forget(entry);
      this.#fetched(now, entry.from, entry.message);
    }
  }

  /** The connection is pinned: who waited for its lock need not wait any longer. */
  pinned(cid: ConnectionId): void {
    for (const entry of [...this.#waiting]) {
      if (entry.message.cid === cid && entry.asked === undefined) this.#giveUp(entry, 'busy');
    }
  }

  #imageArrived(now: number, from: MemberId, message: Extract<PeerMessage, { kind: 'image' }>): void {
    const host = this.#host;
    const { cid, epoch } = message;
    const entry = this.#matching(from, message, 'fetch');
    if (entry === undefined) {
      // H2; with another question under way it might be for the same epoch, and the answer to that may be taken.
      if (!this.#arriving.has(cid) && host.connectionOf(cid) === undefined)
        host.send(from, { kind: 'returned', cid, epoch });
      return;
    }
    this.#forget(entry);
    const { request } = entry;
    const installed = host.accepts(request) ? host.install(now, message.image, request) : 'refused-by-policy';
    if (installed === 'installed') {
      this.#isHereAgain(now, cid);
      host.counters.imagesInstalled++;
      host.send(from, { kind: 'installed', cid, epoch });
    } else {
      host.counters.imagesReturned++;
      host.send(from, { kind: 'returned', cid, epoch });
      this.#refuse(request, installed);
    }
  }

  #refused(now: number, from: MemberId, message: RefuseMessage): void {
    const entry = this.#matching(from, message, 'fetch');
    if (entry === undefined) return;
    this.#forget(entry);
    if (message.reason === 'held-elsewhere' && message.holder !== 0) {
      return this.#ask(now, entry.request, message.holder, 'fetch', entry.forwardsLeft - 1);
    }
    this.#host.counters.requestsRefused++;
    if (message.reason === 'bad-proof') return;
    this.#host.refuse(entry.request, message.reason, message.failMac);
  }

  #matching(
    from: MemberId,
    message: { readonly cid: ConnectionId; readonly exchange: number },
    question: Arriving['question'],
  ): Arriving | undefined {
    const entry = this.#arriving.get(message.cid);
    if (entry?.exchange === message.exchange && entry.asked === from && entry.question === question) return entry;
    this.#host.counters.strayAnswers++;
    return undefined;
  }

  /** Another member that gave us an image asks whether we have it. */
  #inquired(now: number, from: MemberId, message: InquiryMessage): void {
    const { cid, epoch, exchange } = message;
    const host = this.#host;
    // A departure of before that image came to us says nothing about it.
    const held = host.connectionOf(cid) !== undefined || (this.former.get(cid, now)?.epoch ?? -1) >= epoch;
    if (!held) {
      const arriving = this.#arriving.get(cid);
      if (arriving !== undefined) this.#giveUp(arriving, 'busy'); // H2
    }
    host.send(from, { kind: held ? 'held' : 'disclaimed', exchange, cid, epoch });
  }

  #inquiryAnswered(now: number, from: MemberId, message: InquiryMessage): void {
    const { cid, exchange } = message;
    // What the member says is true, and may answer other questions, whether we still wait for this one or not.
    const isAsked = (entry: Arriving | Waiting): boolean => entry.exchange === exchange;
    if (!this.#inquiring(cid, from).some(isAsked)) this.#host.counters.strayAnswers++;
    this.#ownerTold(now, from, message);
    const asking = this.#inquiring(cid, from).find(isAsked);
    if (asking !== undefined) this.#proceed(now, asking);
  }

  /** A member says whether it has the image that we gave it; who waits to know that is served. */
  #ownerTold(now: number, from: MemberId, message: OwnershipMessage | InquiryMessage): void {
    const { cid, epoch } = message;
    if (message.kind === 'held' || message.kind === 'installed') this.former.confirm(now, cid, from, epoch);
    else this.former.disclaim(now, cid, from, epoch);
    const former = this.former.get(cid, now);
    if (former?.kind === 'departed' && former.retained.kind === 'unconfirmed') return; // it was about an older departure
    for (const entry of this.#inquiring(cid, from)) this.#proceed(now, entry);
  }

  /** What waits for the member's answer about an image. */
  #inquiring(cid: ConnectionId, asked: MemberId): (Arriving | Waiting)[] {
    const arriving = this.#arriving.get(cid);
    const waiting = [...this.#waiting].filter((entry) => entry.message.cid === cid && entry.asked === asked);
    return arriving?.question === 'inquire' && arriving.asked === asked ? [arriving, ...waiting] : waiting;
  }

  #proceed(now: number, entry: Arriving | Waiting): void {
    this.#forget(entry);
    if (entry.kind === 'arriving') this.request(now, entry.request);
    else this.#fetched(now, entry.from, entry.message);
  }

  #answerRefusal(
    to: MemberId,
    message: FetchMessage,
    reason: RefusalReason,
    key?: Uint8Array,
    holder: MemberId = 0,
  ): void {
    const { exchange, cid, epoch, nonce } = message;
    const mac = key === undefined ? NO_MAC : failMac(key, cid, epoch, refusalCode(reason), nonce);
    this.#host.send(to, { kind: 'refuse', exchange, cid, epoch, reason, holder, failMac: mac });
  }

  /** To the client; a request without proof gets no answer at all. */
  #refuse(request: MoveRequest, reason: RefusalReason, key?: Uint8Array): void {
    const host = this.#host;
    if (reason === 'bad-proof') {
      host.counters.badProofDrops++;
      return;
    }
    host.counters.requestsRefused++;
    const { cid, epoch, nonce } = request.option;
    host.refuse(request, reason, key === undefined ? NO_MAC : failMac(key, cid, epoch, refusalCode(reason), nonce));
  }
}
