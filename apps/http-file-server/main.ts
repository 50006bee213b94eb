#!/usr/bin/env -S node --max-semi-space-size=1
// The command: options, logs, signals. One member of a service of HTTP file servers.
//
// What can't begin says why in one line and exits with status 2. What has begun logs JSON lines to standard output: `ready`,
// then each connection that comes and goes, and each that fails. SIGTERM and SIGINT let the connections go to the other
// members and end it in order, with status 0; a second one ends it at once.

import { dirname, resolve } from 'node:path';
import { Container, startMember, type Member, type Report } from '@migratory/framework';
import { Command, CommanderError, Option } from 'commander';
import { pino, type Logger } from 'pino';
import { WallClock } from './clock-adapter.js';
import { FileSession } from './file-session.js';
import { FileStore, readText } from './file-store.js';
import { ConfigInvalid, parseMemberConfig, stackOptionsOf } from './member-config.js';
import { RequestLog } from './request-log.js';

const EXIT_STATUS_UNUSABLE = 2;
/** How long connections may take to leave for the other members, or to finish. */
const DRAIN_TIME_MS = 10_000;
const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

interface CommandOptions {
  readonly root: string;
  readonly config: string;
  readonly logLevel: (typeof LOG_LEVELS)[number];
}

const command = new Command('migratory-http-file-server')
  .description(
    'Serves the files of a directory over HTTP/1.1, on connections that move between the members of a service.',
  )
  .requiredOption('--root <directory>', 'the directory that is served')
  .requiredOption('--config <file>', 'the description of this member, JSON')
  .addOption(new Option('--log-level <level>', 'debug tells of every request').choices(LOG_LEVELS).default('info'))
  .exitOverride()
  .allowExcessArguments(false);

/** Wrong from the start; the message is the line that the user sees. */
class Unusable extends Error {}

async function main(): Promise<void> {
  const options = command.parse().opts<CommandOptions>();
  const log = pino({ level: options.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime });
  const config = await readConfig(options.config);
  const readBeside = (name: string): Promise<string> => readNamed(resolve(dirname(options.config), name));
  const files = await openRoot(options.root);
  const stack = await stackOptionsOf(config, readBeside);
  const member = await startMember({
    stack,
    services: [{ service: FileSession, port: config.port, container: dependencies(files, log) }],
    report: (report) => logReport(log, report),
  });
  log.info({ event: 'ready', member: config.id, ip: config.ip, port: config.port, pid: process.pid });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop(member, log, signal));
}

async function readConfig(name: string): Promise<ReturnType<typeof parseMemberConfig>> {
  const text = await readNamed(name);
  try {
    return parseMemberConfig(text);
  } catch (error) {
    throw error instanceof ConfigInvalid ? new Unusable(`${name}: ${error.message}`) : error;
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
