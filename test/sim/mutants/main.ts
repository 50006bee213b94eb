// Mutants as a command: `npm run sim:mutants`, or `npm run sim:mutants -- NAME` for those whose name has the text in it.
//
// Each bug of the list is put into a copy of the build, alone, and the simulator has so many seeds, and the sweep, to find
// it. Status 1 if one survives, or if a text to be replaced no longer stands in its file exactly once.

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { FRAMEWORK_MUTANTS } from './framework.js';
import { MUTANTS, type Mutant } from './list.js';
import { apply, copyBuild, mutatedText, type Workspace } from './mutation.js';

const SEED_COUNT = 1_000;
/** A bug that makes the world go round in circles is found by the clock. */
const RUN_LIMIT_MS = 600_000;

interface Finding {
  readonly by: string;
  readonly failure: string;
}

/** A bug of the stack is for the hosts' world and the sweep to find, one of the framework for the services' world. */
function hunt(folder: string, workspace: Workspace): Finding | undefined {
  const world = workspace === 'stack' ? 'hosts' : 'services';
  const seeds = run(folder, ['--world', world, '--seeds', String(SEED_COUNT)]);
  const found = /^seed (\d+): (.*)$/m.exec(seeds.output);
  if (found !== null) return { by: `seed ${found[1] ?? ''}`, failure: found[2] ?? '' };
  if (seeds.status === null) return { by: 'clock', failure: 'never came to an end' };
  if (seeds.status !== 0) throw new Error(`the simulator itself has failed: ${lastLineOf(seeds.output)}`);
  if (workspace === 'framework') return undefined;
  const sweep = run(folder, ['--sweep']);
  const finding = /^ {2}(.*?): \{/m.exec(sweep.output);
  if (finding !== null) return { by: 'sweep', failure: finding[1] ?? '' };
  return sweep.status === 0 ? undefined : { by: 'sweep', failure: lastLineOf(sweep.output) };
}

function run(folder: string, args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const main = join(folder, 'test', 'dist', 'sim', 'main.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
    timeout: RUN_LIMIT_MS,
  });
  return { status, output: stdout + stderr };
}

function lastLineOf(output: string): string {
  return output.trim().split('\n').at(-1) ?? 'no output';
}

function main(wanted: string): number {
  const mutants = [
    ...MUTANTS.map((mutant) => ({ workspace: 'stack' as const, mutant })),
    ...FRAMEWORK_MUTANTS.map((mutant) => ({ workspace: 'framework' as const, mutant })),
  ].filter(({ mutant }) => mutant.name.includes(wanted));
  if (mutants.length === 0) {
    console.error(`no mutant has '${wanted}' in its name`);
    return 2;
  }
  const width = Math.max(...mutants.map(({ mutant }) => mutant.name.length));
  const row = (name: string, by: string, seconds: string, failure: string) =>
    console.log(`${name.padEnd(width)}  ${by.padEnd(10)}  ${seconds.padStart(7)}  ${failure}`);
  const folder = copyBuild();
  for (const world of ['hosts', 'services']) {
    const { status, output } = run(folder, ['--world', world, '--seeds', '10']);
    if (status !== 0) throw new Error(`without any bug the world of ${world} fails already: ${lastLineOf(output)}`);
  }
  row('mutant', 'caught by', 'seconds', 'as');
  let survivors = 0;
  for (const { workspace, mutant } of mutants) {
    const startedAt = process.hrtime.bigint();
    const finding = huntMutant(folder, workspace, mutant);
    const seconds = (Number(process.hrtime.bigint() - startedAt) / 1e9).toFixed(1);
    // A bug that breaks the program outright has taught nothing about the oracle.
    if (finding === undefined || !/\bS[1-7]: /.test(finding.failure)) survivors++;
    row(mutant.name, finding?.by ?? 'NOTHING', seconds, finding?.failure ?? `expected ${mutant.breaks.join(' or ')}`);
  }
  rmSync(folder, { recursive: true });
  console.log(`\n${mutants.length - survivors} of ${mutants.length} caught`);
  return survivors === 0 ? 0 : 1;
}

function huntMutant(folder: string, workspace: Workspace, mutant: Mutant): Finding | undefined {
  const text = mutatedText(workspace, mutant);
  if (text === undefined) return undefined;
  const restore = apply(folder, workspace, mutant, text);
  try {
    return hunt(folder, workspace);
  } finally {
    restore();
  }
}

process.exitCode = main(process.argv.slice(2).join(' '));
