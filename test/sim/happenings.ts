// What may happen to a world from outside, and how a seed draws it.

import type { PeerMessage } from '@migratory/stack/internal/transfer/messages.js';
import type { Draw } from './draw.js';
import { STRANGER_HABITS, type StrangerHabit } from './stranger.js';

/** Something that happens to the world at a time. Members and clients are numbers that are taken modulo their count. */
export type Happening =
  | { readonly kind: 'move' | 'advise'; readonly client: number; readonly to: number }
  | { readonly kind: 'pull'; readonly from: number; readonly to: number; readonly count: number }
  | { readonly kind: 'rebind'; readonly client: number }
  /** The client resets its connection, or its machine falls silent. */
  | { readonly kind: 'end'; readonly client: number; readonly how: 'abort' | 'vanish' }
  | { readonly kind: 'stranger'; readonly member: number; readonly habit: StrangerHabit }
  /** The member is gone; takes nothing new; can't go on from others' states. */
  | { readonly kind: 'crash' | 'drain' | 'decline'; readonly member: number; readonly forMs: number }
  | { readonly kind: 'cut-members' | 'cut-client'; readonly from: number; readonly to: number; readonly forMs: number }
  /** No member's answer reaches the client, whose requests all arrive. */
  | { readonly kind: 'deafen'; readonly client: number; readonly forMs: number }
  /** All applications do nothing. */
  | { readonly kind: 'sleep'; readonly forMs: number }
  /** Something befalls the next message of a kind between any two members. */
  | {
      readonly kind: 'sabotage';
      readonly message: PeerMessage['kind'];
      readonly fault: 'lose' | 'crash-sender' | 'crash-receiver';
      /** How long who crashes is away. */
      readonly forMs: number;
      /** So many of the newest requests come again, in the time of two handoffs. */
      readonly echoes: number;
    }
  | { readonly kind: 'replay' | 'forge' | 'repeat' | 'stale'; readonly count: number }
  /** From now on old segments follow each answer that a member gives to a request. */
  | { readonly kind: 'ambush' }
  /** From now on the attacker says from its own address whatever clients say to ask for moves and to confirm them. */
  | { readonly kind: 'mimic' }
  /** The client moves as soon as its member's FIN, and whatever of the rest arrives at all, has reached it. */
  | { readonly kind: 'move-at-end'; readonly client: number; readonly to: number };

export interface TimedHappening {
  readonly atMs: number;
  readonly happening: Happening;
}

const DAY_MS = 86_400_000;

/** What an operator, or chance, does to connections. */
export function drawMoves(draw: Draw, durationMs: number): TimedHappening[] {
  const kinds = draw.some(['move', 'advise', 'pull', 'rebind'] as const);
  const count = draw.pick([3, 6, 12, 30]);
  const burst = draw.chance(0.3);
  const burstAt = draw.fraction();
  return Array.from({ length: count }, () => {
    const atMs = (burst ? burstAt + draw.fraction() * 0.1 : draw.fraction()) * durationMs;
    const [client, to] = [draw.below(12), draw.below(12)];
    const kind = draw.pick(kinds);
    switch (kind) {
      case 'rebind':
        return { atMs, happening: { kind, client } };
      case 'pull':
        return { atMs, happening: { kind, from: client, to, count: draw.between(1, 4) } };
      default:
        return { atMs, happening: { kind, client, to } };
    }
  });
}

const FAULTS = [
  'crash',
  'drain',
  'decline',
  'cut-members',
  'cut-client',
  'replay',
  'forge',
  'repeat',
  'stale',
] as const;

