// Why a move was refused: one catalogue, for MIGRATE_FAIL on the wire, between members, and in what the user is told.

export const REFUSAL_REASONS = [
  'unknown-connection',
  'stale-epoch',
  'bad-proof',
  'busy',
  'not-movable',
  'closing',
  'image-too-large',
  'image-unreadable',
  'origin-unreachable',
  'held-elsewhere',
  'refused-by-policy',
  'inconsistent',
  'timed-out',
  'state-not-supported',
] as const;

/** Why a member does not give, or does not take, a connection. */
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** The reason's number on the wire, from 1. */
export function refusalCode(reason: RefusalReason): number {
  return REFUSAL_REASONS.indexOf(reason) + 1;
}

/** The reason for a number; an unknown number, from a newer member, reads as a refusal by policy. */
export function refusalReason(code: number): RefusalReason {
  return REFUSAL_REASONS[code - 1] ?? 'refused-by-policy';
}
