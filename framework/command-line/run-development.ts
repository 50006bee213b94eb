// `migratory run` without --config: a service to try, with all its members here and a plain TCP port in front.
//
// Each ordinary connection is carried over a migratory one through a client's stack; `m`, or a clock, moves them all. Members
// tell of arrivals and departures, the front of what clients open and close. What ends the run leaves nothing behind.

import { createNodeStack, type Stack } from '@migratory/stack';
import { formatReport, type Address, type Report } from '../index.js';
import { memberMetrics, serveMetrics, type MeasuredMember, type MetricsServer } from '../metrics/index.js';
import { Crossing, type CrossingEvent, type OrdinaryConnection } from './crossing.js';
import { startMembers, type DevelopmentMembers } from './development-members.js';
import { oneLineWithPlace } from './failure.js';
import { statusOf, type Interruption } from './interruption.js';
import type { RunOptions } from './invocation.js';
import { readKeys, type Key } from './keyboard.js';
import { LOOPBACK } from './local-service-adapter.js';
import type { Screen } from './screen.js';
import type { ServiceModule } from './service-module.js';
import { openPlainPort, type PlainPort } from './socket-adapter.js';

const DEFAULT_MEMBER_COUNT = 2;
const MAX_CONNECTION_COUNT = 256;

/** Resolves with the exit status. */
export async function runDevelopment(
  screen: Screen,
  service: ServiceModule,
  options: RunOptions,
  interruption: Interruption,
  now: Date,
): Promise<number> {
  const run = new DevelopmentRun(screen);
  const stopKeys = readKeys(process.stdin, (key) => pressed(key, run, interruption));
  try {
    await run.start(service, options, now);
    run.introduce(options);
    return statusOf(await interruption.ended);
  } finally {
    stopKeys();
    await run.stop();
  }
}

function pressed(key: Key, run: DevelopmentRun, interruption: Interruption): void {
  if (key === 'move') run.moveAll();
  else interruption.end(key === 'quit' ? { kind: 'quit' } : { kind: 'signal', signal: 'SIGINT' });
}

class DevelopmentRun {
  readonly #screen: Screen;
  readonly #crossings = new Map<number, Crossing>();
  #members: DevelopmentMembers | undefined;
  #stack: Stack | undefined;
  #front: PlainPort | undefined;
  #metrics: MetricsServer | undefined;
  #lastNumber = 0;
  #isStopping = false;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  async start(service: ServiceModule, options: RunOptions, now: Date): Promise<void> {
    const measured: MeasuredMember[] = [];
    if (options.metrics !== undefined) this.#metrics = await serveMetrics(memberMetrics(measured), options.metrics);
    const members = await startMembers({
      source: service.source,
      memberCount: options.members ?? DEFAULT_MEMBER_COUNT,
      now,
      container: () => service.container(),
      report: (member, report) => this.#tellOfMember(member, report),
    });
    this.#members = members;
    members.members.forEach((member, index) => measured.push({ ...member, name: String(index + 1) }));
    const stack = await createNodeStack({ ip: LOOPBACK });
    this.#stack = stack;
    this.#front = await openPlainPort(LOOPBACK, options.port ?? 0, MAX_CONNECTION_COUNT, (ordinary) => {
      const address = members.addresses[this.#lastNumber % members.addresses.length];
      if (address !== undefined) this.#accept(ordinary, stack, address, members.publicKey);
    });
    if (options.moveEvery !== undefined) this.#moveEvery(stack, options.moveEvery);
  }

  introduce({ moveEvery }: RunOptions): void {
    const screen = this.#screen;
    for (const [index, { ip, port }] of (this.#members?.addresses ?? []).entries()) {
      screen.line(screen.paint('faint', `member ${index + 1}  UDP ${ip}:${port}`));
    }
    screen.line(`connect   ${screen.paint('strong', `nc ${LOOPBACK} ${this.#front?.port ?? 0}`)}`);
    if (this.#metrics !== undefined) screen.line(screen.paint('faint', `metrics   ${this.#metrics.url}`));
    const keys = process.stdin.isTTY ? 'm moves all connections, q quits' : '';
    const clock = moveEvery === undefined ? '' : `every ${moveEvery} ms all connections move`;
    const hint = [keys, clock].filter((text) => text !== '').join('; ');
    if (hint !== '') screen.line(screen.paint('faint', hint));
  }

  moveAll(): void {
    if (this.#crossings.size === 0) this.#screen.line(this.#screen.paint('faint', 'no connection is open'));
    for (const crossing of this.#crossings.values()) void crossing.move();
  }

  /** Resets what is open and releases every port. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const frontGone = this.#front?.close();
    for (const crossing of this.#crossings.values()) crossing.reset();
    await frontGone;
    await this.#stack?.close();
    await this.#members?.stop();
    await this.#metrics?.close();
  }

  #moveEvery(stack: Stack, intervalMs: number): void {
    const { clock } = stack;
    const again = (): void => {
      if (this.#isStopping) return;
      if (this.#crossings.size > 0) this.moveAll();
      clock.wakeAt(clock.now() + intervalMs, again);
    };
    clock.wakeAt(clock.now() + intervalMs, again);
  }

  #accept(ordinary: OrdinaryConnection, stack: Stack, address: Address, servicePublicKey: Uint8Array): void {
    const number = ++this.#lastNumber;
    const migratory = stack.connect({ address, servicePublicKey, migration: 'required' });
    const crossing = new Crossing(ordinary, migratory, (event) => {
      if (event.kind === 'closed') this.#crossings.delete(number);
      this.#tellOfCrossing(number, event);
    });
    this.#crossings.set(number, crossing);
  }

  #tellOfCrossing(number: number, event: CrossingEvent): void {
    if (this.#isStopping) return;
    switch (event.kind) {
      case 'opened':
        return this.#screen.line(`#${number} opened at member ${event.member ?? '?'}`);
      case 'stayed':
        return this.#screen.line(this.#screen.paint('warn', `#${number} stayed: ${event.because}`));
      case 'closed': {
        const { moveCount, fromClientLength, toClientLength, cause } = event;
        const moves = moveCount === 1 ? '1 move' : `${moveCount} moves`;
        const line = `#${number} closed after ${moves}, ${fromClientLength} bytes in, ${toClientLength} out`;
        return this.#screen.line(cause === '' ? line : `${line}: ${cause}`);
      }
    }
  }

  #tellOfMember(member: number, report: Report): void {
    if (this.#isStopping) return;
    const cid = 'cid' in report ? report.cid : undefined;
    const known = [...this.#crossings].find(([, crossing]) => cid !== undefined && crossing.cid === cid);
    const name = `#${known?.[0] ?? '?'}`;
    switch (report.kind) {
      case 'accepted':
        return; // the front says so, once the connection can move
      case 'departed':
        return this.#screen.line(`${name} left member ${member}${report.to === undefined ? '' : ` for ${report.to}`}`);
      case 'arrived':
        return this.#screen.line(`${name} arrived at member ${member}, image ${report.imageLength} bytes`);
      default:
        return this.#screen.line(this.#screen.paint('bad', `${name} at member ${member}: ${failureLine(report)}`));
    }
  }
}

/** With the line of the service's code where it happened. */
function failureLine(report: Exclude<Report, { kind: 'accepted' | 'departed' | 'arrived' }>): string {
  if (!('error' in report)) return formatReport(report);
  const place = 'stage' in report ? `${report.kind} in ${report.stage}` : report.kind;
  return `${place}: ${oneLineWithPlace(report.error)}`;
}
