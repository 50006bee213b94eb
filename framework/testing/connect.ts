// A client of a service, for tests: it writes, reads and moves, and the world runs while it waits.

import { once } from 'node:events';
import type { MigratoryConnection, MoveOutcome, MoveReport } from '@migratory/stack';
import type { Container } from 'inversify';
import type { DrainOutcome } from '../application.js';
import type { ServiceSource } from '../definition.js';
import { InvalidOption } from '../errors.js';
import type { ServiceLimits } from '../limits.js';
import { formatReport, type Report, type Reporter } from '../runtime/report.js';
import { ClientStream } from './client-stream.js';
import { MoveFailed, WorldStandsStill } from './errors.js';
import { World } from './world.js';

/** A service of which not every member runs the same version. */
export interface MemberServices {
  /** Called once for each member; their ids begin at 1. */
  readonly services: (member: number) => ServiceSource;
}

/** How many members there are, and what they get. */
export interface ConnectOptions {
  /** Default: 2. */
  readonly memberCount?: number;
  /** What the service's constructor asks for: one for all members, or one for each. */
  readonly container?: Container | ((member: number) => Container);
  /** Told what the members report; it is kept in `client.reports` in any case. */
  readonly report?: Reporter;
  readonly limits?: Partial<ServiceLimits>;
  /** Virtual time after which what is waited for counts as not coming. Default: 60 s. */
  readonly patienceMs?: number;
}

/** How far a read looks. */
export interface ReadUntilLimit {
  /** Bytes to search for the delimiter, delimiter included. Default: 64 KiB. */
  readonly maxLength?: number;
}

const DEFAULT_MEMBER_COUNT = 2;
const MAX_MEMBER_COUNT = 64;
const DEFAULT_PATIENCE_MS = 60_000;
const DEFAULT_MAX_LENGTH = 64 * 1024;

/**
 * Starts the members of a service in memory, with whole stacks on virtual time, and connects a client to member 1.
 *
 * Throws `CompileFailed`, `InvalidOption`, `WorldStandsStill`.
 *
 * @public
 */
export async function connect(
  service: ServiceSource | MemberServices,
  options: ConnectOptions = {},
): Promise<TestClient> {
  const { memberCount = DEFAULT_MEMBER_COUNT, container, limits, patienceMs = DEFAULT_PATIENCE_MS } = options;
  if (!Number.isInteger(memberCount) || memberCount < 1 || memberCount > MAX_MEMBER_COUNT) {
    throw new InvalidOption('memberCount', `a number from 1 to ${MAX_MEMBER_COUNT}`);
  }
  const reports: Report[] = [];
  const world = new World({
    memberCount,
    services: 'services' in service ? service.services : () => service,
    container: (member) => (typeof container === 'function' ? container(member) : container),
    limits,
    patienceMs,
    report: (report) => {
      reports.push(report);
      options.report?.(report);
    },
  });
  const connection = await world.play(world.start(), 'the start of all members');
  const client = new TestClient(world, connection, reports);
  await world.play(once(connection, 'migratable'), 'the connection');
  return client;
}

/**
 * A client with one connection. All its methods run the world until they are done.
 *
 * @public
 */
export class TestClient {
  /** What the members have reported so far, oldest first. */
  readonly reports: readonly Report[];
  /** The moves that the connection has made, oldest first; attempts after which it stayed are not among them. */
  readonly moves: readonly MoveReport[];
  readonly #world: World;
  readonly #connection: MigratoryConnection;
  readonly #stream: ClientStream;