export function drawFaults(draw: Draw, durationMs: number): TimedHappening[] {
  if (draw.chance(0.35)) return [];
  const kinds = draw.some(FAULTS);
  return Array.from({ length: draw.pick([1, 2, 5]) }, () => {
    const atMs = draw.fraction() * durationMs;
    const forMs = draw.fraction() * draw.pick([30, 1_000, 6_000]);
    const [from, to] = [draw.below(12), draw.below(12)];
    const kind = draw.pick(kinds);
    switch (kind) {
      case 'crash':
      case 'drain':
      case 'decline':
        return { atMs, happening: { kind, member: from, forMs } };
      case 'cut-members':
      case 'cut-client':
        return { atMs, happening: { kind, from, to, forMs } };
      default:
        return { atMs, happening: { kind, count: draw.between(1, 20) } };
    }
  });
}

/** Those who never get as far as a move: strangers, and clients that end in the middle of anything. */
export function drawEnds(draw: Draw, durationMs: number): TimedHappening[] {
  const kinds = draw.some(['stranger', 'end'] as const);
  return Array.from({ length: draw.between(1, 4) }, () => {
    // Often at the very beginning, when set-up is under way.
    const atMs = draw.fraction() * durationMs * draw.pick([0.02, 1]);
    const index = draw.below(12);
    return draw.pick(kinds) === 'end'
      ? { atMs, happening: { kind: 'end', client: index, how: draw.pick(['abort', 'vanish'] as const) } }
      : { atMs, happening: { kind: 'stranger', member: index, habit: draw.pick(STRANGER_HABITS) } };
  });
}

/** Every client's machine falls silent. */
export function drawVanishing(draw: Draw, durationMs: number, clientCount: number): TimedHappening[] {
  return Array.from({ length: clientCount }, (_, client): TimedHappening => {
    return { atMs: draw.fraction() * durationMs, happening: { kind: 'end', client, how: 'vanish' } };
  });
}

const MESSAGES = ['fetch', 'image', 'refuse', 'installed', 'returned', 'inquire', 'held', 'disclaimed'] as const;

/** Moves to and fro, while the messages about them are lost and requests come again. */
export function drawDuel(draw: Draw, durationMs: number, clientCount: number): TimedHappening[] {
  const messages = draw.some(MESSAGES);
  const faults = draw.chance(0.5) ? (['lose'] as const) : (['lose', 'crash-sender', 'crash-receiver'] as const);
  const at = (): number => draw.fraction() * durationMs;
  const moves = Array.from({ length: draw.pick([2, 5, 10]) }, (): TimedHappening => {
    const happening = { client: draw.below(clientCount), to: draw.below(12) };
    return { atMs: at(), happening: { kind: 'move', ...happening } };
  });
  const sabotages = Array.from({ length: draw.pick([1, 2, 5]) }, (): TimedHappening => {
    const forMs = draw.fraction() * draw.pick([30, 1_000]);
    const message = draw.chance(0.4) ? 'image' : draw.pick(messages);
    const happening = { message, fault: draw.pick(faults), forMs, echoes: draw.pick([0, 8, 16]) };
    return { atMs: at(), happening: { kind: 'sabotage', ...happening } };
  });
  const repeats = Array.from({ length: draw.pick([0, 10, 40]) }, (): TimedHappening => {
    // Some come when the connections are long over.
    return { atMs: at() * draw.pick([1, 1, 4]), happening: { kind: 'repeat', count: draw.between(1, 3) } };
  });
  const cuts = Array.from({ length: draw.pick([0, 1, 3]) }, (): TimedHappening => {
    const [from, to] = [draw.below(12), draw.below(12)];
    const kind = draw.pick(['cut-members', 'cut-client', 'cut-client'] as const);
    return { atMs: at(), happening: { kind, from, to, forMs: draw.fraction() * draw.pick([30, 1_000]) } };
  });
  // The connection goes from member to member without its client's knowing.
  const deafenings = Array.from({ length: draw.pick([0, 1, 2]) }, (): TimedHappening => {
    const happening = { client: draw.below(clientCount), forMs: draw.pick([100, 1_000, 4_000]) };
    return { atMs: at(), happening: { kind: 'deafen', ...happening } };
  });
  // None of them can go on from any state for a while, not even from one of its own.
  const declineAtMs = at();
  const declines = Array.from({ length: draw.chance(0.4) ? draw.pick([2, 4]) : 0 }, (_, member): TimedHappening => {
    return { atMs: declineAtMs, happening: { kind: 'decline', member, forMs: draw.pick([100, 1_000, 3_000]) } };
  });
  return [...moves, ...sabotages, ...repeats, ...cuts, ...deafenings, ...declines];
}

