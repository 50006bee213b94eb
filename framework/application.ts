// An application: services on ports of one stack, from start to stop.
//
//   created -> starting -> ready -> draining -> stopped
//
// Everything that can be known to be wrong is said before the first port is opened: all services are compiled, their names
// and ports compared, and one handler of each is built and thrown away, so that a missing binding is no surprise later.
//   A1. While it drains nothing new is accepted; what is here is advised to go to the other members, in turn, again and
//       again, until it has left, has finished, or the time is over.
//   A2. What is still here at a stop is told so by its @Failed method (`ServiceStopping`), or reset.

import type { Container } from 'inversify';
import type { Clock, Entropy } from '@migratory/stack';
import { tryCompile } from './compiler.js';
import type { ServiceSource } from './definition.js';
import { CompileFailed, diagnose, type Diagnostic } from './diagnostics.js';
import { InvalidOption, ServiceStopping } from './errors.js';
import { DEFAULT_SERVICE_LIMITS, type ServiceLimits } from './limits.js';
import type { ServiceCounters } from './runtime/counters.js';
import type { ConnectionFacts } from './runtime/handler.js';
import { Hosting } from './runtime/host.js';
import { canRestore, hostedService } from './runtime/hosted-service.js';
import { reportToConsole, type Reporter } from './runtime/report.js';
import { StageClock } from './runtime/stage-clock.js';
import type { StageConnection } from './runtime/stage-connection.js';
import type { HostedService } from './runtime/stay.js';
import { messageOfThrown } from './thrown.js';

/** The part of a stack that an application needs; `Stack` of `@migratory/stack` has it. */
export interface ListeningStack {
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Where connections can be advised to go. */
  readonly otherMembers: readonly number[];
  /** Connections that have left, or have closed, and whose taker or client has not confirmed that it has all. */
  readonly unconfirmedCount: number;
  /** Calls `onConnection` for each new connection, and for each that comes from another member and `canRestore` admits. */
  listen(
    options: { port: number; canRestore: (state: Uint8Array) => boolean },
    onConnection: (connection: StageConnection) => void,
  ): Promise<{
    /** Accepts nothing more. */
    close(): Promise<void>;
  }>;
}

/** What a service does besides serving connections. Each may be absent; what one throws ends the call it belongs to. */
export interface ServiceLifecycle {
  /** Before any port is opened. */
  start?(): void | Promise<void>;
  /** All ports are open. */
  ready?(): void | Promise<void>;
  /** Nothing new is accepted any more; connections begin to leave. */
  drain?(): void | Promise<void>;
  /** The last connection is gone. */
  stop?(): void | Promise<void>;
}

/** One service of an application, and how it is hosted. */
export interface ServiceBinding {
  readonly service: ServiceSource;
  /** On the stack's address; 0 to 65535. */
  readonly port: number;
  /** Where the service's constructor gets its dependencies. */
  readonly container?: Container;
  /** Where they differ from `DEFAULT_SERVICE_LIMITS`. */
  readonly limits?: Partial<ServiceLimits>;
  readonly lifecycle?: ServiceLifecycle;
}

/** What `createApplication` takes. */
export interface ApplicationOptions {
  readonly stack: ListeningStack;
  readonly services: readonly ServiceBinding[];
  /** Told what goes wrong with single connections; the console when absent. */
  readonly report?: Reporter;
}

/** In this order; a stop may come in any of them. */
export type ApplicationState = 'created' | 'starting' | 'ready' | 'draining' | 'stopped';

/** How long a drain may take. */
export interface DrainOptions {
  /** How long connections may take to leave or finish; default 30 s. */
  readonly timeoutMs?: number;
}

/** Where the connections went that were here when the drain began. */
export interface DrainOutcome {
  /** Connections that went to other members, and those that ended here. */
  readonly departed: number;
  readonly ended: number;
  /** Those that were still here when the time was over: they have been ended. */
  readonly remaining: number;
}

/** Services on ports of one stack, from start to stop. */
export interface Application {
  readonly state: ApplicationState;
  /** What has happened so far, by service. */
  readonly counters: Readonly<Record<string, Readonly<ServiceCounters>>>;
  /** Opens all ports. Throws `CompileFailed` with every diagnostic, or the stack's error; then nothing is open. */
  start(): Promise<void>;
  /** Lets the connections go to the other members, or finish, and then stops (A1). Rejects with `InvalidOption`. */
  drain(options?: DrainOptions): Promise<DrainOutcome>;
  /** Closes the ports and ends the connections that are still here (A2). Resolves when they are gone, at the latest after 30 s. */
  stop(): Promise<void>;
}

