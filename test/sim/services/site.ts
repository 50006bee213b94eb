// A site: what the handlers of one member's process are given besides their connections.
//
// It makes them wait as a disk or a database would, and shows the oracle what they do.

import type { StageIo, Transition } from '@migratory/framework';
import type { Draw } from '../draw.js';
import type { Machine } from './machine.js';
import type { Oracle } from './oracle.js';
import type { Outside } from './outside.js';
import { SeenIo, type Counted } from './seen-io.js';

export interface Pace {
  readonly workRate: number;
  readonly maxWorkMs: number;
}

export class Site {
  /** What stages have opened and not closed. */
  openCount = 0;
  /** Runs of stages that have not returned. */
  runningCount = 0;
  readonly machine: Machine;
  /** Whether the member's stack keeps the connection from leaving. */
  isLocked: (cid: string | undefined) => boolean = () => false;
  readonly #oracle: Oracle;
  readonly #draw: Draw;
  readonly #pace: Pace;
  readonly #outside: Outside;

  constructor(machine: Machine, oracle: Oracle, draw: Draw, pace: Pace, outside: Outside) {
    this.#outside = outside;
    this.machine = machine;
    this.#oracle = oracle;
    this.#draw = draw;
    this.#pace = pace;
  }

  /** Perhaps takes a while. */
  async work(): Promise<void> {
    if (this.#draw.chance(this.#pace.workRate)) await this.machine.pass(this.#draw.fraction() * this.#pace.maxWorkMs);
  }

  /** Lower-case letters of the process's own drawing. */
  token(length: number): string {
    return Array.from({ length }, () => String.fromCharCode(97 + this.#draw.below(26))).join('');
  }

  /** An effect outside: answers how often it has been made by then. */
  async effect(name: string): Promise<number> {
    const { machine } = this;
    const latencyMs = this.#draw.fraction() * this.#pace.maxWorkMs;
    const answer = this.#outside.order(name, latencyMs / 2); // on its way, whatever happens to the process
    await machine.pass(latencyMs);
    return answer.times;
  }

  async open(): Promise<void> {
    await this.work();
    this.openCount++;
  }

  async close(): Promise<void> {
    this.openCount--;
    await this.work();
  }

  /** Takes a while: what happens afterwards has no other cause. */
  pause(): Promise<void> {
    return this.machine.pass(0.01 + this.#draw.fraction() * this.#pace.maxWorkMs);
  }

  /** Runs the body of a stage with an io that the oracle sees. */
  async run<Result extends Transition>(
    stage: string,
    session: Counted,
    io: StageIo,
    body: (io: SeenIo) => Promise<Result>,
  ): Promise<Result> {
    this.runningCount++;
    try {
      const seen = new SeenIo(io, session, { site: this, oracle: this.#oracle, stage });
      const result = await body(seen);
      if (result.kind === 'done') seen.finished();
      return result;
    } finally {
      this.runningCount--;
    }
  }

  /** A stage that is declared to be locked: the connection stays for as long as it runs. */
  lockedStage<Fields extends Counted, Result extends Transition>(
    name: string,
    body: (session: Fields, io: SeenIo) => Promise<Result>,
  ): (session: Fields, io: StageIo) => Promise<Result> {
    return (session, io) => this.run(name, session, io, (seen) => seen.locked(() => body(session, seen)));
  }

  /** A stage of a service without decorators. */
  stage<Fields extends Counted, Result extends Transition>(
    name: string,
    body: (session: Fields, io: SeenIo) => Promise<Result>,
  ): (session: Fields, io: StageIo) => Promise<Result> {
    return (session, io) => {
      this.#oracle.check(!this.isLocked(io.cid), 'S7', `${name} is open, and its connection can't leave`);
      return this.run(name, session, io, (seen) => body(session, seen));
    };
  }
}
