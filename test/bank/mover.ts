// The nemesis that moves: at random instants it asks the gateway to move a client's session to another member.
//
// It has no timer of its own. Whatever any client does gives it a pulse, and what is due by then happens: between two
// statements of this client, and while others wait for an answer. So it also never goes on after the clients.

import type { Draw } from '../sim/draw.js';
import type { Gateway } from '@migratory/gateway/gateway';
import type { MoveOutcome } from '@migratory/stack';
import type { Tally } from './tally.js';
import { portOf } from './whereabouts.js';

/** How often each session moves, on the average. */
export type Pace =
  | { readonly kind: 'by the clock'; readonly movesPerSecond: number }
  /** As often on a busy machine as on an idle one: steps are what clients do, all of them together. */
  | { readonly kind: 'by steps'; readonly stepCount: number };

export interface MoverOptions {
  readonly gateway: Gateway;
  readonly memberCount: number;
  readonly draw: Draw;
  readonly pace: Pace;
  readonly tally: Tally;
  /** Told before each move: which session, and where to. */
  readonly asked?: (port: number, member: number) => void;
}

interface Followed {
  /** In milliseconds, or in steps. */
  dueAt: number;
  isMoving: boolean;
}

export class Mover {
  readonly #options: MoverOptions;
  readonly #followed = new Map<number, Followed>();
  readonly #underWay = new Set<Promise<unknown>>();
  #stepCount = 0;
  #longestStallMs = 0;

  constructor(options: MoverOptions) {
    this.#options = options;
  }

  /** Moves the session with that port on the client's side from now on. */
  follow(port: number): void {
    this.#followed.set(port, { dueAt: this.#nextAt(), isMoving: false });
  }

  leave(port: number): void {
    this.#followed.delete(port);
  }

  get longestStallMs(): number {
    return this.#longestStallMs;
  }

  pulse(): void {
    this.#stepCount++;
    const now = this.#now;
    for (const [port, followed] of this.#followed) {
      if (followed.isMoving || followed.dueAt > now) continue;
      followed.isMoving = true;
      const move = this.#move(port).finally(() => {
        followed.isMoving = false;
        followed.dueAt = this.#nextAt();
        this.#underWay.delete(move);
      });
      this.#underWay.add(move);
    }
  }

  /** Resolves when no move is under way any more. */
  async settle(): Promise<void> {
    this.#followed.clear();
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  get #now(): number {
    return this.#options.pace.kind === 'by steps' ? this.#stepCount : performance.now();
  }

  /** The gaps between moves are drawn exponentially: some follow each other at once. */
  #nextAt(): number {
    const { draw, pace } = this.#options;
    const meanGap = pace.kind === 'by steps' ? pace.stepCount : 1_000 / pace.movesPerSecond;
    return this.#now - Math.log(1 - draw.fraction()) * meanGap;
  }

  async #move(port: number): Promise<void> {
    const { gateway, memberCount, draw, asked } = this.#options;
    const state = gateway.connections.find(({ client }) => portOf(client) === port);
    if (state?.cid === undefined || state.cid === null) return;
    const others = Array.from({ length: memberCount }, (_, index) => index + 1).filter((id) => id !== state.member);
    const to = draw.pick(others);
    asked?.(port, to);
    await gateway.move(state.cid, to, (outcome) => this.#count(outcome));
  }

  #count(outcome: MoveOutcome): void {
    const { tally } = this.#options;
    switch (outcome.kind) {
      case 'moved':
        this.#longestStallMs = Math.max(this.#longestStallMs, outcome.report.stallMs);
        return tally.count('moves', 'moved');
      case 'stayed': {
        const reasons = outcome.report.refusals.map(({ reason }) => reason);
        return tally.count('moves', `stayed: ${[...new Set(reasons)].sort().join(', ')}`);
      }
      case 'impossible':
        return tally.count('moves', `impossible: ${outcome.cause}`);
      case 'lost':
        return tally.count('moves', `lost: ${outcome.reason}`);
    }
  }
}
