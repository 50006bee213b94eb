// S4 proof: no image leaves and nothing is resumed without proof of possession of the key for that epoch.
//
// The oracle sees what each client really sends, so it needs no key: what no client asked for proves nothing.

import type { MemberId } from '@migratory/stack/internal/wire/migrate-options.js';
import type { ConnectionId } from '@migratory/stack/internal/wire/migrate-options.js';
import type { HostConnection } from '@migratory/stack/internal/host/host-connection.js';
import { identityOf } from '@migratory/stack/internal/migration/machine.js';
import type { Address } from '@migratory/stack/internal/wire/address.js';
import { FLAG, type Segment } from '@migratory/stack/internal/wire/segment.js';
import { check, type Followed } from '../followed.js';

/** What clients have asked for: cid, epoch and destination. */
export class Requests {
  readonly #asked = new Set<string>();

  note(cid: ConnectionId, epoch: number, destination: MemberId): void {
    this.#asked.add(`${cid} ${epoch} ${destination}`);
  }

  checkGiven(cid: ConnectionId, epoch: number, destination: MemberId): void {
    check(this.#asked.has(`${cid} ${epoch} ${destination}`), 'S4', 'an image left that no client asked for');
  }

  /** `member` takes the connection for `epoch`: the client asked for that, and has not gone on elsewhere since. */
  checkTaken(followed: Followed, member: MemberId, epoch: number): void {
    const { cid, epoch: lastEpoch, clientEpoch } = followed;
    const isAsked = this.#asked.has(`${cid ?? ''} ${epoch} ${member}`);
    check(isAsked, 'S4', `member ${member} took what nobody asked it to take`);
    check(epoch > clientEpoch, 'S4', `member ${member} took a connection that has moved on since`);
    check(epoch > lastEpoch, 'S4', `member ${member} took epoch ${epoch} after ${lastEpoch}`);
  }
}

export function noteProof(followed: Followed, segment: Segment): void {
  const option = segment.options.migrate;
  if (option?.kind === 'confirm') followed.provedEpoch = Math.max(followed.provedEpoch, option.epoch);
}

export function checkConfirmed({ client }: Followed, remote: Address): void {
  const isReal = client.machine.publicIps.includes(remote.ip);
  check(isReal, 'S4', `a connection went on with ${remote.ip}, which is not its client`);
}

/** But for its answer a member is silent until the client has proved that it heard it. */
export function checkProved({ provedEpoch }: Followed, { record }: HostConnection, segment: Segment): void {
  if ((segment.flags & FLAG.syn) !== 0) return;
  const epoch = identityOf(record.phase)?.epoch ?? 0;
  check(epoch <= provedEpoch, 'S4', `a member spoke in epoch ${epoch} before its client had proved itself`);
}
