// `migratory run --config`: one real member, from its description until it is told to stop.
//
// It says what happens in lines on a terminal, and in JSON lines anywhere else.

import { dirname, resolve } from 'node:path';
import { formatReport, startMember, type Report } from '../index.js';
import { oneLine, STATUS } from './failure.js';
import { readNamed } from './file-store.js';
import type { Interruption } from './interruption.js';
import type { RunOptions } from './invocation.js';
import { readConfig, stackOptionsOf } from './member-config.js';
import type { Screen } from './screen.js';
import type { ServiceModule } from './service-module.js';

/** How long connections may take to leave for the other members, or to finish. */
const DEFAULT_DRAIN_MS = 10_000;

/** Resolves with the exit status. Rejects with `CommandFailed`, `CompileFailed` or the stack's errors. */
export async function runMember(
  screen: Screen,
  service: ServiceModule,
  configFile: string,
  { drainMs }: RunOptions,
  interruption: Interruption,
  now: () => Date,
): Promise<number> {
  const config = readConfig(configFile);
  const stack = stackOptionsOf(config, (name) => readNamed(resolve(dirname(configFile), name)));
  const container = await service.container();
  const member = await startMember({
    stack,
    services: [{ service: service.source, port: config.port, ...(container && { container }) }],
    report: (report) => tell(screen, now(), report),
  });
  say(screen, now(), { event: 'ready', member: config.id, ip: config.ip, port: config.port, pid: process.pid });
  const end = await interruption.ended;
  say(screen, now(), { event: 'draining', ...(end.kind === 'signal' ? { signal: end.signal } : {}) });
  const outcome = await member.drain({ timeoutMs: drainMs ?? DEFAULT_DRAIN_MS });
  say(screen, now(), { event: 'stopped', ...outcome });
  return STATUS.ok;
}

function tell(screen: Screen, time: Date, report: Report): void {
  if (screen.isTerminal) return screen.line(formatReport(report));
  const { kind: event, ...details } = report;
  say(screen, time, 'error' in details ? { event, ...details, error: oneLine(details.error) } : { event, ...details });
}

function say(
  screen: Screen,
  time: Date,
  { event, ...details }: { readonly event: string } & Readonly<Record<string, unknown>>,
): void {
  if (!screen.isTerminal) return screen.line(JSON.stringify({ time: time.toISOString(), event, ...details }));
  const words = Object.entries(details).map(([name, value]) => `${name} ${String(value)}`);
  screen.line([event, ...words].join(' '));
}
