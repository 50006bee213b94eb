// `npm run serializability`: is SERIALIZABLE still serializable while sessions move?
//
// Clients append to lists and read them; the lists say in which order transactions can have happened, and whether there is
// one. Ends with status 1 where the history shows what its isolation level forbids.

import { parseArgs } from 'node:util';
import { Progress } from '../sim/progress.js';
import { COMMITS, oneOf, paceOf, wholeNumber } from './arguments.js';
import { ISOLATIONS, type Isolation } from './ledger.js';
import { runListAppend, type ListAppendOptions, type ListAppendOutcome } from './list-append/campaign.js';
import type { Anomaly } from './list-append/checker.js';
import type { Operation, Transaction } from './list-append/history.js';

const HELP = `Usage: npm run serializability -- [options]
  --transactions N        (default 5000)
  --clients N             as many sessions (default 8)
  --seed N                decides what is asked for; when it happens, the machine decides (default: the time)
  --isolation LEVEL       serializable (default), repeatable-read or read-committed
  --moves random|none     whether sessions move (default random)
  --moves-per-second N    of each session (default 2); each costs a new session at the database
  --commit locked|two-phase   how the front-ends commit
  --direct                straight to the database, for comparison
  --log FILE              the logs of the front-ends and of the gateway`;
const SHOWN_ANOMALY_COUNT = 5;
const SHOWN_TRANSACTION_COUNT = 8;

type Order = { readonly kind: 'run'; readonly options: ListAppendOptions } | { readonly kind: 'help' };

function parse(): Order {
  const { values } = parseArgs({
    options: {
      transactions: { type: 'string', default: '5000' },
      clients: { type: 'string', default: '8' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      isolation: { type: 'string', default: 'serializable' },
      moves: { type: 'string', default: 'random' },
      'moves-per-second': { type: 'string', default: '2' },
      commit: { type: 'string' },
      log: { type: 'string' },
      direct: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return { kind: 'help' };
  const options: ListAppendOptions = {
    transactionCount: wholeNumber('transactions', values.transactions, 1),
    clientCount: wholeNumber('clients', values.clients, 1),
    seed: wholeNumber('seed', values.seed, 0),
    isolation: oneOf('isolation', values.isolation.replace('-', ' '), ISOLATIONS),
    moves: paceOf(values.moves, values['moves-per-second']),
    commit: values.commit === undefined ? undefined : oneOf('commit', values.commit, COMMITS),
    path: values.direct ? 'direct' : 'through the front-end',
    logPath: values.log,
  };
  return { kind: 'run', options };
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
  const { seed, clientCount, isolation, path, transactionCount } = order.options;
  console.log(`seed ${seed}: ${clientCount} clients, ${path}, ${isolation}`);
  const progress = new Progress();
  const outcome = await runListAppend(order.options, (doneCount, tally) =>
    progress.show(() => `${doneCount} of ${transactionCount} transactions, ${tally.of('moves', 'moved')} moves`),
  );
  progress.clear();
  return show(outcome, isolation, seed);
}

function show(outcome: ListAppendOutcome, isolation: Isolation, seed: number): number {
  const { tally, history, anomalies, forbidden, complaints, elapsedMs } = outcome;
  for (const line of tally.lines) console.log(line);
  const { length } = history.transactions;
  console.log(`\n${length} transactions in ${(elapsedMs / 1_000).toFixed(1)} s, ${tally.of('moves', 'moved')} moves`);
  for (const anomaly of (forbidden.length > 0 ? forbidden : anomalies).slice(0, SHOWN_ANOMALY_COUNT)) {
    for (const line of anomalyLines(anomaly, history.transactions)) console.log(line);
  }
  for (const complaint of complaints.slice(0, SHOWN_ANOMALY_COUNT)) console.log(complaint);
  const verdict =
    forbidden.length === 0 ? `nothing that ${isolation} forbids` : `${forbidden.length} forbidden anomalies`;
  console.log(
    `${verdict}, ${anomalies.length - forbidden.length} allowed ones, ${complaints.length} wrong answers (seed ${seed})`,
  );
  return forbidden.length + complaints.length === 0 ? 0 : 1;
}

function anomalyLines({ name, what, transactions }: Anomaly, all: readonly Transaction[]): string[] {
  const shown = [...new Set(transactions)].slice(0, SHOWN_TRANSACTION_COUNT);
  return [
    `${name}: ${what}`,
    ...all
      .filter(({ id }) => shown.includes(id))
      .map(({ id, told, operations }) => `  ${id} (${told}): ${operations.map(textOf).join(', ')}`),
  ];
}

function textOf(operation: Operation): string {
  if (operation.kind === 'append') return `append ${operation.value} to ${operation.key}`;
  return `read ${operation.key} [${operation.values.join(' ')}]`;
}

process.exitCode = await main();
