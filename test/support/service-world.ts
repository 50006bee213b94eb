// Members with applications, and a client that stays while its connection moves: all in one process, on virtual time.
//
// The stacks are real ones on a network in memory (`stack-world.ts`). The client sees what any client sees: the bytes of its
// stream, and how the stream ends. A service that is written
// inside of a test says what it does to the test itself: all members are in one process.

import { once } from 'node:events';
import {
  createApplication,
  defineService,
  done,
  type Application,
  type Container,
  type Failure,
  type Report,
  type ServiceCounters,
  type ServiceDefinition,
  type ServiceForm,
  type ServiceLifecycle,
  type ServiceLimits,
  type ServiceSource,
  type StageIo,
} from '@migratory/framework';
import type { MigratoryConnection, MoveOutcome } from '@migratory/stack';
import { memberAddress, memberIp, SERVICE_PORT, StackWorld, type StackLimits } from './stack-world.js';

export interface ServiceWorldOptions {
  /** The same at every member, or what a member has. */
  readonly service: ServiceSource | ((member: number) => ServiceSource);
  readonly memberCount?: number;
  readonly stack?: StackLimits;
  readonly container?: Container;
  readonly limits?: Partial<ServiceLimits>;
  readonly lifecycle?: (member: number) => ServiceLifecycle;
  readonly report?: (report: Report) => void;
  /** What the world begins with: all members started and a client connected, or nothing. Default: 'migratable'. */
  readonly begins?: 'migratable' | 'plain' | 'stopped';
}

/** How the stream looks to the client. */
export type StreamState = 'open' | 'ended' | 'lost';

export class TestClient {
  readonly connection: MigratoryConnection;
  state: StreamState = 'open';
  #text = '';

  constructor(connection: MigratoryConnection) {
    this.connection = connection;
    connection.on('data', (bytes: Buffer) => (this.#text += bytes.toString('latin1')));
    connection.on('end', () => (this.state = 'ended'));
    connection.on('error', () => (this.state = 'lost'));
  }

  get text(): string {
    return this.#text;
  }

  send(text: string): void {
    this.connection.write(text);
  }

  /** Asks for a move; resolves when it has ended, one way or the other. */
  async move(to: number): Promise<MoveOutcome['kind']> {
    return (await this.connection.requestMove(to)).kind;
  }
}

/** Long enough for whatever is under way on the network, and for all that follows from it. */
const SETTLE_MS = 50;

export class ServiceWorld {
  readonly stacks: StackWorld;
  readonly applications: Application[] = [];
  readonly reports: { readonly member: number; readonly report: Report }[] = [];
  #client: TestClient | undefined;
  readonly #options: ServiceWorldOptions;

  constructor(options: ServiceWorldOptions) {
    this.#options = options;
    const memberCount = options.memberCount ?? 2;
    this.stacks = new StackWorld({ memberCount, ...options.stack });
    for (let id = 1; id <= memberCount; id++) this.applications.push(this.#application(id));
  }

  #application(member: number): Application {
    const { service, container, limits, lifecycle, report } = this.#options;
    return createApplication({
      stack: this.stacks.member(member),
      services: [
        {
          service: isPerMember(service) ? service(member) : service,
          port: SERVICE_PORT,
          ...defined({ container, limits, lifecycle: lifecycle?.(member) }),
        },
      ],
      report: (told) => {
        this.reports.push({ member, report: told });
        report?.(told);
      },
    });
  }

  get client(): TestClient {
    if (this.#client === undefined) throw new Error('No client has connected.');
    return this.#client;
  }

  application(member: number): Application {
    const application = this.applications[member - 1];
    if (application === undefined) throw new RangeError(`There is no member ${member}.`);
    return application;
  }

  counters(member: number): Readonly<ServiceCounters> {
    const [counters] = Object.values(this.application(member).counters);
    if (counters === undefined) throw new Error('The application has not started.');
    return counters;
  }

  /** What went wrong, by kind. */
  get failures(): string[] {
    return this.failureReports.map(({ kind }) => kind);
  }

  get failureReports(): Failure[] {
    return this.reports.flatMap(({ report }) => ('error' in report ? [report] : []));
  }

  async start(): Promise<void> {
    const { begins = 'migratable' } = this.#options;
    if (begins === 'stopped') return;
    for (const application of this.applications) await application.start();
    this.#client = await this.connect(1, begins);
  }

  async connect(member: number, kind: 'migratable' | 'plain' = 'migratable'): Promise<TestClient> {
    const migration = kind === 'plain' ? 'off' : 'required';
    const connection = this.stacks.host().connect({ address: memberAddress(member), migration });
    const client = new TestClient(connection);
    await once(connection, kind === 'plain' ? 'connect' : 'migratable');
    return client;
  }

  pass(durationMs = SETTLE_MS): Promise<void> {
    return this.stacks.pass(durationMs);
  }

  /** Moves the client's connection; the test goes on when everything has settled. */
  async move(to: number): Promise<MoveOutcome['kind']> {
    const outcome = await this.client.move(to);
    await this.pass();
    return outcome;
  }

  /** The member's machine is gone, from one instant to the next: nobody hears of it any more. */
  crash(member: number): void {
    for (let host = 1; host <= 9; host++) {
      this.stacks.network.cut(memberIp(member), `10.1.0.${host}`);
      this.stacks.network.cut(`10.1.0.${host}`, memberIp(member));
    }
    this.stacks.peers.crash(member);
  }

  /** What the client's path carries to it, from one member, from now on: nothing. */
  muteTowardsClient(member: number): void {
    this.stacks.network.cut(memberIp(member), this.client.connection.localAddress.ip);
  }
}

/** Runs `body` in a world of members, with a client connected to member 1. */
export function inServiceWorld<Result>(
  options: ServiceWorldOptions,
  body: (world: ServiceWorld) => Promise<Result>,
): Promise<Result> {
  const world = new ServiceWorld(options);
  return world.stacks.play(world.start().then(() => body(world)));
}

/** What a stage waits for until the test lets it go on. */
export class Gate {
  readonly passed: Promise<void>;
  open: () => void = () => undefined;

  constructor() {
    this.passed = new Promise((resolve) => {
      this.open = resolve;
    });
  }
}

/** Never resolves. */
export function never(): Promise<never> {
  return new Promise(() => undefined);
}

/** A service of one stage, which ends when `run` has returned; `more` are other parts of `defineService`. */
export function oneStage(
  run: (io: StageIo, member: number) => unknown,
  more: Partial<ServiceForm<object, 'only'>> = {},
): (member: number) => ServiceDefinition {
  return (member) =>
    defineService<object, 'only'>({
      name: 'subject',
      version: 1,
      entry: 'only',
      fields: () => ({}),
      stages: {
        only: async (_session, io) => {
          await run(io, member);
          return done();
        },
      },
      ...more,
    });
}

/** What was thrown, to be looked at. */
export async function thrownBy(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  return undefined;
}

export function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString('latin1');
}

function isPerMember(service: ServiceWorldOptions['service']): service is (member: number) => ServiceSource {
  return typeof service === 'function' && service.prototype === undefined;
}

function defined<Value extends object>(value: Value): { [Key in keyof Value]: Exclude<Value[Key], undefined> } {
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof Value]: Exclude<Value[Key], undefined> };
}
