// The simulated world as a command: `npm run sim -- --seeds N --from S`, or one seed in detail with `--seed S --trace`.
//
// Prints how fast it went and what was reached. The first failing seed ends it with status 1 and the command that replays it.

import { parseArgs } from 'node:util';
import { scenarioOf } from './scenario.js';
import { nothingReached, Simulation, transitionsNotReached, type Reached } from './simulation.js';
import { disturbances, EXCHANGE_KINDS, movesEverywhere, pairsOfMoves, play } from './sweep.js';

const HELP = `Usage: npm run sim -- [--seeds N] [--from S]      N seeds from S on (default 200 from 1)
       npm run sim -- --seed S [--trace]          one seed, with every segment and message
       npm run sim -- --sweep                     a move at every segment boundary of short exchanges
       --keep-going                               report all failing seeds, not only the first`;

function main(): number {
  let values: ReturnType<typeof parse>['values'];
  try {
    ({ values } = parse());
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${HELP}`);
    return 2;
  }
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  if (values.sweep === true) return sweep();
  const from = Number(values.seed ?? values.from ?? '1');
  const count = values.seed === undefined ? Number(values.seeds ?? '200') : 1;
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(count)) {
    console.error(`seeds are whole numbers\n${HELP}`);
    return 2;
  }
  return run(from, count, values.trace === true, values['keep-going'] === true);
}

function parse() {
  return parseArgs({
    options: {
      seeds: { type: 'string' },
      from: { type: 'string' },
      seed: { type: 'string' },
      trace: { type: 'boolean' },
      sweep: { type: 'boolean' },
      'keep-going': { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
}

function run(from: number, count: number, traced: boolean, keepsGoing: boolean): number {
  const reached = nothingReached();
  const startedAt = process.hrtime.bigint();
  let failures = 0;
  let done = 0;
  for (let seed = from; seed < from + count; seed++) {
    done++;
    const failure = runSeed(seed, reached, traced);
    if (failure === undefined) continue;
    failures++;
    console.log(`seed ${seed}: ${failure}\n  replay: npm run sim -- --seed ${seed} --trace`);
    if (!keepsGoing) break;
  }
  const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9;
  summarize(reached, done, failures, seconds);
  return failures === 0 ? 0 : 1;
}

function sweep(): number {
  let failures = 0;
  for (const kind of EXCHANGE_KINDS) {
    for (const runs of [movesEverywhere(kind), pairsOfMoves(kind), disturbances(kind)]) {
      const { count, moves, findings } = play(runs);
      failures += findings.length;
      console.log(`${kind}: ${count} runs, ${moves} moves, ${findings.length} failed`);
      for (const { run, failure } of findings) console.log(`  ${failure}: ${JSON.stringify(run)}`);
    }
  }
  return failures === 0 ? 0 : 1;
}

function runSeed(seed: number, reached: Reached, traced: boolean): string | undefined {
  try {
    new Simulation(scenarioOf(seed), reached, traced ? (line) => console.log(line) : undefined).run();
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.name === 'Violation' ? error.message : (error.stack ?? error.message);
  }
}

function summarize(reached: Reached, seeds: number, failures: number, seconds: number): void {
  const list = (counts: ReadonlyMap<string, number>): string =>
    [...counts].map(([name, count]) => `${name} ${count}`).join(', ') || 'none';
  console.log(
    `${seeds} seeds in ${seconds.toFixed(1)} s: ${(seeds / seconds).toFixed(0)} a second; ${failures} failed`,
  );
  console.log(`segments ${reached.segments}, moves ${reached.moves}, returned to where they were ${reached.stays}`);
  console.log(`connections: ${list(reached.outcomes)}; lost with all their members: ${reached.lost}`);
  console.log(`transitions not reached: ${transitionsNotReached(reached).join(', ') || 'none'}`);
  console.log(`refusals: ${list(reached.refusals)}; not begun: ${list(reached.impossible)}`);
}

process.exitCode = main();
