// `npm run bench`, `bench:tcp`, `bench:framework` and `bench:pg`: what the stack, its TCP beside the kernel's, the framework
// on it, and the PostgreSQL front-end on both, cost, measured in one run on one machine, beside what each is compared with.
//
// Prints a table; `--json FILE` writes the same as JSON ('-' prints it), `--only NAME,...` runs some benchmarks, `--runs N` says
// how often each of the suite `tcp` observes. The exit status is 1 where an aim is missed, or where a benchmark could measure nothing: then it has said why.

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
    { name: 'set-state', measure: measureSetState },
    { name: 'image', measure: measureImage },
    { name: 'stall', measure: measureStall },
    { name: 'throughput', measure: measureThroughput },
  ],
  framework: [
    { name: 'stage-entry', measure: measureStageEntry },
    { name: 'handler', measure: measureHandler },
    { name: 'code', measure: measureCode },
    { name: 'by-hand', measure: measureByHand },
  ],
  postgres: [
    { name: 'journal', measure: measureJournal },
    { name: 'session-moves', measure: measureMoves },
    { name: 'pgbench', measure: measureLoad },
  ],
  tcp: [
    { name: 'bulk-send', measure: measureBulkSend },
    { name: 'bulk-receive', measure: measureBulkReceive },
    { name: 'file-server', measure: measureFileServer },
    { name: 'udp', measure: measureUdp },
    { name: 'round-trip', measure: measureRoundTrip },
    { name: 'connections', measure: measureConnections },
    { name: 'idle-memory', measure: measureIdleMemory },
    { name: 'scaling', measure: measureScaling },
    { name: 'goodput', measure: measureGoodput },
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

function readArguments(): Order | undefined {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'string' },
        only: { type: 'string' },
        runs: { type: 'string', default: String(DEFAULT_RUN_COUNT) },
        suite: { type: 'string', default: 'stack' },
      },
    });
    const names = values.only?.split(',');
    const suite = names === undefined ? SUITES[values.suite] : Object.values(SUITES).flat();
    const chosen = (suite ?? []).filter(({ name }) => names?.includes(name) ?? true);
    const isKnown = names?.every((name) => NAMES.includes(name)) ?? true;
    const runCount = Number(values.runs);
    if (chosen.length === 0 || !isKnown || !Number.isInteger(runCount) || runCount < 1) return undefined;
    return { chosen, json: values.json, conduct: { runCount } };
  } catch {
    return undefined;
  }
}

function writeJson(file: string, measurements: readonly Measurement[]): void {
  const machine = { node: process.version, platform: process.platform, cores: cpus().length };
  const text = `${JSON.stringify({ at: new Date().toISOString(), machine, measurements }, undefined, 2)}\n`;
  if (file === '-') process.stdout.write(text);
  else writeFileSync(file, text);
}

const order = readArguments();
if (order === undefined) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
}
const measurements: Measurement[] = [];
const unmeasured: string[] = [];
for (const { name, measure } of order.chosen) {
  process.stderr.write(`${name} ...\n`);
  const measured = await measure(order.conduct);
  if (measured.length === 0) unmeasured.push(name);
  measurements.push(...measured);
}
if (measurements.length > 0) process.stdout.write(`${table(measurements)}\n`);
if (unmeasured.length > 0) process.stderr.write(`not measured: ${unmeasured.join(', ')}\n`);
if (order.json !== undefined) writeJson(order.json, measurements);
const missed = measurements.some(({ aims, summary }) => aims.some((aim) => !isMet(aim, summary)));
process.exit(missed || unmeasured.length > 0 ? 1 : 0);
