// The simulated world as a command: campaigns over many seeds, one seed in detail, a failing seed made small, the sweep.
//
// The first failing seed ends it with status 1 and the commands that replay and shrink it. So does a campaign of some length
// that has not reached all that its world can do: what no seed reaches, no seed tests.

import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { missedRows, Reached, type SimulatedWorld } from './campaign.js';
import { hostWorld } from './host-world.js';
import { Progress } from './progress.js';
import { reportOf, totalsOf } from './report.js';
import { judge, shrink } from './shrinker.js';
import { servicesWorld } from './services/services-world.js';
import { disturbances, EXCHANGE_KINDS, movesEverywhere, pairsOfMoves, play } from './sweep.js';

const HELP = `Usage: npm run sim -- [--seeds N] [--from S]       N seeds from S on (default 200 from 1)
       npm run sim -- --seed S [--trace]           one seed, with every segment and message
       npm run sim -- --seed S --shrink            the smallest scenario that fails as this seed does
       npm run sim -- --scenario FILE [--trace]    a scenario that was printed; --shrink works here too
       npm run sim -- --sweep                      a move at every segment boundary of short exchanges
       --world NAME                                which world: hosts (default) or services
       --out FILE                                  where to put what --shrink has found, besides printing it
       --keep-going                                report all failing seeds, not only the first`;

/** From so many seeds on a campaign fails if it has not reached everything. */
const LONG_SEED_COUNT = 2_000;

interface Options {
  readonly trace: boolean;
  readonly keepGoing: boolean;
  readonly out: string | undefined;
}

/** A world with its type of scenario hidden: what the command can do with any of them. */
interface Campaign {
  readonly name: string;
  seeds(from: number, count: number, options: Options): Promise<number>;
  replay(scenario: unknown, options: Options): Promise<number>;
  shrink(scenario: unknown, options: Options): Promise<number>;
  scenarioOf(seed: number): unknown;
}

const campaigns: readonly Campaign[] = [campaignOf(hostWorld), campaignOf(servicesWorld)];

async function main(): Promise<number> {
  let values: ReturnType<typeof parse>['values'];
  try {
    ({ values } = parse());
  } catch (error) {
    return misused(error instanceof Error ? error.message : String(error));
  }
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  if (values.sweep === true) return sweep();
  const options = { trace: values.trace === true, keepGoing: values['keep-going'] === true, out: values.out };
  const from = Number(values.seed ?? values.from ?? '1');
  const count = values.seed === undefined ? Number(values.seeds ?? '200') : 1;
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(count)) return misused('seeds are whole numbers');
  const saved = values.scenario === undefined ? undefined : readScenario(values.scenario);
  const name = saved?.world ?? values.world ?? 'hosts';
  const campaign = campaigns.find((candidate) => candidate.name === name);
  if (campaign === undefined) return misused(`there is no world '${name}'`);
  const scenario = saved?.scenario ?? (values.seed === undefined ? undefined : campaign.scenarioOf(from));
  if (values.shrink === true) {
    if (scenario === undefined) return misused('--shrink needs a --seed or a --scenario');
    return campaign.shrink(scenario, options);
  }
  return scenario === undefined ? campaign.seeds(from, count, options) : campaign.replay(scenario, options);
}

function parse() {
  return parseArgs({
    options: {
      seeds: { type: 'string' },
      from: { type: 'string' },
      seed: { type: 'string' },
      scenario: { type: 'string' },
      world: { type: 'string' },
      out: { type: 'string' },
      trace: { type: 'boolean' },
      shrink: { type: 'boolean' },
      sweep: { type: 'boolean' },
      'keep-going': { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
}

function misused(what: string): number {
  console.error(`${what}\n${HELP}`);
  return 2;
}

/** What `--shrink` has printed. */
interface SavedScenario {
  readonly world: string;
  readonly scenario: unknown;
}

function readScenario(path: string): SavedScenario {
  return JSON.parse(readFileSync(path, 'utf8')) as SavedScenario;
}

function campaignOf<Scenario extends { readonly seed: number }>(world: SimulatedWorld<Scenario>): Campaign {
  const { name, expected } = world;
  const command = name === 'hosts' ? 'npm run sim --' : `npm run sim -- --world ${name}`;

  const seeds = async (from: number, count: number, { keepGoing }: Options): Promise<number> => {
    const reached = new Reached();
    const progress = new Progress();
    let failures = 0;
    let done = 0;
    for (let seed = from; seed < from + count; seed++) {
      const verdict = await judge(world, world.scenarioOf(seed), reached);
      done++;
      progress.show(() => {
        const rate = (done / progress.seconds).toFixed(0);
        const moves = reached.countOf('totals', 'moves');
        return `${done} of ${count} seeds, ${rate} a second, ${moves} moves, ${failures} failed`;
      });
      if (verdict.kind === 'passed') continue;
      failures++;
      progress.clear();
      console.log(`seed ${seed}: ${verdict.message}`);
      console.log(`  replay: ${command} --seed ${seed} --trace\n  shrink: ${command} --seed ${seed} --shrink`);
      if (!keepGoing) break;
    }
    progress.clear();
    const { seconds } = progress;
    for (const line of reportOf(reached, expected)) console.log(line);
    const missed = missedRows(world, reached);
    const rate = (done / seconds).toFixed(0);
    console.log(`\n${done} seeds in ${seconds.toFixed(1)} s, ${rate} a second: ${failures} failed`);
    console.log(totalsOf(reached));
    console.log(missed.length === 0 ? 'everything was reached' : `never reached: ${missed.join('; ')}`);
    return failures > 0 || (done >= LONG_SEED_COUNT && missed.length > 0) ? 1 : 0;
  };

  const replay = async (scenario: unknown, { trace }: Options): Promise<number> => {
    const reached = new Reached();
    const verdict = await judge(world, scenario as Scenario, reached, trace ? (line) => console.log(line) : undefined);
    if (!trace) for (const line of reportOf(reached, [])) console.log(line);
    console.log(verdict.kind === 'passed' ? `passed: ${totalsOf(reached)}` : `failed: ${verdict.message}`);
    return verdict.kind === 'passed' ? 0 : 1;
  };

  const shrinkIt = async (scenario: unknown, { out }: Options): Promise<number> => {
    if ((await judge(world, scenario as Scenario)).kind === 'passed') {
      console.log('this scenario does not fail: there is nothing to shrink');
      return 0;
    }
    const progress = new Progress();
    const shrunk = await shrink(world, scenario as Scenario, (tried, taken) => {
      progress.show(() => `${tried} smaller scenarios tried, ${taken} taken`);
    });
    progress.clear();
    const text = JSON.stringify({ world: name, scenario: shrunk.scenario }, undefined, 2);
    console.log(text);
    if (out !== undefined) writeFileSync(out, `${text}\n`);
    console.log(`\nfailed: ${shrunk.message}\n${shrunk.tried} tried, ${shrunk.taken} taken`);
    console.log(`replay: npm run sim -- --scenario ${out ?? 'FILE'} --trace`);
    return 1;
  };

  return { name, seeds, replay, shrink: shrinkIt, scenarioOf: (seed) => world.scenarioOf(seed) };
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

process.exitCode = await main();
