// S7 commit: between `lockState` = 'here' and `unlockState` the connection stays; afterwards nothing keeps it.

import type { Host } from '@migratory/stack/internal/host/host.js';
import type { MemberId } from '@migratory/stack/internal/wire/migrate-options.js';
import type { ServerApplication } from '../../sim/server-application.js';
import { check, type Followed } from '../followed.js';

export function checkUnlocked({ isLocked }: ServerApplication): void {
  check(!isLocked, 'S7', 'a locked connection left');
}

/** A member that runs the connection says 'busy' because of the lock, of a replay that is verified, or of its limits. */
export function checkBusy({ owner }: Followed, member: MemberId, host: Host | undefined): void {
  if (owner?.member !== member || host === undefined) return;
  const { isLocked, connection } = owner.application;
  const isVerifying = connection.record.sync?.replay.kind === 'verifying';
  const isFull = (host.tableSizes().waiting ?? 0) >= host.limits.arrivingCount;
  check(isLocked || isVerifying || isFull, 'S7', 'a connection whose lock is open was kept as if it were locked');
}
