// How many transactions go through in a second: straight to the database, through PgBouncer, through a front-end and the
// gateway before it, and through a front-end that is reached by TUN.
//
// All use the same server, and take turns, so that whatever else the machine does touches them alike; the ratio to PgBouncer
// is of two runs side by side. Beside them two bare relays in a row: no gateway and front-end written for Node can do better.
// Without pgbench there is nothing to measure with; without PgBouncer, nothing to compare with.

import { fileURLToPath } from 'node:url';
import type { Programs } from '@migratory/demo/internal/programs.js';
import { LOOPBACK } from '@migratory/framework/local-service';
import { measurement, type Aim, type Conduct, type Measurement } from '../measurement.js';
import { findProgram } from '../outside-programs.js';
import { Pgbench, type Load, type LoadResult, type Place } from './pgbench.js';
import { startPgBouncer } from './pgbouncer.js';
import { startTunFrontend } from './tun-frontend.js';
import { startPostgresWorld } from './world.js';

const RELAY_PROGRAM = fileURLToPath(new URL('../processes/bare-relay.js', import.meta.url));
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

const WAYS = ['direct', 'PgBouncer', 'two bare relays', 'front-end', 'front-end on TUN'] as const;
type Way = (typeof WAYS)[number];
const COMPARISONS = [
  ['front-end', 'direct'],
  ['front-end', 'PgBouncer'],
  ['front-end on TUN', 'PgBouncer'],
  ['two bare relays', 'PgBouncer'],
] as const;
/** By way: where it is. One that could not be started has none. */
type Places = Readonly<Partial<Record<Way, Place>>>;
type Results = Readonly<Record<Way, LoadResult[]>>;

export async function measureLoad({ runCount }: Conduct): Promise<readonly Measurement[]> {
  const pgbenchPath = findProgram('pgbench', 'Transactions per second are not measured.');
  if (pgbenchPath === undefined) return [];
  const pgbouncerPath = findProgram('pgbouncer', 'The front-end is compared with the database alone.');
  const world = await startPostgresWorld(1);
  try {
    const { programs, database, port } = world;
    const [direct, frontend] = [at(database.port), at(port)];
    const pgbench = new Pgbench(programs, pgbenchPath);
    await pgbench.initialise(direct);
    await pgbench.warmUp(frontend, TPC_B);
    const tun = await startTunFrontend(programs, database.url);
    if (tun !== undefined) await pgbench.warmUp(tun, TPC_B);
    return await measureAll(pgbench, runCount, {
      direct,
      ...(pgbouncerPath && { PgBouncer: at(await startPgBouncer(programs, pgbouncerPath, database)) }),
      'two bare relays': at(await startRelays(programs, database.port)),
      'front-end': frontend,
      ...(tun && { 'front-end on TUN': tun }),
    });
  } finally {
    await world.close();
  }
}

function at(port: number): Place {
  return { host: LOOPBACK, port };
}

/** Answers the port of the first. */
async function startRelays(programs: Programs, targetPort: number): Promise<number> {
  let port = targetPort;
  for (const name of ['the second relay', 'the first relay']) {
    const { ready } = await programs.start(name, RELAY_PROGRAM, [String(port)], () => undefined);
    port = Number(ready.port);
  }
  return port;
}

async function measureAll(pgbench: Pgbench, runCount: number, places: Places): Promise<readonly Measurement[]> {
  const none = (): Results =>
    Object.fromEntries(WAYS.map((way) => [way, [] as LoadResult[]])) as Record<Way, LoadResult[]>;
  const results = new Map(LOADS.map((load) => [load, none()]));
  for (let round = 0; round <= runCount; round++) {
    for (const [load, byWay] of results) {
      for (const way of WAYS) {
        const place = places[way];
        if (place !== undefined) byWay[way].push(await pgbench.run(place, load, RUN_SECONDS));
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
  const ratios = COMPARISONS.filter((pair) => pair.every((way) => byWay[way].length > 0)).map(([way, rival]) => {
    const aims = load === TPC_B && way === 'front-end' && rival === 'PgBouncer' ? [AIM_RATIO] : [];
    return measurement(`${load.name}, ${way} to ${rival}`, 'ratio', ratioOf(byWay[way], byWay[rival]), ...aims);
  });
  return [...rates, ...latencies, ...ratios];
}

/** Run by run. */
function ratioOf(ours: readonly LoadResult[], theirs: readonly LoadResult[]): number[] {
  return ours
    .map((run, index) => run.transactionsPerSecond / (theirs[index]?.transactionsPerSecond ?? Number.NaN))
    .slice(1);
}
