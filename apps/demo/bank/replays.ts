// What the front-ends log of transactions that they took over: how often they replayed one, and whether it came out equal.

import type { LogLine } from '../programs.js';

export class Replays {
  /** Of transactions: a session that moves outside of one has nothing to replay. */
  count = 0;
  statementCount = 0;
  /** Those in which an answer differed, so that the client had to begin again. */
  differentCount = 0;
  readonly #endedMs = new Map<string, number>();

  note(line: LogLine): void {
    if (line.event !== 'resumed') return;
    this.#endedMs.set(keyOf(String(line.cid), Number(line.epoch)), performance.now());
    const statementCount = Number(line.statements);
    if (statementCount === 0) return;
    this.count++;
    this.statementCount += statementCount;
    if (line.outcome === 'different') this.differentCount++;
  }

  /** When the session was taken over; undefined where nobody has logged it. */
  endedMs(cid: string, epoch: number): number | undefined {
    return this.#endedMs.get(keyOf(cid, epoch));
  }
}

function keyOf(cid: string, epoch: number): string {
  return `${cid} ${epoch}`;
}
