// The story: a database, two front-ends, a gateway, clients that transfer money, and sessions that move meanwhile.

import { fileURLToPath } from 'node:url';
import { FRAME_INTERVAL_MS } from '../config.js';
import type { Programs } from '../programs.js';
import type { Screen } from '../screen.js';
import { introduce, startService, type RunningService } from '../service.js';
import type { Login, SqlClient } from './client.js';
import { ACCOUNT_COUNT, CLIENT_COUNT, REPORT_INTERVAL_MS } from './config.js';
import { openDatabase, type BankDatabase } from './database.js';
import { DriverClient } from './driver-client.js';
import { audit } from './ledger.js';
import { Mover } from './mover.js';
import { livingLine, plainLine, type Progress } from './progress.js';
import { findPsql, PsqlClient } from './psql-client.js';
import { Replays } from './replays.js';
import { openingAccounts, readBooks } from './tables.js';
import { Teller } from './teller.js';
import { showVerdict, type Outcome } from './verdict.js';
import { waitsOf } from './waits.js';

export interface BankOptions {
  /** Of a server that runs already; undefined: one is started. */
  readonly databaseUrl: string | undefined;
  readonly durationMs: number;
}

/** A client with its session, and who moves it. */
interface Desk {
  readonly teller: Teller;
  readonly mover: Mover;
}

/** What makes clients, and how they are introduced. */
interface ClientKind {
  readonly name: string;
  readonly introduction: string;
  make(name: string, login: Login): SqlClient;
}

/** Resolves with whether all is as it should be. Rejects with `UsageError` or `DemoFailed`. */
export async function runBankDemo(programs: Programs, screen: Screen, options: BankOptions): Promise<boolean> {
  const database = await openDatabase(programs, options.databaseUrl);
  screen.line();
  screen.line(screen.paint('strong', 'Money transfers over PostgreSQL sessions that move between two servers.'));
  screen.line();
  const replays = new Replays();
  const service = await startService(programs, {
    program: fileURLToPath(new URL('../../../pg-frontend/dist/main.js', import.meta.url)),
    options: ['--database', database.url],
    log: (line) => replays.note(line),
  });
  introduceAll(screen, database, service);
  const kind = await chooseClient(programs);
  screen.line(`clients   ${kind.introduction}`);
  screen.line();
  const desks = await openDesks(kind, service, database);
  const elapsedMs = await workAll(screen, desks, options.durationMs);
  const books = await readBooks(database.url);
  const tellers = desks.map(({ teller }) => teller);
  const findings = audit(
    openingAccounts(),
    tellers.flatMap(({ acknowledged }) => acknowledged),
    books,
  );
  return showVerdict(screen, { ...countsOf(desks, replays), client: kind.name, elapsedMs, findings });
}

function introduceAll(screen: Screen, database: BankDatabase, { participants }: RunningService): void {
  const { address } = database;
  if (database.kind === 'own') introduce(screen, [{ name: 'database', processId: database.processId, address }]);
  else screen.line(`database  as given${' '.repeat(9)}${address}`);
  introduce(screen, participants);
}

async function chooseClient(programs: Programs): Promise<ClientKind> {
  const psql = await findPsql(programs);
  if (psql !== undefined) {
    const introduction = `${CLIENT_COUNT} × ${psql}`;
    return { name: 'psql', introduction, make: (name, login) => new PsqlClient(name, programs, login) };
  }
  const introduction = `${CLIENT_COUNT} × the pg driver for Node; psql is not installed`;
  return { name: 'The pg driver', introduction, make: (name, login) => new DriverClient(name, login) };
}

/** One after the other, so that each new connection at the gateway is the newest client's. */
async function openDesks(
  kind: ClientKind,
  { gateway, controlPath }: RunningService,
  { user, database }: BankDatabase,
): Promise<Desk[]> {
  const [host = '', port] = gateway.split(':');
  const desks: Desk[] = [];
  for (let number = 1; number <= CLIENT_COUNT; number++) {
    const client = kind.make(`client ${number}`, { host, port: Number(port), user, database });
    const teller = new Teller(number, client);
    await teller.open();
    desks.push({
      teller,
      mover: await Mover.open(
        controlPath,
        desks.map(({ mover }) => mover),
      ),
    });
  }
  return desks;
}

/** Resolves, when the time is over and all have finished what they had begun, with how long that was. */
async function workAll(screen: Screen, desks: readonly Desk[], durationMs: number): Promise<number> {
  const startedMs = performance.now();
  const progress = (): Progress => ({
    elapsedMs: performance.now() - startedMs,
    transferCount: sum(desks, ({ teller }) => teller.acknowledged.length),
    moveCount: sum(desks, ({ mover }) => mover.moves.length),
    members: desks.map(({ mover }) => mover.members),
  });
  const show = screen.isTerminal
    ? (): void => screen.live(livingLine(screen, progress()))
    : (): void => screen.line(plainLine(progress()));
  const frames = setInterval(show, screen.isTerminal ? FRAME_INTERVAL_MS : REPORT_INTERVAL_MS);
  const over = AbortSignal.timeout(durationMs);
  try {
    await Promise.all(desks.flatMap(({ teller, mover }) => [teller.work(over), mover.work(over)]));
    if (screen.isTerminal) show();
    return progress().elapsedMs;
  } finally {
    clearInterval(frames);
    for (const { mover } of desks) mover.close();
    screen.settle();
  }
}

function countsOf(desks: readonly Desk[], replays: Replays): Omit<Outcome, 'client' | 'elapsedMs' | 'findings'> {
  const sessions = desks.map(({ teller, mover }) => ({
    statements: teller.statements,
    moves: mover.moves.map(({ fromMs, untilMs, epoch }) => ({
      fromMs,
      untilMs: Math.max(untilMs, replays.endedMs(mover.cid, epoch) ?? 0),
    })),
  }));
  return {
    clientCount: desks.length,
    accountCount: ACCOUNT_COUNT,
    acknowledgedCount: sum(desks, ({ teller }) => teller.acknowledged.length),
    moveCount: sum(desks, ({ mover }) => mover.moves.length),
    stayedCount: sum(desks, ({ mover }) => mover.stayedCount),
    insideCount: replays.moveCount,
    replayCount: replays.count,
    replayedStatementCount: replays.statementCount,
    unequalCount: replays.unequalCount,
    serializationFailureCount: sum(desks, ({ teller }) => teller.serializationFailureCount),
    ...waitsOf(sessions),
  };
}

function sum<Item>(items: readonly Item[], count: (item: Item) => number): number {
  return items.reduce((total, item) => total + count(item), 0);
}
