// The campaigns in small, as they run in the large: real processes, a real database, sessions that move.

import anyTest, { type TestFn } from 'ava';
import { directly, startArena, type Arena } from './arena.js';
import { runBankIn } from './campaign.js';
import { runListAppendIn } from './list-append/campaign.js';
import { runSweepIn } from './sweep/campaign.js';

const SEED = 1;
const MEMBER_COUNT = 2;
/** Every so manyth position of the sweep; `npm run bank -- --sweep` takes all. */
const STRIDE = 12;
/** Each session moves once in so many steps of all clients. */
const PACE = { kind: 'by steps', stepCount: 250 } as const;
/** On a machine that is busy; usually it takes seconds. */
const LIMIT_MS = 240_000;

const test = anyTest as TestFn<Arena>;

test.before(async (t) => {
  t.timeout(LIMIT_MS);
  t.context = await startArena({ path: 'through the front-end', memberCount: MEMBER_COUNT, commit: undefined });
});

test.after.always(async (t) => {
  await (t.context as Partial<Arena>).close?.();
});

test.serial('300 transfers while their sessions move: the books are right', async (t) => {
  t.timeout(LIMIT_MS);
  const { tally, violations, acknowledgedCount } = await runBankIn(t.context, {
    ...{ transferCount: 300, clientCount: 5, accountCount: 30, seed: SEED, moves: PACE, weather: 'fair' },
  });
  t.deepEqual(violations, []);
  t.true(acknowledgedCount >= 300);
  t.true(tally.of('moves', 'moved') >= 10, tally.lines.join('\n'));
  t.is(tally.total('connections lost'), 0);
});

test.serial('a move at message boundaries of a transfer: the same answers, and the money once', async (t) => {
  t.timeout(LIMIT_MS);
  const reports = await runSweepIn(t.context, STRIDE);
  t.deepEqual(
    reports.flatMap(({ failures }) => failures),
    [],
  );
  for (const { script, movedCount } of reports) t.true(movedCount > 0, script);
});

test.serial('200 transactions on lists while their sessions move: serializable', async (t) => {
  t.timeout(LIMIT_MS);
  const { tally, forbidden, complaints, history } = await runListAppendIn(t.context, {
    ...{ transactionCount: 200, clientCount: 5, seed: SEED, isolation: 'serializable', moves: PACE },
  });
  t.deepEqual(forbidden, []);
  t.deepEqual(complaints, []);
  t.true(history.transactions.some(({ told }) => told === 'committed'));
  t.true(tally.of('moves', 'moved') >= 5, tally.lines.join('\n'));
});

test.serial('the same at READ COMMITTED is not serializable, and the checker sees it', async (t) => {
  t.timeout(LIMIT_MS);
  const { anomalies, forbidden } = await runListAppendIn(directly(t.context), {
    ...{ transactionCount: 400, clientCount: 8, seed: SEED, isolation: 'read committed', moves: 'none' },
  });
  t.true(anomalies.some(({ name }) => name === 'G-single' || name === 'G2'));
  t.deepEqual(forbidden, []);
});
