// `npm run bench`, `bench:tcp`, `bench:framework` and `bench:pg`: what the stack, its TCP beside the kernel's, the framework
// on it, and the PostgreSQL front-end on both, cost, measured in one run on one machine, beside what each is compared with.
//
// Prints a table; `--json FILE` writes the same as JSON ('-' prints it), `--only NAME,...` runs some benchmarks, `--runs N` says
// how often each observes: those of the suite `tcp`, and pgbench. The exit status is 1 where an aim is missed, or where a benchmark could measure nothing: then it has said why.

import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { isMet, type Benchmark, type Conduct, type Measurement } from './measurement.js';
import { measureByHand } from './measure/by-hand.js';
import { measureCode } from './measure/code.js';
import { measureHandler } from './measure/handler.js';
import { measureImage } from './measure/image.js';
import { measureSetState } from './measure/set-state.js';
import { measureStageEntry } from './measure/stage-entry.js';
import { measureStall } from './measure/stall.js';
import { measureThroughput } from './measure/throughput.js';
import { measureJournal } from './postgres/journal.js';
import { measureLoad } from './postgres/load.js';
import { measureMoves } from './postgres/moves.js';
import { table } from './table.js';
import { measureBulkReceive, measureBulkSend } from './tcp/bulk.js';
import { measureConnections } from './tcp/connections.js';
import { measureIdleMemory, measureScaling } from './tcp/crowd.js';
import { measureFileServer } from './tcp/file-server.js';
import { measureGoodput } from './tcp/goodput.js';
import { measureRoundTrip } from './tcp/round-trip.js';
import { measureUdp } from './tcp/udp.js';

const SUITES: Readonly<Record<string, readonly Benchmark[]>> = {
  stack: [
    { name: 'set-state', runs: 'its-own', measure: measureSetState },
    { name: 'image', runs: 'its-own', measure: measureImage },
    { name: 'stall', runs: 'its-own', measure: measureStall },
    { name: 'throughput', runs: 'its-own', measure: measureThroughput },
  ],
  framework: [
    { name: 'stage-entry', runs: 'its-own', measure: measureStageEntry },
    { name: 'handler', runs: 'its-own', measure: measureHandler },
    { name: 'code', runs: 'its-own', measure: measureCode },
    { name: 'by-hand', runs: 'its-own', measure: measureByHand },
  ],
  postgres: [
    { name: 'journal', runs: 'its-own', measure: measureJournal },
    { name: 'session-moves', runs: 'its-own', measure: measureMoves },
    { name: 'pgbench', runs: 'as-told', measure: measureLoad },
  ],
  tcp: [
    { name: 'bulk-send', runs: 'as-told', measure: measureBulkSend },
    { name: 'bulk-receive', runs: 'as-told', measure: measureBulkReceive },
    { name: 'file-server', runs: 'as-told', measure: measureFileServer },
    { name: 'udp', runs: 'as-told', measure: measureUdp },
    { name: 'round-trip', runs: 'as-told', measure: measureRoundTrip },
    { name: 'connections', runs: 'as-told', measure: measureConnections },
    { name: 'idle-memory', runs: 'as-told', measure: measureIdleMemory },
    { name: 'scaling', runs: 'as-told', measure: measureScaling },
    { name: 'goodput', runs: 'as-told', measure: measureGoodput },
  ],
};
const NAMES = Object.values(SUITES).flatMap((suite) => suite.map(({ name }) => name));
const USAGE = `usage: bench [--suite ${Object.keys(SUITES).join('|')}] [--only ${NAMES.join(',')}] [--runs N] [--json FILE]`;
const DEFAULT_RUN_COUNT = 5;

interface Order {
  readonly chosen: readonly Benchmark[];
  readonly json: string | undefined;
  readonly conduct: Conduct;
}

/** Or what is wrong with them. */
function readArguments(): Order | string {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'string' },
        only: { type: 'string' },
        runs: { type: 'string' },
        suite: { type: 'string', default: 'stack' },
      },
    });
    const names = values.only?.split(',');
    const suite = names === undefined ? SUITES[values.suite] : Object.values(SUITES).flat();
    const chosen = (suite ?? []).filter(({ name }) => names?.includes(name) ?? true);
    const isKnown = names?.every((name) => NAMES.includes(name)) ?? true;
    const runCount = Number(values.runs ?? DEFAULT_RUN_COUNT);
    if (chosen.length === 0 || !isKnown || !Number.isInteger(runCount) || runCount < 1) return USAGE;
    const fixed = chosen.filter(({ runs }) => runs === 'its-own').map(({ name }) => name);
    if (values.runs !== undefined && fixed.length > 0) {
      return `--runs is not for ${fixed.join(', ')}: each observes as often as it needs`;
    }
    return { chosen, json: values.json, conduct: { runCount } };
  } catch {
    return USAGE;
  }
}

function writeJson(file: string, measurements: readonly Measurement[]): void {
  const machine = { node: process.version, platform: process.platform, cores: cpus().length };
  const text = `${JSON.stringify({ at: new Date().toISOString(), machine, measurements }, undefined, 2)}\n`;
  if (file === '-') process.stdout.write(text);
  else writeFileSync(file, text);
}

const order = readArguments();
if (typeof order === 'string') {
  process.stderr.write(`${order}\n`);
  process.exit(2);
}
const measurements: Measurement[] = [];
const unmeasured: string[] = [];
for (const { name, measure } of order.chosen) {
  process.stderr.write(`${name} ...\n`);
  try {
    const measured = await measure(order.conduct);
    if (measured.length === 0) unmeasured.push(name);
    measurements.push(...measured);
  } catch (error) {
    // What the others have measured, or will, is not lost.
    unmeasured.push(name);
    process.stderr.write(`${name}: ${error instanceof Error ? String(error.stack) : String(error)}\n`);
  }
}
if (measurements.length > 0) process.stdout.write(`${table(measurements)}\n`);
if (unmeasured.length > 0) process.stderr.write(`not measured: ${unmeasured.join(', ')}\n`);
if (order.json !== undefined) writeJson(order.json, measurements);
const missed = measurements.some(({ aims, summary }) => aims.some((aim) => !isMet(aim, summary)));
process.exit(missed || unmeasured.length > 0 ? 1 : 0);
