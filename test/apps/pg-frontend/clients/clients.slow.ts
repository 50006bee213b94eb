// Real drivers, and psql where it is installed: what they see while all their sessions move is what they see straight.
//
// The campaign (`npm run clients`) has more programs and more scripts; this is what fits between two edits.

import test from 'ava';
import { psqlSuite } from '../../../postgres-clients/psql-suite.js';
import { startPostgresWorld, type PostgresWorld } from '../../../support/postgres/world.js';
import { FRESH_DATABASE, renewDatabase } from './fresh-database.js';
import { Mover } from './mover.js';
import { nodePostgresSuite } from './node-postgres-suite.js';
import { normalise } from './normalise.js';
import { postgresJsSuite } from './postgres-js-suite.js';
import { missingProgram } from './program.js';
import type { ClientCase, Place } from './suite.js';

/** A transaction is run again by each move: more often than that takes, it makes no progress. */
const MOVES_PER_SECOND = 2;
/** The scripts that say most in the least time. */
const PSQL_CASES = new Set(['transactions', 'prepared', 'settings']);

let world: PostgresWorld;
test.before(async () => {
  world = await startPostgresWorld({ memberCount: 2 });
});
test.after.always(() => world?.close());

async function seenStraight(one: ClientCase): Promise<string> {
  await renewDatabase(world.database);
  const move = (): Promise<void> => Promise.resolve();
  return normalise(await one.run({ way: 'straight', ...placeOf(world.database), move }));
}

async function seenWhileMoving(one: ClientCase): Promise<{ readonly transcript: string; readonly movedCount: number }> {
  await renewDatabase(world.database);
  const mover = new Mover(world.gateway, MOVES_PER_SECOND);
  mover.start();
  try {
    const move = (): Promise<void> => mover.moveAll();
    const transcript = normalise(await one.run({ way: 'moving', ...placeOf(world), move }));
    return { transcript, movedCount: (await mover.stop()).moved ?? 0 };
  } finally {
    await mover.stop();
  }
}

function placeOf({ host, port }: Place): Place & { readonly user: string; readonly database: string } {
  return { host, port, user: 'postgres', database: FRESH_DATABASE };
}

let totalMovedCount = 0;

for (const suite of [nodePostgresSuite, postgresJsSuite, psqlSuite]) {
  const missing = missingProgram(suite.needs);
  const inPlace = missing === undefined ? test.serial : test.serial.skip;
  const why = missing === undefined ? '' : ` (there is no ${missing.command}; ${missing.remedy})`;
  for (const one of suite.cases) {
    if (suite === psqlSuite && !PSQL_CASES.has(one.name)) continue;
    inPlace(`${suite.name} sees the same while its sessions move: ${one.name}${why}`, async (t) => {
      const expected = await seenStraight(one);
      const { transcript, movedCount } = await seenWhileMoving(one);
      t.is(transcript, expected);
      totalMovedCount += movedCount;
    });
  }
}

test.serial('their sessions have moved', (t) => {
  t.true(totalMovedCount > 0);
});
