// Moves one client's session, again and again, while its client works.

import { setTimeout } from 'node:timers/promises';
import { GatewayControl, type Answer } from '../gateway-control.js';
import type { Interval } from '../interval.js';
import { DemoFailed } from '../failure.js';
import { MOVE_INTERVAL_MS } from './config.js';

/** From the request to the gateway's answer. */
export interface Move extends Interval {
  readonly epoch: number;
}

export class Mover {
  readonly cid: string;
  readonly moves: Move[] = [];
  /** The members that served the session, the present one last. */
  readonly members: number[];
  /** Requests after which the session stayed: busy with a COMMIT, above all. */
  stayedCount = 0;
  readonly #control: GatewayControl;

  private constructor(control: GatewayControl, cid: string, member: number) {
    this.#control = control;
    this.cid = cid;
    this.members = [member];
  }

  /** For the connection that none of the others moves. */
  static async open(controlPath: string, others: readonly Mover[]): Promise<Mover> {
    const control = await GatewayControl.open(controlPath);
    const known = new Set(others.map(({ cid }) => cid));
    const connection = (await control.ask('list')).find(({ cid }) => typeof cid === 'string' && !known.has(cid));
    if (connection === undefined) throw new DemoFailed('the gateway does not know of a client that it has served');
    return new Mover(control, String(connection.cid), Number(connection.member));
  }

  /** Until the signal comes; at once where the last move took longer than it should. Rejects with `DemoFailed`. */
  async work(over: AbortSignal): Promise<void> {
    let dueMs = performance.now() + nextInterval();
    while (await waitUntil(dueMs, over)) {
      const fromMs = performance.now();
      const [answer] = await this.#control.ask(`move ${this.cid}`);
      if (answer !== undefined) this.#note(answer, { fromMs, untilMs: performance.now() });
      dueMs = Math.max(dueMs + nextInterval(), performance.now());
    }
  }

  close(): void {
    this.#control.close();
  }

  #note(answer: Answer, interval: Interval): void {
    if (answer.kind !== 'moved') {
      this.stayedCount++;
      return;
    }
    this.moves.push({ ...interval, epoch: Number(answer.epoch) });
    this.members.push(Number(answer.to));
  }
}

/** Not even: a beat could keep in step with the work, and meet it always at the same place. */
function nextInterval(): number {
  return MOVE_INTERVAL_MS * (0.5 + Math.random());
}

/** Answers false as soon as all is over. */
async function waitUntil(dueMs: number, over: AbortSignal): Promise<boolean> {
  const waited = setTimeout(Math.max(dueMs - performance.now(), 0), true, { signal: over });
  return waited.catch(() => false);
}
