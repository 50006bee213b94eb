// The sweep as a whole: its world, and what it shows.

import { connectDirectly, startArena, type Arena } from '../arena.js';
import { openBank } from '../bank-tables.js';
import { SCRIPTS } from './scripts.js';
import { sweep, type SweepReport } from './sweep.js';

const MEMBER_COUNT = 2;
const ACCOUNT_COUNT = 2;

export interface SweepOptions {
  readonly commit?: 'locked' | 'two-phase' | undefined;
  readonly logPath?: string | undefined;
  /** Every so manyth position; 1 for all. */
  readonly stride: number;
}

export async function runSweep(
  options: SweepOptions,
  shown: (report: SweepReport) => void = () => undefined,
): Promise<readonly SweepReport[]> {
  const { commit, logPath, stride } = options;
  const arena = await startArena({ path: 'through the front-end', memberCount: MEMBER_COUNT, commit, logPath });
  try {
    return await runSweepIn(arena, stride, shown);
  } finally {
    await arena.close();
  }
}

/** In an arena that stands already. */
export async function runSweepIn(
  arena: Arena,
  stride: number,
  shown: (report: SweepReport) => void = () => undefined,
): Promise<readonly SweepReport[]> {
  if (arena.world === undefined) throw new Error('a sweep needs a gateway');
  const { gateway, host, port } = arena.world;
  const database = await connectDirectly(arena.database.url);
  await openBank(database, ACCOUNT_COUNT);
  const reports = await sweep({ gateway, host, port, database }, { scripts: SCRIPTS, stride }, shown);
  await database.end();
  return reports;
}

export function sweepLine({ script, positionCount, movedCount, otherwise, failures }: SweepReport): string {
  const others = [...otherwise].map(([outcome, count]) => `, ${count} ${outcome}`).join('');
  return `${script}: ${positionCount} positions, ${movedCount} moves${others}, ${failures.length} failed`;
}
