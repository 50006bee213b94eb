// The list-append workload as a whole: clients, moves, and a verdict on the history.

import { Draw } from '../../sim/draw.js';
import { connectDirectly, startArena, type Arena } from '../arena.js';
import { waitUntilQuiet } from '../bank-tables.js';
import type { Isolation } from '../ledger.js';
import { Mover, type Pace } from '../mover.js';
import { Tally } from '../tally.js';
import { anomaliesOf, type Anomaly, type AnomalyName } from './checker.js';
import type { History } from './history.js';
import { finalLists, Notebook, openLists, write } from './workload.js';

const APPLICATION = 'list-append';
const MEMBER_COUNT = 3;

/**
 * What PostgreSQL lets happen at its levels. A snapshot for each statement, or one for the transaction, excludes more than
 * the standard asks for.
 */
const ALLOWED: Readonly<Record<Isolation, readonly AnomalyName[]>> = {
  'read committed': ['internal', 'G-single', 'G2', 'G-single-realtime', 'G2-realtime'],
  'repeatable read': ['G2', 'G2-realtime'],
  serializable: [],
};

export interface ListAppendCampaign {
  readonly transactionCount: number;
  readonly clientCount: number;
  readonly seed: number;
  readonly isolation: Isolation;
  readonly moves: Pace | 'none';
}

export interface ListAppendOptions extends ListAppendCampaign {
  readonly path: 'through the front-end' | 'direct';
  readonly commit?: 'locked' | 'two-phase' | undefined;
  readonly logPath?: string | undefined;
}

export interface ListAppendOutcome {
  readonly tally: Tally;
  readonly history: History;
  readonly anomalies: readonly Anomaly[];
  /** Those of them that the isolation level forbids. */
  readonly forbidden: readonly Anomaly[];
  /** Answers that no client should get. */
  readonly complaints: readonly string[];
  readonly elapsedMs: number;
}

export type Watch = (doneCount: number, tally: Tally) => void;

export async function runListAppend(
  options: ListAppendOptions,
  watch: Watch = () => undefined,
): Promise<ListAppendOutcome> {
  const { path, commit, logPath } = options;
  const arena = await startArena({ path, commit, logPath, memberCount: MEMBER_COUNT });
  try {
    return await runListAppendIn(arena, options, watch);
  } finally {
    await arena.close();
  }
}

/** In an arena that stands already. */
export async function runListAppendIn(
  arena: Arena,
  options: ListAppendCampaign,
  watch: Watch = () => undefined,
): Promise<ListAppendOutcome> {
  const { transactionCount, clientCount, seed, isolation } = options;
  const [tally, notebook, complaints] = [new Tally(), new Notebook(), [] as string[]];
  const database = await connectDirectly(arena.database.url);
  await openLists(database);
  const mover = moverOf(arena, options, tally);
  const pulse = (): void => {
    mover?.pulse();
    watch(notebook.transactions.length, tally);
  };
  const desk = {
    ...{ isolation, notebook, tally, complaints },
    place: { url: arena.url, application: APPLICATION, pulse },
    isOpen: () => notebook.transactions.length < transactionCount,
  };
  const startedAtMs = performance.now();
  await Promise.all(
    Array.from({ length: clientCount }, (_, id) => write(desk, drawOf(seed, id + 10), (port) => mover?.follow(port))),
  );
  const elapsedMs = performance.now() - startedAtMs;
  await mover?.settle();
  await waitUntilQuiet(database, APPLICATION);
  const history: History = { transactions: notebook.transactions, final: await finalLists(database) };
  await database.end();
  const anomalies = anomaliesOf(history);
  for (const { name } of anomalies) tally.count('anomalies', name);
  const forbidden = anomalies.filter(({ name }) => !ALLOWED[isolation].includes(name));
  return { tally, history, anomalies, forbidden, complaints, elapsedMs };
}

function drawOf(seed: number, purpose: number): Draw {
  return new Draw(seed * 1_000 + purpose);
}

function moverOf({ world, memberCount }: Arena, options: ListAppendCampaign, tally: Tally): Mover | undefined {
  const { moves, seed } = options;
  if (world === undefined || moves === 'none') return undefined;
  return new Mover({ gateway: world.gateway, memberCount, draw: drawOf(seed, 1), pace: moves, tally });
}
