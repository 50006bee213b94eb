// An ordinary connection and the migratory one that carries it: what is told of them, and their moves.

import { relay, type MigratoryConnection, type MoveOutcome, type Resettable } from '@migratory/stack';

/** What a plain TCP port accepts: node:net's, without node:net. */
export interface OrdinaryConnection extends Resettable {
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

export type CrossingEvent =
  /** The connection can move from now on; `member` serves it. */
  | { readonly kind: 'opened'; readonly member: number | undefined }
  /** It was asked to move and goes on where it is. */
  | { readonly kind: 'stayed'; readonly because: string }
  /** `cause` is empty where both sides ended in order. */
  | {
      readonly kind: 'closed';
      readonly moveCount: number;
      readonly fromClientLength: number;
      readonly toClientLength: number;
      readonly cause: string;
    };

export class Crossing {
  readonly #ordinary: OrdinaryConnection;
  readonly #migratory: MigratoryConnection;
  readonly #report: (event: CrossingEvent) => void;
  #moveCount = 0;
  #cause = '';
  #isOver = false;

  constructor(ordinary: OrdinaryConnection, migratory: MigratoryConnection, report: (event: CrossingEvent) => void) {
    this.#ordinary = ordinary;
    this.#migratory = migratory;
    this.#report = report;
    // The first cause is the true one; what follows is the relay passing it on.
    ordinary.on('error', (error) => (this.#cause ||= `the client: ${error.message}`));
    migratory.on('error', (error) => (this.#cause ||= error.message));
    migratory.once('migratable', () => report({ kind: 'opened', member: migratory.member }));
    ordinary.once('close', () => this.#whenOver());
    migratory.once('close', () => this.#whenOver());
    relay(ordinary, migratory);
  }

  get cid(): string | undefined {
    return this.#migratory.cid;
  }

  /** To the next member. One that can't move yet, or any more, is left alone. */
  async move(): Promise<void> {
    const outcome = await this.#migratory.requestMove();
    if (outcome.kind === 'moved') this.#moveCount++;
    if (outcome.kind === 'stayed') this.#report({ kind: 'stayed', because: reasonsOf(outcome) });
    if (outcome.kind === 'impossible' && outcome.cause === 'no-other-member') {
      this.#report({ kind: 'stayed', because: 'there is no other member' });
    }
  }

  /** Resets both sides. */
  reset(): void {
    this.#ordinary.resetAndDestroy();
  }

  #whenOver(): void {
    // `closed` is true before 'close' is emitted, so the first of the two events may see both.
    if (this.#isOver || !this.#ordinary.closed || !this.#migratory.closed) return;
    this.#isOver = true;
    const { bytesRead: fromClientLength, bytesWritten: toClientLength } = this.#ordinary;
    this.#report({ kind: 'closed', moveCount: this.#moveCount, fromClientLength, toClientLength, cause: this.#cause });
  }
}

function reasonsOf({ report }: Extract<MoveOutcome, { kind: 'stayed' }>): string {
  const reasons = report.refusals.map(({ member, reason }) => `member ${member}: ${reason}`);
  return reasons.length === 0 ? 'no other member answered' : reasons.join(', ');
}
