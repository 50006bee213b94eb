// The campaign: one server, one service of front-ends, every case of every suite on every way, and the transcripts compared.
//
// Each suite finds a new database on each way.

import { startEmbeddedDatabase, type EmbeddedDatabase } from '@migratory/demo/internal/embedded-database.js';
import { FRESH_DATABASE, renewDatabase } from '../apps/pg-frontend/clients/fresh-database.js';
import { Mover, type MoveCounts } from '../apps/pg-frontend/clients/mover.js';
import { normalise } from '../apps/pg-frontend/clients/normalise.js';
import { missingProgram } from '../apps/pg-frontend/clients/program.js';
import { WAYS, type ClientCase, type ClientSuite, type Target, type Way } from '../apps/pg-frontend/clients/suite.js';
import { QUICK_SETTINGS, startPostgresWorld, type PostgresWorld } from '../support/postgres/world.js';
import { differenceOf } from './difference.js';

const MEMBER_COUNT = 3;

export interface CampaignOptions {
  readonly suites: readonly ClientSuite[];
  readonly movesPerSecond: number;
  /** Only cases whose name has this in it. */
  readonly caseFilter: string;
  /** The ways after this one are left out. */
  readonly lastWay: Way;
}

type Seen =
  { readonly kind: 'seen'; readonly transcript: string } | { readonly kind: 'failed'; readonly cause: string };
type Say = (line: string) => void;

/** Answers the exit status. */
export async function runCampaign(options: CampaignOptions, say: Say): Promise<number> {
  const database = await startEmbeddedDatabase({ settings: QUICK_SETTINGS });
  let world: PostgresWorld | undefined;
  let wrongCount = 0;
  try {
    if (options.lastWay !== 'straight') world = await startPostgresWorld({ database, memberCount: MEMBER_COUNT });
    for (const suite of options.suites) {
      const missing = missingProgram(suite.needs);
      if (missing === undefined) wrongCount += await runSuite(suite, options, database, world, say);
      else say(`${suite.name}: SKIPPED, there is no usable ${missing.command}; ${missing.remedy}`);
    }
  } finally {
    await world?.close();
    await database.stop();
  }
  say(wrongCount === 0 ? 'every client saw the same on every way' : `${wrongCount} differences or failures`);
  return wrongCount === 0 ? 0 : 1;
}

async function runSuite(
  suite: ClientSuite,
  options: CampaignOptions,
  database: EmbeddedDatabase,
  world: PostgresWorld | undefined,
  say: Say,
): Promise<number> {
  const cases = suite.cases.filter(({ name }) => name.includes(options.caseFilter));
  const ways = WAYS.slice(0, WAYS.indexOf(options.lastWay) + 1);
  const seen = new Map<Way, readonly Seen[]>();
  for (const way of ways) {
    const began = performance.now();
    await renewDatabase(database);
    const place = way === 'straight' ? database : world;
    if (place === undefined) throw new Error('there are no front-ends');
    const mover =
      way === 'moving' && world !== undefined ? new Mover(world.gateway, options.movesPerSecond) : undefined;
    const move = (): Promise<void> => mover?.moveAll() ?? Promise.resolve();
    const target: Target = {
      way,
      host: place.host,
      port: place.port,
      user: 'postgres',
      database: FRESH_DATABASE,
      move,
    };
    mover?.start();
    seen.set(way, await runCases(cases, target, say));
    const counts = (await mover?.stop()) ?? {};
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    say(`${suite.name}, ${way}: ${cases.length} cases in ${seconds} s${describe(counts)}`);
    if (mover !== undefined && (counts.moved ?? 0) === 0) say(`${suite.name}: NOTHING MOVED`);
  }
  return compare(suite, cases, seen, say);
}

async function runCases(cases: readonly ClientCase[], target: Target, say: Say): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (const one of cases) {
    try {
      seen.push({ kind: 'seen', transcript: normalise(await one.run(target)) });
    } catch (error) {
      const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
      say(`  ${one.name}, ${target.way}: FAILED: ${cause}`);
      seen.push({ kind: 'failed', cause });
    }
  }
  return seen;
}

/** Answers how many cases failed or differ from the first way. */
function compare(
  { name: suite }: ClientSuite,
  cases: readonly ClientCase[],
  seen: ReadonlyMap<Way, readonly Seen[]>,
  say: Say,
): number {
  let wrongCount = 0;
  for (const [index, { name }] of cases.entries()) {
    const [first, ...others] = [...seen].map(([way, all]) => ({ way, one: all[index] }));
    if (first?.one?.kind !== 'seen') wrongCount += 1;
    for (const { way, one } of others) {
      if (one?.kind === 'seen' && first?.one?.kind === 'seen' && one.transcript === first.one.transcript) continue;
      wrongCount += 1;
      if (one?.kind !== 'seen' || first?.one?.kind !== 'seen') continue;
      say(`  ${suite}, ${name}, ${way}: DIFFERS:`);
      for (const line of differenceOf(first.one.transcript, one.transcript)) say(`    ${line}`);
    }
  }
  return wrongCount;
}

function describe(counts: MoveCounts): string {
  const parts = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}
