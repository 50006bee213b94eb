// What the front-ends log of transactions that they took over: how often they replayed one, and whether it came out equal.

import type { LogLine } from '../programs.js';

export class Replays {
  count = 0;
  statementCount = 0;
  /** Those in which an answer differed, or that could not be made: the client had to begin again. */
  unequalCount = 0;
  /** By session and epoch. */
  readonly #endedMs = new Map<string, number>();

  note(line: LogLine): void {
    if (line.event !== 'resumed') return;
    this.#endedMs.set(keyOf(String(line.cid), Number(line.epoch)), performance.now());
    this.count++;
    this.statementCount += Number(line.statements);
    if (line.outcome !== 'equal') this.unequalCount++;
  }

  /** Moves inside a transaction. A transaction may be run again more than once behind the same move. */
  get moveCount(): number {
    return this.#endedMs.size;
  }

  /** When the session could go on; undefined where it had no open transaction when it moved. */
  endedMs(cid: string, epoch: number): number | undefined {
    return this.#endedMs.get(keyOf(cid, epoch));
  }
}

function keyOf(cid: string, epoch: number): string {
  return `${cid} ${epoch}`;
}