  /** @internal Clients come from `connect`. */
  constructor(world: World, connection: MigratoryConnection, reports: readonly Report[]) {
    this.#world = world;
    this.#connection = connection;
    this.reports = reports;
    this.#stream = new ClientStream(connection, () =>
      reports.flatMap((report) => ('error' in report ? [formatReport(report)] : [])).join('; '),
    );
    const moves: MoveReport[] = [];
    this.moves = moves;
    connection.on('move', (report: MoveReport) => {
      if (report.to !== report.from) moves.push(report);
    });
  }

  /** The member that serves the connection. */
  get member(): number {
    return this.#connection.member ?? 0;
  }

  /** 16 hexadecimal digits, the same for the life of the connection. */
  get cid(): string {
    return this.#connection.cid ?? '';
  }

  /** Sends bytes, or a string as UTF-8; resolves when they are with the stack. Throws `ConnectionBroken`. */
  write(data: string | Uint8Array): Promise<void> {
    return this.#world.play(this.#stream.write(Buffer.from(data)), 'room for more');
  }

  /** Ends the client's stream; what the service sends may still be read. */
  end(): Promise<void> {
    return this.#world.play(this.#stream.end(), "the end of the client's stream");
  }

  /**
   * A line as UTF-8 text, without `\n` or `\r\n`; undefined at the end of the service's stream. Throws `StreamEnded` where it
   * ends inside, `StreamTooLong`, `ConnectionBroken`, `WorldStandsStill`, `OverlappingRead`: so do all that read.
   */
  async readLine(limit: ReadUntilLimit = {}): Promise<string | undefined> {
    const line = await this.#readUntil('\n', limit, 'a line');
    return line?.toString().replace(/\r$/, '');
  }

  /** What comes before `delimiter`, which is taken and left out; undefined at the end of the service's stream. */
  readUntil(delimiter: string | Uint8Array, limit: ReadUntilLimit = {}): Promise<Buffer | undefined> {
    return this.#readUntil(
      delimiter,
      limit,
      `the delimiter ${JSON.stringify(Buffer.from(delimiter).toString('latin1'))}`,
    );
  }

  #readUntil(
    delimiter: string | Uint8Array,
    { maxLength = DEFAULT_MAX_LENGTH }: ReadUntilLimit,
    wanted: string,
  ): Promise<Buffer | undefined> {
    const bytes = Buffer.from(delimiter);
    if (bytes.length === 0) throw new InvalidOption('delimiter', 'at least one byte');
    return this.#reading(this.#stream.readUntil(bytes, maxLength), wanted);
  }

  /** `length` bytes; undefined at the end of the service's stream. */
  readExactly(length: number): Promise<Buffer | undefined> {
    return this.#reading(this.#stream.readExactly(length), `${length} bytes`);
  }

  /** Everything until the end of the service's stream. */
  readAll(): Promise<Buffer> {
    return this.#reading(this.#stream.readAll(), "the end of the service's stream");
  }

  /** What has not come in time is not waited for any more: it is the next read's. */
  async #reading<Result>(read: Promise<Result>, wanted: string): Promise<Result> {
    try {
      return await this.#world.play(read, wanted);
    } catch (error) {
      if (error instanceof WorldStandsStill) this.#stream.giveUp();
      throw error;
    }
  }

  /** Moves the connection to a member, by default the next one. Throws `MoveFailed` where it stays where it is. */
  async move(to?: number): Promise<MoveReport> {
    const outcome = await this.#world.play(this.#connection.requestMove(to), 'the end of the move');
    if (outcome.kind === 'moved') return outcome.report;
    throw new MoveFailed(to, reasonOf(outcome), outcome);
  }

  /** Drains a member, as before a deployment: its connections go to the others, or finish. */
  drain(member: number): Promise<DrainOutcome> {
    return this.#world.drain(member);
  }

  /** Lets virtual time pass, for what goes by time. */
  pass(durationMs: number): Promise<void> {
    return this.#world.pass(durationMs);
  }

  /** Runs the world until something of the test's own is settled. */
  play<Result>(promise: Promise<Result>): Promise<Result> {
    return this.#world.play(promise, 'what the test waits for');
  }

  /** Closes the connection, all members and all stacks. Resolves when no handler runs any more. */
  async close(): Promise<void> {
    this.#connection.destroy();
    await this.#world.close();
  }
}

function reasonOf(outcome: Exclude<MoveOutcome, { kind: 'moved' }>): string {
  switch (outcome.kind) {
    case 'stayed':
      return (
        outcome.report.refusals.map(({ member, reason }) => `member ${member}: ${reason}`).join(', ') || 'no answer'
      );
    case 'impossible':
      return outcome.cause;
    case 'lost':
      return `the connection is lost: ${outcome.reason}`;
  }
}