const DEFAULT_DRAIN_MS = 30_000;
/** How long a stop waits for handlers that don't return, and for resources that don't close. */
const STOP_MS = 30_000;
/** Between two pieces of advice to one connection. */
const ADVICE_INTERVAL_MS = 500;
/** Between two looks whether those that have left have arrived. */
const CONFIRMATION_INTERVAL_MS = 5;

/** Throws `InvalidOption`. Nothing is opened before `start()`. */
export function createApplication(options: ApplicationOptions): Application {
  for (const { port, limits } of options.services) {
    if (!Number.isInteger(port) || port < 0 || port > 65535)
      throw new InvalidOption('port', 'a number from 0 to 65535');
    for (const [name, limit] of Object.entries(limits ?? {})) {
      if (!Object.hasOwn(DEFAULT_SERVICE_LIMITS, name)) {
        throw new InvalidOption(`limits.${name}`, `one of ${Object.keys(DEFAULT_SERVICE_LIMITS).join(', ')}`);
      }
      if (!(limit > 0)) throw new InvalidOption(`limits.${name}`, 'more than 0, or Infinity');
    }
  }
  if (options.services.length === 0) throw new InvalidOption('services', 'at least one service');
  return new RunningApplication(options);
}

interface Bound {
  readonly binding: ServiceBinding;
  readonly service: HostedService;
}

class RunningApplication implements Application {
  readonly #options: ApplicationOptions;
  readonly #hostings = new Set<Hosting>();
  #state: ApplicationState = 'created';
  #bound: readonly Bound[] = [];
  #listeners: { close(): Promise<void> }[] = [];
  /** Lifecycles that have begun. */
  #begun: ServiceLifecycle[] = [];
  #draining: Promise<DrainOutcome> | undefined;
  #stopping: Promise<void> | undefined;
  /** Those who wait for the last connection to go. */
  readonly #waiting = new Set<() => void>();

  constructor(options: ApplicationOptions) {
    this.#options = options;
  }

  get state(): ApplicationState {
    return this.#state;
  }

  get counters(): Readonly<Record<string, Readonly<ServiceCounters>>> {
    return Object.fromEntries(this.#bound.map(({ service }) => [service.plan.service, { ...service.counters }]));
  }

  async start(): Promise<void> {
    if (this.#state !== 'created' || this.#stopping !== undefined) throw new InvalidOption('start()', 'called once');
    this.#state = 'starting';
    try {
      this.#bound = bindAll(this.#options);
      for (const { binding } of this.#bound) {
        if (binding.lifecycle === undefined) continue;
        this.#begun.unshift(binding.lifecycle);
        await binding.lifecycle.start?.();
        this.#checkNotStopped();
      }
      for (const bound of this.#bound) {
        await this.#listen(bound);
        this.#checkNotStopped();
      }
      this.#state = 'ready';
      for (const { binding } of this.#bound) await binding.lifecycle?.ready?.();
    } catch (error) {
      await this.#closeListeners(); // a port that was being opened while somebody stopped
      await this.stop().catch(() => undefined); // what failed first is what to tell
      throw error;
    }
  }

  /** Throws `ServiceStopping` where `stop()` has been called meanwhile. */
  #checkNotStopped(): void {
    if (this.#stopping !== undefined) throw new ServiceStopping();
  }

  async #listen({ binding, service }: Bound): Promise<void> {
    // What comes back after a stop would find nobody; refused, it stays where another member can ask for it.
    const accepts = (state: Uint8Array): boolean => this.#stopping === undefined && canRestore(service, state);
    const options = { port: binding.port, canRestore: accepts };
    const listener = await this.#options.stack.listen(options, (connection) => this.#serve(service, connection));
    this.#listeners.push(listener);
  }

  #serve(service: HostedService, connection: StageConnection): void {
    if (this.#stopping === undefined) this.#hostings.add(new Hosting(service, connection, this.#over));
    else connection.on('error', () => undefined).destroy(new ServiceStopping());
  }

  readonly #over = (hosting: Hosting): void => {
    this.#hostings.delete(hosting);
    if (this.#hostings.size > 0) return;
    for (const wake of [...this.#waiting]) wake();
  };

  drain(options: DrainOptions = {}): Promise<DrainOutcome> {
    const { timeoutMs = 0 } = options;
    if (!(timeoutMs >= 0)) return Promise.reject(new InvalidOption('timeoutMs', 'a number of milliseconds'));
    this.#draining ??= this.#drain(options);
    return this.#draining;
  }

  async #drain({ timeoutMs = DEFAULT_DRAIN_MS }: DrainOptions): Promise<DrainOutcome> {
    if (this.#state !== 'ready') {
      await this.stop();
      return { departed: 0, ended: 0, remaining: 0 };
    }
    this.#state = 'draining';
    const before = this.#totals();
    await this.#closeListeners();
    await Promise.all(this.#begun.map(async (lifecycle) => lifecycle.drain?.()));
    await this.#untilEmpty(timeoutMs);
    const remaining = [...this.#hostings].filter(({ isHere }) => isHere).length;
    await this.stop();
    const after = this.#totals();
    return {
      departed: after.departed - before.departed,
      ended: Math.max(0, after.ended - before.ended - remaining),
      remaining,
    };
  }

  #totals(): { readonly departed: number; readonly ended: number } {
    const counters = this.#bound.map(({ service }) => service.counters);
    const sum = (count: (counters: ServiceCounters) => number): number =>
      counters.reduce((total, each) => total + count(each), 0);
    return { departed: sum((each) => each.departed), ended: sum((each) => each.finished + each.lost + each.failed) };
  }

  /** A1. */
  async #untilEmpty(timeoutMs: number): Promise<void> {
    const { clock } = this.#options.stack;
    const deadline = clock.now() + timeoutMs;
    let [round, adviseAt] = [0, clock.now()];
    while (this.#stopping === undefined && this.#isBusy && clock.now() < deadline) {
      // Not sooner for those that come back: whoever sent them back would do so again.
      if (clock.now() >= adviseAt) {
        this.#advise(round++);
        adviseAt = clock.now() + ADVICE_INTERVAL_MS;
      }
      const nextLookAt = this.#hostings.size > 0 ? adviseAt : clock.now() + CONFIRMATION_INTERVAL_MS;
      await this.#goneBefore(Math.min(deadline, nextLookAt));
    }
  }

  #advise(round: number): void {
    const { otherMembers } = this.#options.stack;
    [...this.#hostings].forEach(({ connection, isPinned }, index) => {
      const to = otherMembers[(index + round) % otherMembers.length];
      if (to !== undefined && connection.cid !== undefined && !isPinned) connection.adviseMove(to);
    });
  }

  get #isBusy(): boolean {
    return this.#hostings.size > 0 || this.#options.stack.unconfirmedCount > 0;
  }

