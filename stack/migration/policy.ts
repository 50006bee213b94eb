// When to move: pure functions from measurements to advice, never mixed with the mechanism.

import type { MemberId } from '../wire/migrate-options.js';

/** What a policy may go by. */
export interface Measurements {
  /** Retransmission time-outs in a row without any acknowledgment. */
  readonly consecutiveTimeouts: number;
  /** The member that serves now, and all members, as the client knows them. */
  readonly member: MemberId;
  readonly members: readonly MemberId[];
}

/** What a policy says. */
export type Advice = { readonly kind: 'stay' } | { readonly kind: 'move'; readonly to: MemberId };

/** From measurements to advice; without state, clock or effect. */
export type Policy = (measurements: Measurements) => Advice;

/** The client's default: when the path to the member has gone silent, try the next member. */
export function leaveSilentMember(timeoutCount: number): Policy {
  return ({ consecutiveTimeouts, member, members }) => {
    if (consecutiveTimeouts < timeoutCount || members.length < 2) return { kind: 'stay' };
    const next = members[(members.indexOf(member) + 1) % members.length];
    return next === undefined || next === member ? { kind: 'stay' } : { kind: 'move', to: next };
  };
}

/**
 * Never move by oneself; requests and triggers still do.
 *
 * @public
 */
export const stay: Policy = () => ({ kind: 'stay' });
