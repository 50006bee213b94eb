// S5 fallback: whatever fails during a move, the connection is afterwards on exactly one member and alive, unless all
// members that hold it are dead.
//
// Every fault of a run is healed at some time, so in the end both sides of every connection must have all that they wanted.

import type { MemberId } from '@migratory/stack/internal/wire/migrate-options.js';
import type { Address } from '@migratory/stack/internal/wire/address.js';
import { sameAddress } from '@migratory/stack/internal/wire/address.js';
import { check, type Followed } from '../followed.js';

/** A member's process is gone: what it alone held may be lost. */
export function noteCrash(followed: Followed, member: MemberId, address: Address): void {
  const { owner } = followed;
  if (owner?.member === member || (owner === undefined && mayHoldAlone(followed, member, address))) {
    followed.mayBeLost = true;
  }
  // Nor does anybody know that it had ended there, where its client has not accepted that member.
  const isUnheard = owner === undefined && followed.lastOwner === member && followed.clientEpoch < followed.epoch;
  if (isUnheard) followed.serverOutcome = undefined;
  if (owner?.member !== member) return;
  followed.owner = undefined;
  followed.ownerCrashed = true;
}

/** While nobody runs it the image is on its way, or its last owner keeps it. */
function mayHoldAlone({ lastOwner, client }: Followed, member: MemberId, address: Address): boolean {
  if (lastOwner !== undefined) return lastOwner === member;
  return sameAddress(client.connection.record.remote, address);
}

/** Who sends others on names the member to which it gave the connection. */
export function checkPointer({ givenBy }: Followed, member: MemberId, holder: MemberId): void {
  const to = givenBy.get(member) ?? 0;
  check(holder === to, 'S5', `member ${member} says that member ${holder} has what it gave to member ${to}`);
}

export function checkOver(followed: Followed): void {
  const { client, serverOutcome, mayBeLost } = followed;
  check(client.isOver, 'S5', 'a client hangs');
  if (mayBeLost) return;
  check(client.missing === undefined, 'S5', `the client ${client.missing ?? ''}`);
  // The last acknowledgment of all may be lost for longer than the client stays to repeat it; where it was the confirmation
  // of a move, the member waits for that until it gives up.
  const isOver =
    serverOutcome === 'finished' ||
    serverOutcome === 'reset' ||
    (serverOutcome === 'timed-out' && followed.confirmedEpoch < followed.clientEpoch);
  check(isOver, 'S5', `the server ended as '${serverOutcome ?? 'open'}'`);
}