  /** Resolves when the last connection has gone, at the latest at `time`. */
  async #goneBefore(time: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        timer.cancel();
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = this.#options.stack.clock.wakeAt(time, wake);
      this.#waiting.add(wake);
    });
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await this.#closeListeners();
    for (const hosting of [...this.#hostings]) hosting.interrupt(new ServiceStopping()); // A2
    if (this.#hostings.size > 0) await this.#goneBefore(this.#options.stack.clock.now() + STOP_MS);
    this.#state = 'stopped';
    const begun = this.#begun;
    this.#begun = [];
    let stopped = Promise.resolve();
    for (const lifecycle of begun) stopped = stopped.finally(() => lifecycle.stop?.()); // all, whatever one throws
    await stopped;
  }

  async #closeListeners(): Promise<void> {
    const listeners = this.#listeners;
    this.#listeners = [];
    await Promise.all(listeners.map((listener) => listener.close()));
  }
}

/** What the constructor of a trial handler may look at. */
const NOBODY: ConnectionFacts = {
  client: { ip: '0.0.0.0', port: 0 },
  cid: undefined,
  signal: new AbortController().signal,
};

function bindAll(options: ApplicationOptions): Bound[] {
  const clock = new StageClock(options.stack.clock);
  const diagnostics: Diagnostic[] = [];
  const bound: Bound[] = [];
  const earlier: { readonly service: string; readonly port: number }[] = [];
  for (const binding of options.services) {
    const compilation = tryCompile(binding.service);
    if (compilation.kind === 'failed') {
      diagnostics.push(...compilation.diagnostics);
      continue;
    }
    const { plan, definition } = compilation;
    const { port, container, limits } = binding;
    const clash = earlier.find((other) => other.port === port && port !== 0);
    if (earlier.some(({ service }) => service === plan.service)) {
      diagnostics.push(diagnose('duplicate-service', plan.service, 'two services have this name'));
    }
    if (clash !== undefined) {
      diagnostics.push(diagnose('duplicate-port', plan.service, `port ${port} is that of '${clash.service}'`));
    }
    earlier.push({ service: plan.service, port });
    const { entropy } = options.stack;
    const report = options.report ?? reportToConsole;
    try {
      const service = hostedService(plan, definition, { clock, entropy, report, container, limits });
      service.createHandler(NOBODY);
      bound.push({ binding, service });
    } catch (error) {
      const cause = `no handler can be built: ${messageOfThrown(error)}`;
      diagnostics.push(diagnose('dependencies-unresolved', plan.service, cause));
    }
  }
  if (diagnostics.length > 0) throw new CompileFailed(diagnostics);
  return bound;
}
