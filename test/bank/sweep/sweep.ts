// A move at every message boundary of a transfer, one run for each: the client gets the answers that it would have got
// anyway, and the money is transferred once.
//
// Nothing else goes on, so nothing can come between a transaction and its replay: not even a serialization failure is excused.

import type { Client } from 'pg';
import type { Gateway } from '@migratory/gateway/gateway';
import type { MoveOutcome } from '@migratory/stack';
import { INITIAL_BALANCE, readBooks } from '../bank-tables.js';
import { portOf } from '../whereabouts.js';
import { SWEPT_TRANSFER, type Script, type Step } from './scripts.js';
import { WireClient, WrongAnswer } from './wire-client.js';
import type { Answer } from './messages.js';

/** When a move is asked for, seen from one message. Where the client has to wait for it, it is over before it goes on. */
const INSTANTS = ['before', 'inside', 'while it is answered', 'after', 'twice after'] as const;
type Instant = (typeof INSTANTS)[number];

type Position =
  | { readonly kind: 'undisturbed' }
  | { readonly kind: 'one'; readonly step: number; readonly instant: Instant }
  /** At all messages of the run. */
  | { readonly kind: 'all'; readonly instant: Instant };

export interface SweptWorld {
  readonly gateway: Gateway;
  readonly host: string;
  readonly port: number;
  /** Straight to the database. */
  readonly database: Client;
}

export interface SweepReport {
  readonly script: string;
  readonly positionCount: number;
  readonly movedCount: number;
  /** Moves that were asked for and did not happen, by what became of them. */
  readonly otherwise: ReadonlyMap<string, number>;
  readonly failures: readonly string[];
}

interface Run {
  readonly answers: readonly Answer[];
  readonly outcomes: readonly { readonly outcome: string; readonly isAtRest: boolean }[];
}

export interface SweepPlan {
  readonly scripts: readonly Script[];
  /** Every so manyth position of a script; 1 for all. */
  readonly stride: number;
}

/** Each script with each position. `shown` gets the reports as they come. */
export async function sweep(
  world: SweptWorld,
  { scripts, stride }: SweepPlan,
  shown: (report: SweepReport) => void = () => undefined,
): Promise<SweepReport[]> {
  const reports: SweepReport[] = [];
  for (const script of scripts) {
    const report = await sweepOne(world, script, stride);
    shown(report);
    reports.push(report);
  }
  return reports;
}

async function sweepOne(world: SweptWorld, script: Script, stride: number): Promise<SweepReport> {
  const undisturbed = await play(world, script, { kind: 'undisturbed' });
  const positions = positionsOf(script).filter((_position, index) => index % stride === 0);
  const failures = await bookFailures(world.database);
  const otherwise = new Map<string, number>();
  let movedCount = 0;
  for (const position of positions) {
    const complain = (what: string): void => void failures.push(`${script.name}, ${nameOf(position, script)}: ${what}`);
    try {
      const { answers, outcomes } = await play(world, script, position);
      const difference = differenceOf(undisturbed.answers, answers);
      if (difference !== undefined) complain(difference);
      for (const { outcome, isAtRest } of outcomes) {
        if (outcome === 'moved') movedCount++;
        else otherwise.set(outcome, (otherwise.get(outcome) ?? 0) + 1);
        if (outcome !== 'moved' && isAtRest) complain(`a move was ${outcome} while nothing was under way`);
      }
    } catch (error) {
      if (!(error instanceof WrongAnswer)) throw error;
      complain(error.message);
    }
    for (const failure of await bookFailures(world.database)) complain(failure);
  }
  return { script: script.name, positionCount: positions.length, movedCount, otherwise, failures };
}

function positionsOf({ steps }: Script): Position[] {
  const isThere = (step: Step, instant: Instant): boolean => step.answer !== '' || !instant.endsWith('after');
  const single = steps.flatMap((step, index) =>
    INSTANTS.filter((instant) => isThere(step, instant)).map((instant): Position => ({
      kind: 'one',
      step: index,
      instant,
    })),
  );
  // Before the first message nobody knows the connection's cid yet.
  const possible = single.filter(
    (position) => position.kind !== 'one' || position.step > 0 || position.instant === 'after',
  );
  return [...possible, ...INSTANTS.map((instant): Position => ({ kind: 'all', instant }))];
}

