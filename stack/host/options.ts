// What a host is made of, and where its outputs go.

import type { MigrationLimits } from '../migration/config.js';
import type { ServiceIdentity } from '../migration/keys.js';
import type { MemberAddress } from '../migration/setup-record.js';
import type { PeerMessage } from '../transfer/messages.js';
import type { Address } from '../wire/address.js';
import type { MemberId } from '../wire/migrate-options.js';
import type { Segment } from '../wire/segment.js';
import type { HostLimits } from './config.js';
import type { TcpChoice } from './paths.js';

/** What makes a host a member of a service. */
export interface Membership {
  readonly id: MemberId;
  readonly members: readonly MemberAddress[];
  readonly identity: ServiceIdentity;
}

export interface HostOptions extends TcpChoice {
  readonly migration: MigrationLimits;
  readonly limits: HostLimits;
  readonly membership: Membership | undefined;
  /** Randomness that nobody can guess. */
  readonly drawRandom: (length: number) => Uint8Array;
}

/** Where the host's outputs go. None of these calls the host back before it returns. */
export interface HostSink {
  transmit(local: Address, remote: Address, segment: Segment): void;
  sendToPeer(to: MemberId, message: PeerMessage): void;
}
