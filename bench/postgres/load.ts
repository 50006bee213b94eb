// How many transactions go through in a second: straight to the database, through PgBouncer, and through a front-end and the
// gateway before it.
//
// All use the same server, and take turns, so that whatever else the machine does touches them alike; the ratio to PgBouncer
// is of two runs side by side. Without pgbench there is nothing to measure with; without PgBouncer, nothing to compare with.

import { measurement, type Aim, type Measurement } from '../measurement.js';
import { findProgram } from './outside-programs.js';
import { Pgbench, type Load, type LoadResult } from './pgbench.js';
import { startPgBouncer } from './pgbouncer.js';
import { startPostgresWorld } from './world.js';

const ROUND_COUNT = 5;
const RUN_SECONDS = 3;
/** Of PgBouncer's transactions, with the first load. */
const AIM_RATIO: Aim = { kind: 'at-least', value: 0.5, of: 'median' };

const TPC_B: Load = { name: 'TPC-B simple', args: ['--protocol', 'simple'] };
const LOADS: readonly Load[] = [
  TPC_B,
  { name: 'TPC-B extended', args: ['--protocol', 'extended'] },
  { name: 'TPC-B prepared', args: ['--protocol', 'prepared'] },
  { name: 'SELECT only', args: ['--protocol', 'simple', '--select-only'] },
];

const WAYS = ['direct', 'PgBouncer', 'front-end'] as const;
type Way = (typeof WAYS)[number];
/** By way: where it is. One that could not be started has none. */
type Ports = Readonly<Partial<Record<Way, number>>>;
type Results = Readonly<Record<Way, LoadResult[]>>;

export async function measureLoad(): Promise<readonly Measurement[]> {
  const pgbenchPath = findProgram('pgbench', 'Transactions per second are not measured.');
  if (pgbenchPath === undefined) return [];
  const pgbouncerPath = findProgram('pgbouncer', 'The front-end is compared with the database alone.');
  const world = await startPostgresWorld(1);
  try {
    const { programs, database, port } = world;
    const pgbench = new Pgbench(programs, pgbenchPath);
    await pgbench.initialise(database.port);
    await pgbench.warmUp(port, TPC_B);
    const bouncer = pgbouncerPath && { PgBouncer: await startPgBouncer(programs, pgbouncerPath, database) };
    return await measureAll(pgbench, { direct: database.port, 'front-end': port, ...bouncer });
  } finally {
    await world.close();
  }
}

async function measureAll(pgbench: Pgbench, ports: Ports): Promise<readonly Measurement[]> {
  const results = new Map<Load, Results>(LOADS.map((load) => [load, { direct: [], PgBouncer: [], 'front-end': [] }]));
  for (let round = 0; round <= ROUND_COUNT; round++) {
    for (const [load, byWay] of results) {
      for (const way of WAYS) {
        const port = ports[way];
        if (port !== undefined) byWay[way].push(await pgbench.run(port, load, RUN_SECONDS));
      }
    }
  }
  return [...results].flatMap(([load, byWay]) => measurementsOf(load, byWay));
}

function measurementsOf(load: Load, byWay: Results): readonly Measurement[] {
  // The first round warms up what is left: the database's caches, PgBouncer's sessions.
  const warm = WAYS.map((way) => ({ way, runs: byWay[way].slice(1) })).filter(({ runs }) => runs.length > 0);
  const rates = warm.map(({ way, runs }) =>
    measurement(
      `${load.name}, ${way}`,
      '/s',
      runs.map(({ transactionsPerSecond }) => transactionsPerSecond),
    ),
  );
  const latencies = warm.map(({ way, runs }) =>
    measurement(
      `${load.name}, ${way}, a transaction takes`,
      'ms',
      runs.map(({ latencyMs }) => latencyMs),
    ),
  );
  const ratios = (['direct', 'PgBouncer'] as const)
    .filter((way) => byWay[way].length > 0)
    .map((way) => {
      const aims = load === TPC_B && way === 'PgBouncer' ? [AIM_RATIO] : [];
      return measurement(
        `${load.name}, front-end to ${way}`,
        'ratio',
        ratioOf(byWay['front-end'], byWay[way]),
        ...aims,
      );
    });
  return [...rates, ...latencies, ...ratios];
}

/** Run by run. */
function ratioOf(ours: readonly LoadResult[], theirs: readonly LoadResult[]): number[] {
  return ours
    .map((run, index) => run.transactionsPerSecond / (theirs[index]?.transactionsPerSecond ?? Number.NaN))
    .slice(1);
}
