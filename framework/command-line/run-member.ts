// `migratory run --config`: one real member, from its description until it is told to stop.
//
// It says what happens in lines on a terminal, and in JSON lines anywhere else.

import { formatReport, startMember, type Member, type Report } from '../index.js';
import { memberMetrics, serveMetrics } from '../metrics/index.js';
import { readConfig, readStackOptions } from './config-file.js';
import { oneLine, STATUS } from './failure.js';
import type { Interruption } from './interruption.js';
import type { RunOptions } from './invocation.js';
import type { Screen } from './screen.js';
import type { ServiceModule } from './service-module.js';

/** How long connections may take to leave for the other members, or to finish. */
const DEFAULT_DRAIN_MS = 10_000;

/** Resolves with the exit status. Rejects with `CommandFailed`, `CompileFailed`, `MetricsListenFailed` or the stack's errors. */
export async function runMember(
  screen: Screen,
  service: ServiceModule,
  configFile: string,
  { drainMs, metrics: metricsAddress }: RunOptions,
  interruption: Interruption,
  now: () => Date,
): Promise<number> {
  const config = readConfig(configFile);
  const stack = await readStackOptions(config, configFile);
  const container = await service.container();
  const members: Member[] = [];
  // Before anything is accepted, so that a port that can't be had is said in time; until the member has stopped.
  const metrics = metricsAddress && (await serveMetrics(memberMetrics(members), metricsAddress));
  try {
    const member = await startMember({
      stack,
      services: [{ service: service.source, port: config.port, ...(container && { container }) }],
      report: (report) => tell(screen, now(), report),
    });
    members.push(member);
    const { id, ip, port } = config;
    const places = { member: id, ip, port, ...(metrics && { metrics: metrics.url }) };
    say(screen, now(), { event: 'ready', ...places, pid: process.pid });
    const end = await interruption.ended;
    say(screen, now(), { event: 'draining', ...(end.kind === 'signal' ? { signal: end.signal } : {}) });
    const outcome = await member.drain({ timeoutMs: drainMs ?? DEFAULT_DRAIN_MS });
    say(screen, now(), { event: 'stopped', ...outcome });
    return STATUS.ok;
  } finally {
    await metrics?.close();
  }
}

function tell(screen: Screen, time: Date, report: Report): void {
  if (screen.isTerminal) return screen.line(formatReport(report));
  const { kind: event, ...details } = report;
  const told: Record<string, unknown> = Object.fromEntries(
    Object.entries(details).map(([name, value]: [string, unknown]) => [
      name,
      value instanceof Error ? oneLine(value) : value,
    ]),
  );
  if ('error' in details) told.error = oneLine(details.error);
  say(screen, time, { ...told, event });
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
