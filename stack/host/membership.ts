// What makes a host a member of a service.

import type { ServiceIdentity } from '../migration/keys.js';
import type { MemberAddress } from '../migration/setup-record.js';
import type { MemberId } from '../wire/migrate-options.js';

export interface Membership {
  readonly id: MemberId;
  readonly members: readonly MemberAddress[];
  readonly identity: ServiceIdentity;
}
