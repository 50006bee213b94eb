// An application: services on ports of one stack, from start to stop.
//
// Everything that can be known to be wrong is said before the first port is opened: all services are compiled, their names
// and ports compared, and one handler of each is built and thrown away, so that a missing binding is no surprise later.

import type { Container } from 'inversify';
import { tryCompile } from './compiler.js';
import { handlerFactory } from './container.js';
import type { ServiceSource } from './definition.js';
import { CompileFailed, diagnose, type Diagnostic } from './diagnostics.js';
import { InvalidOption } from './errors.js';
import { canRestore } from './runtime/frame.js';
import { hostConnection, type HostedService } from './runtime/host.js';
import { reportToConsole, type Reporter } from './runtime/report.js';
import type { StageConnection } from './runtime/stage-connection.js';

/** The part of a stack that an application needs; `Stack` of `@migratory/stack` has it. */
export interface ListeningStack {
  listen(
    options: { port: number; canRestore: (state: Uint8Array) => boolean },
    onConnection: (connection: StageConnection) => void,
  ): Promise<{ close(): Promise<void> }>;
}

export interface ServiceBinding {
  readonly service: ServiceSource;
  /** On the stack's address; 0 to 65535. */
  readonly port: number;
  /** Where the service's constructor gets its dependencies. */
  readonly container?: Container;
}

export interface ApplicationOptions {
  readonly stack: ListeningStack;
  readonly services: readonly ServiceBinding[];
  /** Told what goes wrong with single connections; the console when absent. */
  readonly report?: Reporter;
}

export interface Application {
  /** Opens all ports. Throws `CompileFailed` with every diagnostic, or the stack's error; then nothing is open. */
  start(): Promise<void>;
  /** Closes the ports and destroys the connections that are still here. Resolves when their handlers have returned. */
  stop(): Promise<void>;
}

/** Throws `InvalidOption`. Nothing is opened before `start()`. */
export function createApplication(options: ApplicationOptions): Application {
  for (const { port } of options.services) {
    if (!Number.isInteger(port) || port < 0 || port > 65535)
      throw new InvalidOption('port', 'a number from 0 to 65535');
  }
  if (options.services.length === 0) throw new InvalidOption('services', 'at least one service');
  return new RunningApplication(options);
}

class RunningApplication implements Application {
  readonly #options: ApplicationOptions;
  readonly #connections = new Map<StageConnection, Promise<unknown>>();
  #listeners: { close(): Promise<void> }[] = [];

  constructor(options: ApplicationOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const hosted = compileAll(this.#options);
    try {
      for (const { port, service } of hosted) {
        const options = { port, canRestore: (state: Uint8Array) => canRestore(service.plan, state) };
        const listener = await this.#options.stack.listen(options, (connection) => {
          this.#serve(service, connection);
        });
        this.#listeners.push(listener);
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const listeners = this.#listeners;
    this.#listeners = [];
    await Promise.all(listeners.map((listener) => listener.close()));
    const handlers = [...this.#connections.values()];
    for (const connection of this.#connections.keys()) connection.destroy();
    await Promise.all(handlers);
  }

  #serve(service: HostedService, connection: StageConnection): void {
    const handler = hostConnection(service, connection).finally(() => this.#connections.delete(connection));
    this.#connections.set(connection, handler);
  }
}

function compileAll(options: ApplicationOptions): { readonly port: number; readonly service: HostedService }[] {
  const diagnostics: Diagnostic[] = [];
  const hosted: { port: number; service: HostedService }[] = [];
  for (const { service: source, port, container } of options.services) {
    const compilation = tryCompile(source);
    if (compilation.kind === 'failed') {
      diagnostics.push(...compilation.diagnostics);
      continue;
    }
    const { plan, definition } = compilation;
    const clash = hosted.find((other) => other.port === port && port !== 0);
    if (hosted.some((other) => other.service.plan.service === plan.service)) {
      diagnostics.push(diagnose('duplicate-service', plan.service, 'two services have this name'));
    }
    if (clash !== undefined) {
      diagnostics.push(
        diagnose('duplicate-port', plan.service, `port ${port} is that of '${clash.service.plan.service}'`),
      );
    }
    const createHandler = handlerFactory(plan, definition, container);
    try {
      createHandler();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      diagnostics.push(diagnose('dependencies-unresolved', plan.service, `no handler can be built: ${reason}`));
    }
    hosted.push({ port, service: { plan, createHandler, report: options.report ?? reportToConsole } });
  }
  if (diagnostics.length > 0) throw new CompileFailed(diagnostics);
  return hosted;
}
