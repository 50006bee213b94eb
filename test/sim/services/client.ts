// A client of the services' world: a machine with a real stack and one connection, which holds one dialogue.

import {
  ConnectionFailed,
  Stack,
  stay,
  leaveSilentMember,
  type MemberId,
  type MigratoryConnection,
  type MoveReport,
} from '@migratory/stack';
import { testServicePublicKey } from '../../support/stack-world.js';
import type { Reached } from '../campaign.js';
import { Draw } from '../draw.js';
import { stackLimits, type Member, type Surroundings } from './group.js';
import { Machine } from './machine.js';
import type { Followed } from './oracle.js';
import type { ClientPlan } from './scenario.js';

/** A restless client comes to rest. */
const MAX_OWN_MOVES = 25;

export class Client {
  readonly followed: Followed;
  readonly stack: Stack;
  readonly connection: MigratoryConnection;
  /** How it ended, for the client. */
  outcome: 'open' | 'finished' | 'left' | 'failed' = 'open';
  failure = '';
  /** Moves that it has asked for and that are not answered. */
  moveCount = 0;
  onOver: (() => void) | undefined;
  readonly #plan: ClientPlan;
  readonly #reached: Reached;
  readonly #around: Surroundings;
  readonly #machine: Machine;
  readonly #draw: Draw;
  #heardLength = 0;
  #saidLength = 0;
  #readCount = 0;
  #ownMoveCount = 0;
  #hasEnded = false;
  #sawEnd = false;
  #isPaused = false;

  constructor(followed: Followed, plan: ClientPlan, target: Member, surroundings: Surroundings, reached: Reached) {
    const { clock, network, draw, scenario } = surroundings;
    this.followed = followed;
    this.#plan = plan;
    this.#reached = reached;
    this.#around = surroundings;
    this.#draw = new Draw(draw.u32());
    this.#machine = new Machine(followed.name, clock);
    const driver = network.attach(followed.ip, scenario.mtu);
    this.stack = new Stack({ ...stackLimits(scenario), driver, clock: this.#machine, entropy: draw });
    const policy = plan.policy === 'stay' ? stay : leaveSilentMember(3);
    this.connection = this.stack.connect({
      address: target.address,
      servicePublicKey: testServicePublicKey(),
      migration: 'required',
      policy,
    });
    const proceed = (): void => this.#proceed();
    for (const event of ['migratable', 'readable', 'drain']) this.connection.on(event, proceed);
    this.connection.on('end', () => {
      this.#sawEnd = true;
      this.#proceed();
    });
    this.connection.on('move', ({ epoch }: MoveReport) => {
      followed.acceptedEpoch = epoch;
    });
    this.connection.on('error', (error: Error) => {
      this.failure = error instanceof ConnectionFailed ? error.reason : error.message;
    });
    this.connection.once('close', () => this.#closed());
  }

  get isOver(): boolean {
    return this.outcome !== 'open';
  }

  /** What is missing from a complete dialogue; undefined when nothing is. */
  get missing(): string | undefined {
    const { length } = this.followed.output;
    if (this.outcome !== 'finished') return `${this.outcome}, ${this.failure}`;
    return this.#heardLength === length ? undefined : `it heard ${this.#heardLength} of ${length} bytes`;
  }

  move(to?: MemberId): void {
    if (this.isOver) return;
    this.moveCount++;
    void this.connection.requestMove(to).then((outcome) => {
      this.moveCount--;
      const detail = outcome.kind === 'impossible' ? `impossible: ${outcome.cause}` : outcome.kind;
      this.#around.say(`${this.followed.name}: its move is answered: ${detail}`);
      this.#reached.count('moves', detail);
      if (outcome.kind === 'moved' || outcome.kind === 'stayed') {
        this.#reached.count('totals', outcome.kind === 'moved' ? 'moves' : 'returned to where they were');
        for (const { reason } of outcome.report.refusals) this.#reached.count('refusals', reason);
      }
    });
  }

  #closed(): void {
    const isInOrder = this.failure === '' && this.#sawEnd;
    if (!this.isOver) this.outcome = isInOrder ? 'finished' : 'failed';
    this.#around.say(`${this.followed.name} is over: ${this.outcome} ${this.failure}`);
    this.onOver?.();
  }

  #proceed(): void {
    while (!this.isOver && !this.#isPaused && !this.connection.destroyed) {
      if (this.#pauses()) return;
      const didRead = this.#read();
      const didWrite = this.#write();
      if (!didRead && !didWrite) return;
    }
  }

  #pauses(): boolean {
    const { pauseRate, maxPauseMs } = this.#plan.habits;
    const { clock, scenario } = this.#around;
    if (clock.now() >= scenario.healedAtMs || !this.#draw.chance(pauseRate)) return false;
    this.#isPaused = true;
    this.#machine.wakeAt(clock.now() + this.#draw.fraction() * maxPauseMs, () => {
      this.#isPaused = false;
      this.#proceed();
    });
    return true;
  }

  #read(): boolean {
    const { connection, followed } = this;
    const available = connection.readableLength;
    if (available === 0) {
      // So that the stream goes on to fill its buffer, or to its end.
      connection.read(0);
      return false;
    }
    const length = Math.min(available, this.#draw.between(1, this.#plan.habits.maxReadLength));
    const chunk = connection.read(length) as Buffer | null;
    if (chunk === null) return false;
    this.#around.oracle.heard(followed, this.#heardLength, chunk);
    this.#heardLength += chunk.length;
    this.#readCount++;
    const { leavesAfterLength, moveEveryCount } = this.#plan.habits;
    if (leavesAfterLength >= 0 && this.#heardLength > leavesAfterLength) {
      this.outcome = 'left';
      connection.resetAndDestroy();
    } else if (moveEveryCount > 0 && this.#readCount % moveEveryCount === 0 && this.#mayMoveAgain()) {
      this.move();
    }
    return true;
  }

  #mayMoveAgain(): boolean {
    return this.moveCount === 0 && this.#ownMoveCount++ < MAX_OWN_MOVES;
  }

  #write(): boolean {
    const { connection } = this;
    if (this.#hasEnded || this.isOver) return false;
    const { input, output } = this.followed;
    const { maxWriteLength } = this.#plan.habits;
    const ends = this.followed.dialogue.ends ?? this.#plan.habits.ends;
    const mayWriteLength = this.#mayWriteLength() - this.#saidLength;
    if (mayWriteLength > 0) {
      if (connection.writableNeedDrain) return false;
      const length = Math.min(mayWriteLength, this.#draw.between(1, maxWriteLength));
      connection.write(input.subarray(this.#saidLength, this.#saidLength + length));
      this.#saidLength += length;
      return true;
    }
    const isWritten = this.#saidLength === input.length;
    if (this.#sawEnd || (isWritten && (ends === 'when-written' || this.#heardLength === output.length))) {
      this.#hasEnded = true;
      connection.end();
    }
    return false;
  }

  /** How much of the input may have been written by now. */
  #mayWriteLength(): number {
    const { dialogue, input } = this.followed;
    if (this.#plan.habits.order === 'pipeline') return input.length;
    let inputLength = 0;
    let outputLength = 0;
    for (const turn of dialogue.turns) {
      inputLength += turn.input.length;
      if (inputLength > this.#saidLength && outputLength <= this.#heardLength) return inputLength;
      outputLength += turn.output.length;
      if (outputLength > this.#heardLength) return Math.min(inputLength, Math.max(inputLength, this.#saidLength));
    }
    return input.length;
  }
}
