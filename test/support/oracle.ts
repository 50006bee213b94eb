// The oracle: watches a world and says, by letter, which invariant of the design was broken.
//
// It knows what every client really asked for and what its application must see, so it believes nobody else. Each invariant
// has a file of its own in `invariants/`; here is when they are asked. S8 (crashes) belongs to the replicated mode, which
// this version does not have.

import type { HostConnection } from '@migratory/stack/internal/host/host-connection.js';
import { decodeImage } from '@migratory/stack/internal/migration/image.js';
import { identityOf } from '@migratory/stack/internal/migration/machine.js';
import type { MigratoryRecord } from '@migratory/stack/internal/migration/record.js';
import type { PeerMessage } from '@migratory/stack/internal/transfer/messages.js';
import { sameAddress, type Address } from '@migratory/stack/internal/wire/address.js';
import type { ConnectionId, MemberId } from '@migratory/stack/internal/wire/migrate-options.js';
import { refusalReason } from '@migratory/stack/internal/wire/refusal-reason.js';
import { FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';
import { Violation } from '../sim/campaign.js';
import type { ClientApplication } from '../sim/client-application.js';
import type { ServerApplication } from '../sim/server-application.js';
import { newFollowed, type Followed } from './followed.js';
import * as s1 from './invariants/s1-stream.js';
import * as s2 from './invariants/s2-one-owner.js';
import * as s3 from './invariants/s3-one-instant.js';
import * as s4 from './invariants/s4-proof.js';
import * as s5 from './invariants/s5-fallback.js';
import * as s6 from './invariants/s6-bounds.js';
import * as s7 from './invariants/s7-commit.js';
import { Member, type ClientMachine, type World } from './world.js';

export class Oracle {
  readonly followed: Followed[] = [];
  readonly #requests = new s4.Requests();
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  follow(client: ClientApplication): Followed {
    const followed = newFollowed(client);
    client.onMove = (report) => {
      followed.clientEpoch = report.epoch;
    };
    this.followed.push(followed);
    return followed;
  }

  /** The connection that a member sees under this cid, or from this address. */
  find(cid: ConnectionId | undefined, remote: Address): Followed | undefined {
    const known = cid === undefined ? undefined : this.followed.find((entry) => entry.cid === cid);
    return known ?? this.#byAddress(remote);
  }

  #byAddress({ ip, port }: Address): Followed | undefined {
    return this.followed.find(
      ({ client }) => client.connection.record.local.port === port && client.machine.publicIps.includes(ip),
    );
  }

  clientTransmits(machine: ClientMachine, to: Address, segment: Segment): void {
    const option = segment.options.migrate;
    if (option?.kind === 'request') {
      const member = this.#world.members.find(({ address }) => sameAddress(address, to));
      this.#requests.note(option.cid, option.epoch, member?.id ?? 0);
      return;
    }
    const followed = this.followed.find(({ client }) => client.machine === machine);
    if (followed === undefined) return;
    s4.noteProof(followed, segment);
    if (!followed.mayBeLost) s2.checkAcknowledges(followed, segment);
  }

  peerMessage(from: MemberId, to: MemberId, message: PeerMessage): void {
    if (!('cid' in message)) return;
    const followed = this.followed.find(({ cid }) => cid === message.cid);
    if (message.kind === 'refuse') {
      s1.checkReason(message.reason);
      if (followed === undefined || followed.mayBeLost) return;
      if (message.reason === 'busy') s7.checkBusy(followed, from, this.#world.member(from).host);
      if (message.reason === 'held-elsewhere') s5.checkPointer(followed, from, message.holder);
      return;
    }
    if (message.kind !== 'image') return;
    this.#requests.checkGiven(message.cid, message.epoch, to);
    if (followed === undefined) return;
    followed.imageTo = to;
    followed.givenBy.set(from, to);
    s2.checkGives(followed);
    const decoded = decodeImage(message.image);
    if (decoded.kind !== 'image') throw new Violation('S1: an unreadable image left');
    s1.checkImageContent(followed, decoded.image);
    s3.checkOneInstant(followed, decoded.image);
  }

  /** The record is about to depart, which takes its image. */
  departing(record: MigratoryRecord): void {
    const followed = this.followed.find(({ owner }) => owner?.application.connection.record === record);
    const member = followed?.owner?.member;
    if (member !== undefined) s3.checkBetweenInputs(record, this.#world.member(member).depth);
  }

  /** The application begins to run at a member. */
  opened(followed: Followed, member: MemberId, connection: HostConnection, application: ServerApplication): void {
    const { record } = connection;
    s2.checkOpens(followed, member);
    followed.cid = cidOf(connection);
    if (record.terms.kind === 'arrived') {
      const epoch = identityOf(record.phase)?.epoch ?? 0;
      this.#requests.checkTaken(followed, member, epoch);
      followed.epoch = epoch;
    }
    followed.firstSequence = record.tcp.send.initialSequence;
    followed.sentOffset = record.tcp.send.highestOffset;
    followed.owner = { member, application };
    followed.ownerCrashed = false;
    followed.lastOwner = member;
  }

  departed(followed: Followed, application: ServerApplication): void {
    s7.checkUnlocked(application);
    s2.checkDeparts(followed, application);
    followed.owner = undefined;
  }

  closed(followed: Followed, application: ServerApplication, reason: string): void {
    if (followed.owner?.application !== application) return;
    followed.owner = undefined;
    followed.serverOutcome = reason;
  }

  confirmed(followed: Followed, { record }: HostConnection): void {
    s4.checkConfirmed(followed, record.remote);
    followed.confirmedEpoch = identityOf(record.phase)?.epoch ?? followed.confirmedEpoch;
  }

  consumed(followed: Followed, offset: number, bytes: Uint8Array): void {
    s1.checkConsumed(followed, offset, bytes);
    followed.consumedLength = Math.max(followed.consumedLength, offset + bytes.length);
  }

  inputEnded(followed: Followed, offset: number): void {
    s1.checkInputEnd(followed, offset);
    followed.sawEnd = true;
  }

  /** Resets and the handshake of a new connection are nobody's. */
  memberTransmits(member: MemberId, to: Address, segment: Segment): void {
    const option = segment.options.migrate;
    if (option?.kind === 'fail') s1.checkReason(refusalReason(option.reason));
    if ((segment.flags & FLAG.rst) !== 0) return;
    if ((segment.flags & FLAG.syn) !== 0 && option?.kind !== 'acknowledge') return;
    const followed = this.#byAddress(to);
    if (followed?.lastOwner === undefined || followed.mayBeLost || !isOfStream(followed, segment)) return;
    s2.checkSpeaks(followed, member, segment);
    if (followed.owner === undefined) return;
    const { connection } = followed.owner.application;
    s1.checkHeld(connection, segment);
    s4.checkProved(followed, connection, segment);
    s2.noteSent(followed, connection, segment);
    if ((segment.flags & FLAG.syn) === 0) s1.checkPromise(followed, connection, segment);
  }

  inputFinished(machine: Member | ClientMachine): void {
    const { host } = machine;
    if (host === undefined) return;
    const now = this.#world.clock.now();
    const name = machine.name;
    s6.checkHost(name, host);
    for (const { client, owner } of this.followed) {
      if (client.machine === machine) s6.checkRecord(name, client.connection.record, now);
      if (machine instanceof Member && owner?.member === machine.id) {
        s6.checkRecord(name, owner.application.connection.record, now);
      }
    }
  }

  crashed(member: MemberId): void {
    for (const followed of this.followed) s5.noteCrash(followed, member, this.#world.member(member).address);
  }

  /** At the end, with every fault healed. */
  assertComplete(): void {
    for (const followed of this.followed) {
      s5.checkOver(followed);
      if (!followed.mayBeLost) s1.checkAllArrived(followed);
    }
  }

  /** Some time after the end. */
  assertEmpty(): void {
    for (const machine of [...this.#world.members, ...this.#world.clients]) {
      if (machine.host !== undefined && !('isGone' in machine && machine.isGone))
        s6.checkEmpty(machine.name, machine.host);
    }
  }
}

/** Whether the segment is of the server's stream; an old SYN makes a half-open connection, whose numbers are others. */
function isOfStream({ firstSequence }: Followed, { sequence }: Segment): boolean {
  return (sequence - firstSequence) >>> 0 < 2 ** 20;
}

/** The cid under which a connection opens at a member; undefined where it does not migrate. */
export function cidOf({ record }: HostConnection): ConnectionId | undefined {
  if (record.phase.kind === 'plain') return undefined;
  return record.terms.kind === 'server' ? record.terms.cid : identityOf(record.phase)?.cid;
}