/**
 * A member has the connection and nobody knows: not who gave it, whose pointer is never confirmed, and not the client, which
 * asks others in vain until it is answered. What it asked them comes again when the connection has long gone on, or ended.
 */
export function drawForgetting(
  draw: Draw,
  durationMs: number,
  { memberCount, attemptMs }: { readonly memberCount: number; readonly attemptMs: number },
): TimedHappening[] {
  const atMs = draw.fraction() * 0.3 * durationMs;
  const [to, next] = [draw.below(memberCount), draw.below(memberCount)];
  const deafMs = attemptMs * (memberCount - draw.fraction());
  const others = Array.from({ length: memberCount }, (_, member) => member).filter((member) => member !== to);
  const again = Array.from({ length: 20 }, (_, index): TimedHappening => {
    return { atMs: atMs + deafMs + attemptMs * (1 + 0.5 * index), happening: { kind: 'repeat', count: 1 } };
  });
  return [
    { atMs, happening: { kind: 'sabotage', message: 'installed', fault: 'lose', forMs: 0, echoes: 0 } },
    { atMs, happening: { kind: 'move', client: 0, to } },
    { atMs, happening: { kind: 'deafen', client: 0, forMs: deafMs } },
    ...others.map((member): TimedHappening => {
      const forMs = deafMs + attemptMs * memberCount;
      return { atMs, happening: { kind: 'cut-client', from: 0, to: member, forMs } };
    }),
    { atMs: atMs + deafMs + attemptMs * (memberCount + 1), happening: { kind: 'move', client: 0, to: next } },
    ...again,
  ];
}

/** Moves to and fro in quick succession: what the first member sent is still about when it serves again. */
export function drawStaleTraffic(
  draw: Draw,
  durationMs: number,
  { clientCount, roundTripMs }: { readonly clientCount: number; readonly roundTripMs: number },
): TimedHappening[] {
  const happenings: TimedHappening[] = [{ atMs: 0, happening: { kind: 'ambush' } }];
  if (draw.chance(0.5)) happenings.push({ atMs: 0, happening: { kind: 'mimic' } });
  for (let round = draw.pick([2, 5, 10]); round > 0; round--) {
    const [client, one, other] = [draw.below(clientCount), draw.below(12), draw.below(12)];
    const atMs = draw.fraction() * durationMs;
    const stayMs = roundTripMs * draw.pick([1, 2, 5]);
    for (const [index, to] of [other, one, other, one].entries()) {
      happenings.push({ atMs: atMs + index * stayMs, happening: { kind: 'move', client, to } });
    }
  }
  for (let count = draw.pick([0, 20]); count > 0; count--) {
    happenings.push({ atMs: draw.fraction() * durationMs, happening: { kind: 'stale', count: draw.between(1, 5) } });
  }
  return happenings;
}

/** Every client moves at the end of its member's stream, and the end may be there before what comes before it. */
export function drawEndings(draw: Draw, clientCount: number): TimedHappening[] {
  return Array.from({ length: clientCount }, (_, client): TimedHappening => {
    return { atMs: 0, happening: { kind: 'move-at-end', client, to: draw.below(12) } };
  });
}

/** Silence for so long that timestamps, which wrap in 49 days, have become meaningless. */
export function drawSleep(draw: Draw, durationMs: number): TimedHappening[] {
  const forMs = draw.pick([0.1, 20, 23.9, 24.9, 30, 48, 60]) * DAY_MS;
  return [{ atMs: draw.fraction() * durationMs * 0.8, happening: { kind: 'sleep', forMs } }];
}
