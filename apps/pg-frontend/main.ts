#!/usr/bin/env -S node --max-semi-space-size=4
// The command: files, logs, signals. One member of a service of PostgreSQL front-ends.
//
// What can't begin says why in one line and exits with status 2. What has begun logs JSON lines to standard output: `ready`,
// then sessions that come and go, transactions that were run again, sessions that can't move. SIGTERM and SIGINT let the
// sessions go to the other members and end it in order, with status 0; a second one ends it at once.

import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Container, startMember, type Member, type Report } from '@migratory/framework';
import { MemberConfigInvalid, parseMemberConfig, stackOptionsOf } from '@migratory/framework/member-config';
import { memberMetrics, serveMetrics } from '@migratory/framework/metrics';
import { CommanderError } from 'commander';
import { pino, type Logger } from 'pino';
import { LoginPolicy } from './authentication/login-policy.js';
import { parseUsers, UsersInvalid, type Users } from './authentication/users.js';
import { SystemClock } from './clock-adapter.js';
import { parseDatabaseUrl } from './database/backend-adapter.js';
import { ControlSession } from './database/control-adapter.js';
import { DatabaseRefused } from './database/database.js';
import { BackendPool } from './database/pool-adapter.js';
import { DatabaseSession } from './database-session.js';
import { sessionMetrics } from './metrics.js';
import { LIMITS } from './limits.js';
import { parseOptions } from './options.js';
import { CancelDesk } from './session/cancel-desk.js';
import type { SessionLog } from './session/session-log.js';
import { SessionServices } from './session/session-services.js';

const EXIT_STATUS_UNUSABLE = 2;
/** How long sessions may take to leave for the other members, or to finish. */
const DRAIN_TIME_MS = 30_000;

/** Of SCRAM, in bytes: PostgreSQL's own SCRAM_RAW_NONCE_LEN. */
const NONCE_LENGTH = 18;

/** Wrong from the start; the message is the line that the user sees. */
class Unusable extends Error {}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const log = pino({ level: options.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime });
  const config = await readConfig(options.config);
  const readBeside = (name: string): Promise<string> => readNamed(resolve(dirname(options.config), name));
  const stack = await stackOptionsOf(config, readBeside);
  const access = parseDatabaseUrl(options.database);
  const serviceKey = await readBeside(config.serviceKeyFile);
  const desk = new CancelDesk({
    secret: derived(serviceKey, 'cancel'),
    random: randomBytes,
    now: Date.now,
    announce: (announcement) => control.announce(announcement),
  });
  const control = new ControlSession(access, (announcement) => desk.hear(announcement));
  const users = options.users === undefined ? undefined : await readUsers(options.users, derived(serviceKey, 'users'));
  const passwordOf = (user: string): string | undefined => {
    const known = users?.find(user);
    const own = user === access.user ? access.password : undefined;
    return known?.kind === 'known' ? (known.databasePassword ?? own) : own;
  };
  const pool = new BackendPool(access.address, passwordOf);
  const members: Member[] = [];
  const registry = memberMetrics(members);
  const counted = sessionMetrics(registry, pool);
  const metrics = options.metrics && (await serveMetrics(registry, options.metrics));
  try {
    await control.open();
    if (options.commit === 'two-phase')
      await control.tidyPrepared((names) => log.warn({ event: 'orphans-rolled-back', names }));
    const services = new SessionServices(
      pool,
      new SystemClock(),
      desk,
      sessionLog(log, counted),
      derived(serviceKey, 'hand-over'),
      options.commit,
    );
    const { snapshotLength, inputLength } = LIMITS;
    const member = await startMember({
      stack,
      services: [
        {
          service: DatabaseSession,
          port: config.port,
          container: dependencies(services, new LoginPolicy(users, () => randomBytes(NONCE_LENGTH).toString('base64'))),
          limits: { snapshotLength, inputLength, stageTimeMs: Infinity, outputLength: Infinity },
        },
      ],
      report: (report) => logReport(log, report),
    });
    members.push(member);
    const { id, ip, port } = config;
    log.info({ event: 'ready', member: id, ip, port, ...(metrics && { metrics: metrics.url }), pid: process.pid });
    const signal = await Promise.race([signalled('SIGTERM'), signalled('SIGINT')]);
    await stop(member, log, signal);
    await services.allHandedOver();
  } finally {
    await metrics?.close();
    pool.close();
    await control.close();
  }
}

async function signalled(signal: NodeJS.Signals): Promise<NodeJS.Signals> {
  await once(process, signal);
  return signal;
}

async function readConfig(name: string): Promise<ReturnType<typeof parseMemberConfig>> {
  const text = await readNamed(name);
  try {
    return parseMemberConfig(text);
  } catch (error) {
    throw error instanceof MemberConfigInvalid ? new Unusable(`${name}: ${error.message}`) : error;
  }
}

async function readUsers(name: string, secret: Uint8Array): Promise<Users> {
  const text = await readNamed(name);
  try {
    return await parseUsers(text, secret);
  } catch (error) {
    throw error instanceof UsersInvalid ? new Unusable(`${name}: ${error.message}`) : error;
  }
}

/** A secret that all members share, since they share the service's key; it tells nothing of that. */
function derived(serviceKey: string, purpose: string): Uint8Array {
  return createHmac('sha256', serviceKey).update(`migratory pg-frontend ${purpose}`).digest();
}

async function readNamed(name: string): Promise<string> {
  try {
    return await readFile(name, 'utf8');
  } catch (error) {
    throw new Unusable(`${name}: can't be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  }
}

function dependencies(services: SessionServices, policy: LoginPolicy): Container {
  const container = new Container();
  container.bind(SessionServices).toConstantValue(services);
  container.bind(LoginPolicy).toConstantValue(policy);
  return container;
}

function sessionLog(log: Logger, counted: SessionLog): SessionLog {
  return {
    record: (cid, event) => {
      counted.record(cid, event);
      const { kind, ...details } = event;
      const line = { event: kind, cid, ...details };
      if (kind === 'logged-in' || kind === 'unpinned') log.debug(line);
      else if (kind === 'ended' || kind === 'login-refused') log.warn(line);
      else log.info(line);
    },
  };
}

function logReport(log: Logger, { kind, ...details }: Report): void {
  if (!('error' in details)) return log.debug({ event: kind, ...details });
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
    const where = error instanceof DatabaseRefused ? '--database: ' : '';
    process.stderr.write(`migratory-pg-frontend: ${where}${reason.replace(/\s+/g, ' ')}\n`);
    process.exitCode = EXIT_STATUS_UNUSABLE;
  }
}
