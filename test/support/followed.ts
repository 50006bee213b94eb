// One connection, as the oracle follows it: what its client asked for and saw, who runs it, what has been promised.

import type { ConnectionId, MemberId } from '@migratory/stack/internal/wire/migrate-options.js';
import type { ClientApplication } from '../sim/client-application.js';
import { Violation } from '../sim/campaign.js';
import type { ServerApplication } from '../sim/server-application.js';

export interface Owner {
  readonly member: MemberId;
  readonly application: ServerApplication;
}

export interface Followed {
  readonly client: ClientApplication;
  cid: ConnectionId | undefined;
  /** Who runs the application now, and who did last. */
  owner: Owner | undefined;
  lastOwner: MemberId | undefined;
  /** To whom the image was given last, and by each member that gave one. */
  imageTo: MemberId | undefined;
  readonly givenBy: Map<MemberId, MemberId>;
  /** The epoch in which the last owner took it. */
  epoch: number;
  /** The epoch in which the client last accepted a member, and the last one for which it sent its proof. */
  clientEpoch: number;
  provedEpoch: number;
  /** The last epoch for which a member has had the client's proof. */
  confirmedEpoch: number;
  /** The server's initial sequence number. */
  firstSequence: number;
  /** Offsets: how far the owner's stream was sent by it, and how far it has opened its window. */
  sentOffset: number;
  promisedOffset: number;
  /** Furthest input offset that a server consumed, and whether one saw its end. */
  consumedLength: number;
  sawEnd: boolean;
  serverOutcome: string | undefined;
  /** Its last owner's process has died while it ran it. */
  ownerCrashed: boolean;
  /** Nothing more can be asked of it (S5): all that held it has crashed, or somebody ended it on purpose. */
  mayBeLost: boolean;
}

export function newFollowed(client: ClientApplication): Followed {
  return {
    client,
    cid: undefined,
    owner: undefined,
    lastOwner: undefined,
    imageTo: undefined,
    givenBy: new Map(),
    epoch: 0,
    clientEpoch: 0,
    provedEpoch: 0,
    confirmedEpoch: 0,
    firstSequence: 0,
    sentOffset: 0,
    promisedOffset: 0,
    consumedLength: 0,
    sawEnd: false,
    serverOutcome: undefined,
    ownerCrashed: false,
    mayBeLost: false,
  };
}

export type InvariantName = 'S1' | 'S2' | 'S3' | 'S4' | 'S5' | 'S6' | 'S7';

export function check(condition: boolean, invariant: InvariantName, what: string): void {
  if (!condition) throw new Violation(`${invariant}: ${what}`);
}
