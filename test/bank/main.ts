// `npm run bank`: does a transaction stay a transaction while its session moves, and its servers die?
//
// Ends with status 1 on any violation, and says which transfers show it and with which seed.

import { parseArgs } from 'node:util';
import { Progress } from '../sim/progress.js';
import { COMMITS, oneOf, paceOf, wholeNumber } from './arguments.js';
import { runSweep, sweepLine, type SweepOptions } from './sweep/campaign.js';
import type { SweepReport } from './sweep/sweep.js';
import { runBank, type BankOptions, type BankOutcome } from './campaign.js';

const HELP = `Usage: npm run bank -- [options]
  --transfers N           until N transfers have been acknowledged (default 50000)
  --clients N             as many sessions (default 16)
  --accounts N            the fewer, the more conflicts (default 100)
  --seed N                decides what is asked for; when it happens, the machine decides (default: the time)
  --moves random|none     whether sessions move (default random)
  --moves-per-second N    of each session (default 2); each costs a new session at the database
  --kill                  front-ends end and start again, sessions of the database are terminated
  --commit locked|two-phase   how the front-ends commit
  --direct                straight to the database, for comparison
  --sweep                 a move at every message boundary of short transactions, and nothing else
  --log FILE              the logs of the front-ends and of the gateway`;

type Order =
  | { readonly kind: 'bank'; readonly options: BankOptions }
  | { readonly kind: 'sweep'; readonly options: SweepOptions }
  | { readonly kind: 'help' };

function parse(): Order {
  const { values } = parseArgs({
    options: {
      transfers: { type: 'string', default: '50000' },
      clients: { type: 'string', default: '16' },
      accounts: { type: 'string', default: '100' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      moves: { type: 'string', default: 'random' },
      'moves-per-second': { type: 'string', default: '2' },
      commit: { type: 'string' },
      log: { type: 'string' },
      kill: { type: 'boolean', default: false },
      direct: { type: 'boolean', default: false },
      sweep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return { kind: 'help' };
  const commit = values.commit === undefined ? undefined : oneOf('commit', values.commit, COMMITS);
  if (values.sweep) return { kind: 'sweep', options: { commit, logPath: values.log, stride: 1 } };
  const options: BankOptions = {
    transferCount: wholeNumber('transfers', values.transfers, 1),
    clientCount: wholeNumber('clients', values.clients, 1),
    accountCount: wholeNumber('accounts', values.accounts, 2),
    seed: wholeNumber('seed', values.seed, 0),
    moves: paceOf(values.moves, values['moves-per-second']),
    weather: values.kill ? 'foul' : 'fair',
    path: values.direct ? 'direct' : 'through the front-end',
    commit,
    logPath: values.log,
  };
  return { kind: 'bank', options };
}

async function main(): Promise<number> {
  let order: Order;
  try {
    order = parse();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${HELP}`);
    return 2;
  }
  if (order.kind === 'help') {
    console.log(HELP);
    return 0;
  }
  if (order.kind === 'sweep') return await swept(order.options);
  return await bank(order.options);
}

async function swept(options: SweepOptions): Promise<number> {
  const reports = await runSweep(options, (report) => {
    console.log(sweepLine(report));
    for (const failure of report.failures) console.log(`  ${failure}`);
  });
  const sum = (of: (report: SweepReport) => number): number => reports.reduce((total, report) => total + of(report), 0);
  const failureCount = sum(({ failures }) => failures.length);
  const [positionCount, movedCount] = [sum((report) => report.positionCount), sum((report) => report.movedCount)];
  console.log(`\n${positionCount} positions swept, ${movedCount} moves, ${failureCount} failed`);
  return failureCount === 0 ? 0 : 1;
}

async function bank(options: BankOptions): Promise<number> {
  console.log(`seed ${options.seed}: ${options.clientCount} clients, ${options.path}, ${options.weather} weather`);
  const progress = new Progress();
  const outcome = await runBank(options, (ledger, tally) =>
    progress.show(() => {
      const { committedCount } = ledger;
      const rate = (committedCount / progress.seconds).toFixed(0);
      const moved = tally.of('moves', 'moved');
      return `${committedCount} of ${options.transferCount} transfers, ${rate} a second, ${moved} moves, ${tally.total('deeds')} deeds`;
    }),
  );
  progress.clear();
  return show(outcome, options.seed);
}

function show({ tally, violations, acknowledgedCount, elapsedMs, longestStallMs }: BankOutcome, seed: number): number {
  for (const line of tally.lines) console.log(line);
  const seconds = elapsedMs / 1_000;
  const rate = (acknowledgedCount / seconds).toFixed(0);
  console.log(`\n${acknowledgedCount} transfers acknowledged in ${seconds.toFixed(1)} s, ${rate} a second`);
  console.log(`${tally.of('moves', 'moved')} moves, the longest stall ${longestStallMs.toFixed(0)} ms`);
  console.log(`${tally.total('connections lost')} connections lost`);
  for (const { rule, what, ids } of violations.slice(0, SHOWN_VIOLATION_COUNT)) {
    const some = ids.slice(0, SHOWN_ID_COUNT).join(', ');
    console.log(`VIOLATION of ${rule}: ${what}${ids.length > 0 ? ` (${ids.length}: ${some})` : ''}`);
  }
  console.log(violations.length === 0 ? 'no violation' : `${violations.length} violations with seed ${seed}`);
  return violations.length === 0 ? 0 : 1;
}

const SHOWN_VIOLATION_COUNT = 20;
const SHOWN_ID_COUNT = 20;

process.exitCode = await main();
