// One client's work: a transfer of money after the other, each a transaction, and a record of what was acknowledged.

import { randomInt } from 'node:crypto';
import { DemoFailed } from '../failure.js';
import type { Interval } from '../interval.js';
import { answerInTime, type Reply, type SqlClient } from './client.js';
import { ACCOUNT_COUNT, MAX_AMOUNT, TRANSFERS_PER_CLIENT } from './config.js';
import type { Transfer } from './ledger.js';
import { SCHEMA } from './tables.js';

const SERIALIZATION_FAILURE = '40001';

export class Teller {
  readonly name: string;
  /** Those whose COMMIT was answered with COMMIT. */
  readonly acknowledged: Transfer[] = [];
  /** When each statement was sent and answered. */
  readonly statements: Interval[] = [];
  /** How often a transaction had to be begun again. */
  serializationFailureCount = 0;
  readonly #client: SqlClient;
  #nextId: number;

  /** `number`: from 1. */
  constructor(number: number, client: SqlClient) {
    this.name = `client ${number}`;
    this.#client = client;
    this.#nextId = number * TRANSFERS_PER_CLIENT;
  }

  /** Begins the session. */
  async open(): Promise<void> {
    await this.#answerTo('SELECT 1');
  }

  /** Transfers until the signal comes, finishes what it has begun, and ends the session. Rejects with `DemoFailed`. */
  async work(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      const transfer = this.#nextTransfer();
      while ((await this.#attempt(transfer)) === 'again') this.serializationFailureCount++;
      this.acknowledged.push(transfer);
    }
    await answerInTime(this.name, this.#client.close());
  }

  #nextTransfer(): Transfer {
    const from = randomInt(ACCOUNT_COUNT);
    const to = (from + randomInt(1, ACCOUNT_COUNT)) % ACCOUNT_COUNT;
    return { id: this.#nextId++, from: from + 1, to: to + 1, amount: randomInt(1, MAX_AMOUNT + 1) };
  }

  async #attempt(transfer: Transfer): Promise<'acknowledged' | 'again'> {
    for (const { statement, tag } of stepsOf(transfer)) {
      const fromMs = performance.now();
      const reply = await this.#answerTo(statement);
      this.statements.push({ fromMs, untilMs: performance.now() });
      if (reply.kind === 'failed' && reply.sqlState === SERIALIZATION_FAILURE) {
        await this.#answerTo('ROLLBACK');
        return 'again';
      }
      const got = reply.kind === 'failed' ? `SQLSTATE ${reply.sqlState}` : reply.tag;
      if (got !== tag) throw new DemoFailed(`${this.name} got '${got}' instead of '${tag}' for: ${statement}`);
    }
    return 'acknowledged';
  }

  #answerTo(statement: string): Promise<Reply> {
    return answerInTime(this.name, this.#client.execute(statement));
  }
}

function stepsOf({ id, from, to, amount }: Transfer): { readonly statement: string; readonly tag: string }[] {
  const changes = [
    { account: from, change: -amount },
    { account: to, change: amount },
  ];
  // Always the lower account first: nobody waits in a circle.
  changes.sort((one, other) => one.account - other.account);
  const updates = changes.map(({ account, change }) => ({
    statement: `UPDATE ${SCHEMA}.accounts SET balance = balance + (${change}) WHERE id = ${account}`,
    tag: 'UPDATE 1',
  }));
  return [
    { statement: 'BEGIN', tag: 'BEGIN' },
    ...updates,
    { statement: `INSERT INTO ${SCHEMA}.transfers VALUES (${id}, ${from}, ${to}, ${amount})`, tag: 'INSERT 0 1' },
    { statement: 'COMMIT', tag: 'COMMIT' },
  ];
}