function nameOf(position: Position, { steps }: Script): string {
  if (position.kind === 'undisturbed') return 'undisturbed';
  if (position.kind === 'all') return `moved ${position.instant} every message`;
  return `moved ${position.instant} message ${position.step}, ${steps[position.step]?.name ?? ''}`;
}

async function play(world: SweptWorld, script: Script, position: Position): Promise<Run> {
  await world.database.query(`DELETE FROM transfers; UPDATE accounts SET balance = ${INITIAL_BALANCE}`);
  const client = await WireClient.connect(world.host, world.port);
  const outcomes: Run['outcomes'][number][] = [];
  const moves: Promise<void>[] = [];
  let isAtRest = false;
  const move = (): Promise<void> => {
    const rested = isAtRest;
    return moveOnce(world.gateway, client.port).then((outcome) => void outcomes.push({ outcome, isAtRest: rested }));
  };
  try {
    for (const [index, { bytes, answer }] of script.steps.entries()) {
      const is = (instant: Instant): boolean => isAt(position, index, instant);
      if (is('before')) await move();
      isAtRest = false;
      const half = is('inside') ? Math.ceil(bytes.length / 2) : 0;
      if (half > 0) {
        client.send(bytes.subarray(0, half));
        await move();
      }
      client.send(bytes.subarray(half));
      if (is('while it is answered')) moves.push(move());
      await client.answered(answer);
      isAtRest = answer.endsWith('Z') && moves.length === 0;
      if (is('after')) await move();
      if (is('twice after')) await move().then(move);
    }
    await Promise.all(moves);
    return { answers: client.answers, outcomes };
  } finally {
    await client.close();
  }
}

function isAt(position: Position, step: number, instant: Instant): boolean {
  if (position.kind === 'undisturbed' || position.instant !== instant) return false;
  if (position.kind === 'one') return position.step === step;
  return step > 0;
}

async function moveOnce(gateway: Gateway, port: number): Promise<string> {
  const state = gateway.connections.find(({ client }) => portOf(client) === port);
  if (state?.cid === undefined || state.cid === null) return 'impossible: no cid';
  let ended = 'impossible: no connection';
  const to = (state.member ?? 1) === 1 ? 2 : 1;
  await gateway.move(state.cid, to, (outcome) => (ended = textOf(outcome)));
  return ended;
}

function textOf(outcome: MoveOutcome): string {
  switch (outcome.kind) {
    case 'moved':
      return 'moved';
    case 'stayed':
      return `stayed: ${outcome.report.refusals.map(({ reason }) => reason).join(', ')}`;
    case 'impossible':
      return `impossible: ${outcome.cause}`;
    case 'lost':
      return `lost: ${outcome.reason}`;
  }
}

/** What comes at any time (notices, parameters) and what is the session's own (its key) may differ. */
function differenceOf(expected: readonly Answer[], got: readonly Answer[]): string | undefined {
  const [one, other] = [comparable(expected), comparable(got)];
  const at = one.findIndex((text, index) => text !== other[index]);
  if (at >= 0) return `answer ${at} is ${other[at] ?? 'missing'} instead of ${one[at] ?? ''}`;
  return other.length > one.length ? `one answer too many: ${other[one.length] ?? ''}` : undefined;
}

function comparable(answers: readonly Answer[]): string[] {
  return answers
    .filter(({ type }) => !'SNK'.includes(type))
    .map(({ type, body }) => `${type} ${body.toString('latin1')}`);
}

/** The transfer is there once, and so is its money. */
async function bookFailures(database: Client): Promise<string[]> {
  const { rows, balances, preparedCount } = await readBooks(database);
  const { id, source, target, amount } = SWEPT_TRANSFER;
  const ids = rows.map((row) => row.id).join(', ');
  return [
    ...(ids === String(id) ? [] : [`the transfers that are there: ${ids === '' ? 'none' : ids}`]),
    ...(balances.get(source) === INITIAL_BALANCE - amount ? [] : [`the source has ${balances.get(source) ?? 0}`]),
    ...(balances.get(target) === INITIAL_BALANCE + amount ? [] : [`the target has ${balances.get(target) ?? 0}`]),
    ...(preparedCount === 0 ? [] : [`${preparedCount} prepared transactions are left`]),
  ];
}
