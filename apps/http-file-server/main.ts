#!/usr/bin/env -S node --max-semi-space-size=4
// The command: options, logs, signals. One member of a service of HTTP file servers.
//
// What can't begin says why in one line and exits with status 2. What has begun logs JSON lines to standard output: `ready`,
// then each connection that comes and goes, and each that fails. SIGTERM and SIGINT let the connections go to the other
// members and end it in order, with status 0; a second one ends it at once.

import { once } from 'node:events';
import { dirname, resolve } from 'node:path';
import { Container, startMember, type Member, type Report } from '@migratory/framework';
import {
  DRIVER_FLAGS,
  driverOptionsOf,
  MemberConfigInvalid,
  parseMemberConfig,
  stackOptionsOf,
  type DriverFlagValues,
} from '@migratory/framework/member-config';
import { memberMetrics, parseMetricsAddress, serveMetrics, type MetricsAddress } from '@migratory/framework/metrics';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { pino, type Logger } from 'pino';
import { WallClock } from './clock-adapter.js';
import { FileSession } from './file-session.js';
import { FileStore, readText } from './file-store.js';
import { RequestLog } from './request-log.js';

const EXIT_STATUS_UNUSABLE = 2;
/** How long connections may take to leave for the other members, or to finish. */
const DRAIN_TIME_MS = 10_000;
const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

interface CommandOptions extends DriverFlagValues {
  readonly root: string;
  readonly config: string;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly metrics?: MetricsAddress;
}

const command = new Command('migratory-http-file-server')
  .description(
    'Serves the files of a directory over HTTP/1.1, on connections that move between the members of a service.',
  )
  .requiredOption('--root <directory>', 'the directory that is served')
  .requiredOption('--config <file>', 'the description of this member, JSON')
  .addOption(new Option('--log-level <level>', 'debug tells of every request').choices(LOG_LEVELS).default('info'))
  .option('--metrics <address>', 'serve metrics there: a port of 127.0.0.1, or host:port', readMetricsAddress)
  .exitOverride()
  .allowExcessArguments(false);
for (const { flags, description } of DRIVER_FLAGS) command.option(flags, description);

/** Wrong from the start; the message is the line that the user sees. */
class Unusable extends Error {}

async function main(): Promise<void> {
  const options = command.parse().opts<CommandOptions>();
  const log = pino({ level: options.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime });
  const config = await readConfig(options.config);
  const readBeside = (name: string): Promise<string> => readNamed(resolve(dirname(options.config), name));
  const files = await openRoot(options.root);
  // What the command line says of the driver goes before the description.
  const stack = { ...(await stackOptionsOf(config, readBeside)), ...driverOptionsOf(options) };
  const members: Member[] = [];
  // Before anything is accepted, so that a port that can't be had is said in time; until the member has stopped.
  const metrics = options.metrics && (await serveMetrics(memberMetrics(members), options.metrics));
  try {
    const member = await startMember({
      stack,
      services: [{ service: FileSession, port: config.port, container: dependencies(files, log) }],
      report: (report) => logReport(log, report),
    });
    members.push(member);
    const { id, ip, port } = config;
    log.info({ event: 'ready', member: id, ip, port, ...(metrics && { metrics: metrics.url }), pid: process.pid });
    const signal = await Promise.race([signalled('SIGTERM'), signalled('SIGINT')]);
    await stop(member, log, signal);
  } finally {
    await metrics?.close();
  }
}

async function signalled(signal: NodeJS.Signals): Promise<NodeJS.Signals> {
  await once(process, signal);
  return signal;
}

/** Throws `InvalidArgumentError`. */
function readMetricsAddress(text: string): MetricsAddress {
  const address = parseMetricsAddress(text);
  if (address === undefined) throw new InvalidArgumentError('It must look like 9100, 127.0.0.1:9100 or [::1]:9100.');
  return address;
}

async function readConfig(name: string): Promise<ReturnType<typeof parseMemberConfig>> {
  const text = await readNamed(name);
  try {
    return parseMemberConfig(text);
  } catch (error) {
    throw error instanceof MemberConfigInvalid ? new Unusable(`${name}: ${error.message}`) : error;
  }
}

async function readNamed(name: string): Promise<string> {
  try {
    return await readText(name);
  } catch (error) {
    throw new Unusable(`${name}: can't be read (${codeOf(error)})`);
  }
}

async function openRoot(directory: string): Promise<FileStore> {
  try {
    return await FileStore.at(directory);
  } catch (error) {
    throw new Unusable(`--root ${directory}: can't be served (${codeOf(error)})`);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function dependencies(files: FileStore, log: Logger): Container {
  const container = new Container();
  container.bind(FileStore).toConstantValue(files);
  container.bind(WallClock).toConstantValue(new WallClock());
  container.bind(RequestLog).toConstantValue(
    new RequestLog((entry) => {
      log.debug({ event: 'request', ...entry });
    }),
  );
  return container;
}

function logReport(log: Logger, { kind, ...details }: Report): void {
  if (!('error' in details)) return log.info({ event: kind, ...details });
  const { error, ...context } = details;
  log.error({ event: kind, ...context, err: error });
}

async function stop(member: Member, log: Logger, signal: string): Promise<void> {
  log.info({ event: 'draining', signal });
  // A second signal is for those who can't wait.
  for (const again of ['SIGTERM', 'SIGINT'] as const) process.once(again, () => void member.stop());
  const outcome = await member.drain({ timeoutMs: DRAIN_TIME_MS });
  log.info({ event: 'stopped', ...outcome });
}

try {
  await main();
} catch (error) {
  // Commander has said it already, and help is no error.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : EXIT_STATUS_UNUSABLE;
  else {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${command.name()}: ${reason.replace(/\s+/g, ' ')}\n`);
    process.exitCode = EXIT_STATUS_UNUSABLE;
  }
}
