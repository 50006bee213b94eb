// How long a client waits for an answer when its session moves to the other front-end: between two transactions, and in one.
//
// The client is an ordinary one, behind the gateway, which is told to move it. What counts is the longest time from a question
// to its answer, from the request to move until the first question after the move, less what an answer takes otherwise.

import { setTimeout as pause } from 'node:timers/promises';
import type { GatewayControl } from '@migratory/demo/internal/gateway-control.js';
import { LOOPBACK } from '@migratory/framework/local-service';
import pg from 'pg';
import { measurement, type Measurement } from '../measurement.js';
import { summarise } from '../statistics.js';
import { startPostgresWorld } from './world.js';

const MOVE_COUNT = 200;
/** Before those that count: until what runs most has been compiled, by both front-ends. */
const WARM_UP_MOVE_COUNT = 20;
const TRANSACTIONS_PER_WARM_UP_MOVE = 50;
/** A client that waits between its questions. */
const ASK_INTERVAL_MS = 3;
/** Questions without a move before each one with. */
const QUIET_COUNT = 5;
const AIM_IDLE_MS = 10;
const AIM_TRANSACTION_MS = 30;

const TABLES = `
  CREATE TABLE branches (id int PRIMARY KEY, balance int);
  CREATE TABLE tellers (id int PRIMARY KEY, balance int);
  CREATE TABLE accounts (id int PRIMARY KEY, balance int);
  CREATE TABLE history (teller int, branch int, account int, delta int, at timestamp);
  INSERT INTO branches SELECT id, 0 FROM generate_series(1, 10) AS id;
  INSERT INTO tellers SELECT id, 0 FROM generate_series(1, 100) AS id;
  INSERT INTO accounts SELECT id, 0 FROM generate_series(1, 100000) AS id`;

export async function measureMoves(): Promise<readonly Measurement[]> {
  const world = await startPostgresWorld(2);
  try {
    await ask(world.database.port, (client) => client.query(TABLES));
    await ask(world.port, (client) => warmUp(client, world.control));
    const idle = await ask(world.port, (client) => moveIdle(client, world.control));
    const inside = await ask(world.port, (client) => moveInTransaction(client, world.control));
    return [
      ...lines('between transactions', idle, AIM_IDLE_MS),
      ...lines('in a transaction of 10 statements', inside, AIM_TRANSACTION_MS),
    ];
  } finally {
    await world.close();
  }
}

/** Milliseconds from a question to its answer: the longest around each move, and each one without. */
interface Waits {
  readonly moving: number[];
  readonly quiet: number[];
}

function lines(where: string, { moving, quiet }: Waits, aimMs: number): readonly Measurement[] {
  const usual = summarise(quiet).median;
  const stalls = moving.map((waitMs) => waitMs - usual);
  return [
    measurement(`move ${where}, stall`, 'ms', stalls, { kind: 'at-most', value: aimMs, of: 'median' }),
    measurement(`no move, ${where}, answer`, 'ms', quiet),
  ];
}

async function ask<Result>(port: number, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ host: LOOPBACK, port, user: 'postgres', database: 'postgres' });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function waitFor(client: pg.Client, sql: string): Promise<number> {
  const askedAt = performance.now();
  await client.query(sql);
  return performance.now() - askedAt;
}

/** A move that has been asked for. */
interface Move {
  isOver: boolean;
  /** Rejects where the connection is not at the other member now. */
  readonly outcome: Promise<void>;
}

function startMove(control: GatewayControl): Move {
  const outcome = control.ask('move all').then((answers) => {
    move.isOver = true;
    const [kind] = answers.map((answer) => answer.kind);
    if (kind !== 'moved') throw new Error(`a move ended as ${JSON.stringify(answers)}`);
  });
  outcome.catch(() => undefined);
  const move: Move = { isOver: false, outcome };
  return move;
}

async function warmUp(client: pg.Client, control: GatewayControl): Promise<void> {
  for (let count = 0; count < WARM_UP_MOVE_COUNT; count++) {
    for (let done = 0; done < TRANSACTIONS_PER_WARM_UP_MOVE; done++) await transact(client, statementsOf(done));
    await startMove(control).outcome;
  }
}

async function moveIdle(client: pg.Client, control: GatewayControl): Promise<Waits> {
  const waits: Waits = { moving: [], quiet: [] };
  const question = async (): Promise<number> => {
    const waitMs = await waitFor(client, 'SELECT 1');
    await pause(ASK_INTERVAL_MS);
    return waitMs;
  };
  for (let count = 0; count < MOVE_COUNT; count++) {
    for (let quiet = 0; quiet < QUIET_COUNT; quiet++) waits.quiet.push(await question());
    const move = startMove(control);
    await pause(count % ASK_INTERVAL_MS); // a question may come at any time of the move
    let longestMs = 0;
    while (!move.isOver) longestMs = Math.max(longestMs, await question());
    waits.moving.push(Math.max(longestMs, await question()));
    await move.outcome;
  }
  return waits;
}

async function moveInTransaction(client: pg.Client, control: GatewayControl): Promise<Waits> {
  const waits: Waits = { moving: [], quiet: [] };
  for (let count = 0; count < MOVE_COUNT; count++) {
    const statements = statementsOf(count);
    waits.quiet.push(...(await transact(client, statements)));
    // At each statement in turn but the last: one has to come that finds the session moved.
    const movedAt = count % (statements.length - 1);
    const move: { current?: Move } = {};
    const answered = await transact(client, statements, async (index) => {
      if (index === movedAt) move.current = startMove(control);
      // A COMMIT would hold the move up, and not be part of what is measured.
      if (index === statements.length) await move.current?.outcome;
    });
    waits.moving.push(Math.max(...answered.slice(movedAt)));
  }
  return waits;
}

/** Answers how long each statement took, BEGIN and COMMIT left out; `before` is told of each that comes, COMMIT included. */
async function transact(
  client: pg.Client,
  statements: readonly string[],
  before: (index: number) => Promise<void> = () => Promise.resolve(),
): Promise<number[]> {
  const waits: number[] = [];
  await client.query('BEGIN');
  for (const [index, statement] of statements.entries()) {
    await before(index);
    waits.push(await waitFor(client, statement));
  }
  await before(statements.length);
  await client.query('COMMIT');
  return waits;
}

/** Such as pgbench's, nine of them; `seed` chooses the rows. */
function statementsOf(seed: number): readonly string[] {
  const [branch, teller, account, delta] = [
    1 + (seed % 10),
    1 + (seed % 100),
    1 + ((seed * 7919) % 99_999),
    seed % 5000,
  ];
  const change = (table: string, id: number): string =>
    `UPDATE ${table} SET balance = balance + ${delta} WHERE id = ${id}`;
  const look = (id: number): string => `SELECT balance FROM accounts WHERE id = ${id}`;
  const note = `INSERT INTO history VALUES (${teller}, ${branch}, ${account}, ${delta}, CURRENT_TIMESTAMP)`;
  return [
    change('accounts', account),
    look(account),
    change('tellers', teller),
    change('branches', branch),
    note,
    change('accounts', account + 1),
    look(account + 1),
    change('tellers', teller),
    note,
  ];
}
