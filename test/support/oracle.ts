// The oracle: watches a world and says, by letter, which invariant of the design was broken (S1 to S7).
//
// It knows what every client really asked for and what its application must see, so it believes nobody else.

import type { HostConnection } from '@migratory/stack/internal/host/host-connection.js';
import { identityOf } from '@migratory/stack/internal/migration/machine.js';
import type { PeerMessage } from '@migratory/stack/internal/transfer/messages.js';
import { decodeImage } from '@migratory/stack/internal/migration/image.js';
import { sameAddress, type Address } from '@migratory/stack/internal/wire/address.js';
import type { ConnectionId, MemberId } from '@migratory/stack/internal/wire/migrate-options.js';
import { sendOffsetOf } from '@migratory/stack/internal/tcp/connection.js';
import { refusalReason } from '@migratory/stack/internal/wire/refusal-reason.js';
import { FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';
import type { ClientApplication } from '../sim/client-application.js';
import type { ServerApplication } from '../sim/server-application.js';
import type { World } from './world.js';

/** Of offsets that contradict each other there are none, unless one side took what the other never sent. */
const INCONSISTENT = 'a client that proved itself was found inconsistent';

/** An invariant of the design that a run has broken. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

interface Owner {
  readonly member: MemberId;
  readonly application: ServerApplication;
}

/** One connection, as the oracle follows it. */
export interface Followed {
  readonly client: ClientApplication;
  cid: ConnectionId | undefined;
  /** Who runs the application now, and who did last. */
  owner: Owner | undefined;
  lastOwner: MemberId | undefined;
  /** To whom the image was given last. */
  imageTo: MemberId | undefined;
  /** The server's initial sequence number. */
  firstSequence: number;
  /** The epoch in which the last owner took it. */
  epoch: number;
  /** The epoch in which the client last accepted a member. */
  clientEpoch: number;
  /** Furthest input offset that a server consumed, and whether one saw its end. */
  consumedLength: number;
  sawEnd: boolean;
  serverOutcome: string | undefined;
  /** All that held it has crashed: nothing more can be asked of it (S5). */
  mayBeLost: boolean;
}

export class Oracle {
  readonly followed: Followed[] = [];
  /** What clients have asked for: cid, epoch and destination. */
  readonly #asked = new Set<string>();
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  follow(client: ClientApplication): Followed {
    const followed: Followed = {
      client,
      cid: undefined,
      owner: undefined,
      lastOwner: undefined,
      imageTo: undefined,
      firstSequence: 0,
      epoch: 0,
      clientEpoch: 0,
      consumedLength: 0,
      sawEnd: false,
      serverOutcome: undefined,
      mayBeLost: false,
    };
    client.onMove = (report) => {
      followed.clientEpoch = report.epoch;
    };
    this.followed.push(followed);
    return followed;
  }

  /** The connection that a member sees under this cid, or from this address. */
  find(cid: ConnectionId, remote: Address): Followed | undefined {
    return this.followed.find((entry) => entry.cid === cid) ?? this.#byAddress(remote);
  }

  #byAddress({ ip, port }: Address): Followed | undefined {
    return this.followed.find(
      ({ client }) => client.connection.record.local.port === port && client.machine.publicIps.includes(ip),
    );
  }

  clientTransmits(to: Address, segment: Segment): void {
    const option = segment.options.migrate;
    if (option?.kind !== 'request') return;
    const member = this.#world.members.find(({ address }) => sameAddress(address, to));
    this.#asked.add(`${option.cid} ${option.epoch} ${member?.id ?? 0}`);
  }

  /** S4: an image leaves only for what the connection's client asked for. */
  peerMessage(to: MemberId, message: PeerMessage): void {
    if (message.kind === 'refuse') check(message.reason !== 'inconsistent', 'S1', INCONSISTENT);
    if (message.kind !== 'image') return;
    check(this.#asked.has(`${message.cid} ${message.epoch} ${to}`), 'S4', 'an image left that no client asked for');
    const followed = this.followed.find(({ cid }) => cid === message.cid);
    if (followed !== undefined) followed.imageTo = to;
    check(followed?.owner === undefined, 'S2', `an image left while member ${followed?.owner?.member ?? 0} runs it`);
    check(decodeImage(message.image).kind === 'image', 'S1', 'an unreadable image left');
  }

  /** S2, S4. The application begins to run at a member. */
  opened(followed: Followed, member: MemberId, connection: HostConnection, application: ServerApplication): void {
    const { record } = connection;
    const cid = cidOf(connection);
    if (cid === undefined) throw new Violation('a member opened a connection that does not migrate');
    const identity = identityOf(record.phase);
    const { owner } = followed;
    check(owner === undefined, 'S2', `member ${member} runs a connection that runs at member ${owner?.member ?? 0}`);
    check(followed.serverOutcome === undefined, 'S2', `member ${member} runs a connection that had ended`);
    if (record.terms.kind === 'arrived') {
      const epoch = identity?.epoch ?? 0;
      check(this.#asked.has(`${cid} ${epoch} ${member}`), 'S4', `member ${member} took what nobody asked it to take`);
      check(epoch > followed.clientEpoch, 'S4', `member ${member} took a connection that has moved on since`);
      check(
        epoch > followed.epoch || (epoch === followed.epoch && member === followed.lastOwner),
        'S4',
        `member ${member} took epoch ${epoch} after ${followed.epoch}`,
      );
      followed.epoch = epoch;
    }
    followed.cid = cid;
    followed.firstSequence = record.tcp.send.initialSequence;
    followed.owner = { member, application };
    followed.lastOwner = member;
  }

  departed(followed: Followed, application: ServerApplication): void {
    check(!application.isLocked, 'S7', 'a locked connection left');
    check(followed.owner?.application === application, 'S2', 'who did not run the connection gave it away');
    followed.owner = undefined;
  }

  closed(followed: Followed, application: ServerApplication, reason: string): void {
    if (followed.owner?.application !== application) return;
    followed.owner = undefined;
    followed.serverOutcome = reason;
  }

  confirmed(followed: Followed, remote: Address): void {
    const isReal = followed.client.machine.publicIps.includes(remote.ip);
    check(isReal, 'S4', `a connection went on with ${remote.ip}, which is not its client`);
  }

  consumed(followed: Followed, offset: number, bytes: Uint8Array): void {
    const { input } = followed.client.content;
    const expected = input.subarray(offset, offset + bytes.length);
    check(Buffer.compare(expected, bytes) === 0, 'S1', `wrong bytes at offset ${offset} of the server's input`);
    followed.consumedLength = Math.max(followed.consumedLength, offset + bytes.length);
  }

  inputEnded(followed: Followed, offset: number): void {
    const { length } = followed.client.content.input;
    check(offset === length, 'S1', `the server's input ended after ${offset} of ${length} bytes`);
    followed.sawEnd = true;
  }

  /** S2 on the wire: only the owner speaks for a connection. Resets and the handshake of a new connection are nobody's. */
  memberTransmits(member: MemberId, to: Address, segment: Segment): void {
    const option = segment.options.migrate;
    if (option?.kind === 'fail') check(refusalReason(option.reason) !== 'inconsistent', 'S1', INCONSISTENT);
    if ((segment.flags & FLAG.rst) !== 0) return;
    if ((segment.flags & FLAG.syn) !== 0 && segment.options.migrate?.kind === 'capable') return;
    const followed = this.#byAddress(to);
    if (followed?.lastOwner === undefined || followed.mayBeLost || !isOfStream(followed, segment)) return;
    // The answer to a request is the first thing that a member says, before the application runs.
    const isAnswer = segment.options.migrate?.kind === 'acknowledge' && followed.owner === undefined;
    if (isAnswer && (followed.imageTo === member || followed.lastOwner === member)) return;
    check(followed.lastOwner === member, 'S2', `member ${member} spoke, the owner is ${followed.lastOwner}`);
    const isOwned = followed.owner !== undefined || followed.serverOutcome !== undefined;
    check(isOwned, 'S2', `member ${member} spoke for a connection that it had given away`);
    if (followed.owner !== undefined) assertHeld(followed.owner.application.connection, segment);
  }

  crashed(member: MemberId): void {
    for (const followed of this.followed) {
      if (followed.owner?.member === member || (followed.owner === undefined && this.#mayHoldAlone(followed, member))) {
        followed.mayBeLost = true;
      }
      if (followed.owner?.member === member) followed.owner = undefined;
    }
  }

  /** While nobody runs it the image is on its way, or its last owner keeps it. */
  #mayHoldAlone({ lastOwner, client }: Followed, member: MemberId): boolean {
    if (lastOwner !== undefined) return lastOwner === member;
    return sameAddress(client.connection.record.remote, this.#world.member(member).address);
  }

  /** S1, S5: at the end, with every fault healed. */
  assertComplete(): void {
    for (const followed of this.followed) {
      const { client } = followed;
      check(client.isOver, 'S5', 'a client hangs');
      if (followed.mayBeLost) continue;
      check(client.missing === undefined, 'S5', `the client ${client.missing ?? ''}`);
      // The last acknowledgment of all may be lost for longer than the client stays to repeat it.
      const isOver = followed.serverOutcome === 'finished' || followed.serverOutcome === 'reset';
      check(isOver, 'S5', `the server ended as '${followed.serverOutcome ?? 'open'}'`);
      check(followed.consumedLength === client.content.input.length, 'S1', 'the server did not get all input');
      check(followed.sawEnd, 'S1', 'the server never saw the end of its input');
    }
  }

  /** S6: nothing is left of connections that are over. */
  assertEmpty(): void {
    const { members, clients } = this.#world;
    const hosts = [
      ...members.map(({ id, host }) => [`member ${id}`, host] as const),
      ...clients.map(({ index, host }) => [`client ${index}`, host] as const),
    ];
    for (const [name, host] of hosts) {
      for (const [table, size] of Object.entries(host?.tableSizes() ?? {})) {
        check(size === 0, 'S6', `${size} left in ${table} of ${name}`);
      }
    }
  }
}

/** Whether the segment is of the server's stream; an old SYN makes a half-open connection, whose numbers are others. */
function isOfStream({ firstSequence }: Followed, { sequence }: Segment): boolean {
  return (sequence - firstSequence) >>> 0 < 2 ** 20;
}

/** Section 5: in mode 'held' what leaves is covered by the snapshot, or had left before the mode was asked for. */
function assertHeld({ record: { sync, tcp } }: HostConnection, segment: Segment): void {
  if (sync?.mode !== 'held' || segment.payloadLength === 0) return;
  const endOffset = sendOffsetOf(tcp, segment.sequence) + segment.payloadLength;
  const coveredOffset = Math.max(sync.snapshot?.outputOffset ?? 0, sync.firstOutputOffset, sync.suppressBelow);
  check(endOffset <= coveredOffset, 'S1', 'output left that no snapshot covers');
}

/** The cid under which a connection opens at a member. */
export function cidOf({ record }: HostConnection): ConnectionId | undefined {
  const { terms } = record;
  return terms.kind === 'server' ? terms.cid : identityOf(record.phase)?.cid;
}

function check(condition: boolean, invariant: string, what: string): void {
  if (!condition) throw new Violation(`${invariant}: ${what}`);
}
