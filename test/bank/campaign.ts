// The bank under fire: clients that transfer money, nemeses that move and kill, and at the end the books.

import { Draw } from '../sim/draw.js';
import type { GatewayEvent } from '@migratory/gateway/gateway';
import { connectDirectly, startArena, type Arena } from './arena.js';
import { openBank, readBooks, waitUntilQuiet, type Books } from './bank-tables.js';
import { Killer } from './killer.js';
import { Ledger } from './ledger.js';
import { Mover, type Pace } from './mover.js';
import { Tally } from './tally.js';
import { IS_LAST_WORD, Teller, type Branch, type Loss } from './teller.js';
import { Whereabouts } from './whereabouts.js';
import { resolve, violationsOf, type Violation } from './verdict.js';

const APPLICATION = 'bank';
const MEMBER_COUNT = 3;

export interface BankCampaign {
  /** How many have to be acknowledged. */
  readonly transferCount: number;
  readonly clientCount: number;
  readonly accountCount: number;
  readonly seed: number;
  readonly moves: Pace | 'none';
  /** Foul: front-ends and sessions of the database are killed. */
  readonly weather: 'fair' | 'foul';
}

export interface BankOptions extends BankCampaign {
  readonly path: 'through the front-end' | 'direct';
  readonly commit?: 'locked' | 'two-phase' | undefined;
  readonly logPath?: string | undefined;
}

export interface BankOutcome {
  readonly tally: Tally;
  readonly violations: readonly Violation[];
  readonly acknowledgedCount: number;
  readonly elapsedMs: number;
  readonly longestStallMs: number;
}

/** How far it is, whenever something has happened. */
export type Watch = (ledger: Ledger, tally: Tally) => void;

export async function runBank(options: BankOptions, watch: Watch = () => undefined): Promise<BankOutcome> {
  const whereabouts = new Whereabouts();
  const { path, commit, logPath } = options;
  const report = (event: GatewayEvent): void => whereabouts.told(event);
  const arena = await startArena({ path, commit, logPath, report, memberCount: MEMBER_COUNT });
  try {
    return await runBankIn(arena, options, whereabouts, watch);
  } finally {
    await arena.close();
  }
}

/** In an arena that stands already, whose gateway tells `whereabouts` of its moves. */
export async function runBankIn(
  arena: Arena,
  options: BankCampaign,
  whereabouts = new Whereabouts(),
  watch: Watch = () => undefined,
): Promise<BankOutcome> {
  const { transferCount, clientCount, accountCount, seed, weather } = options;
  const [ledger, tally, violations, losses] = [new Ledger(), new Tally(), [] as Violation[], [] as Loss[]];
  const database = await connectDirectly(arena.database.url);
  await openBank(database, accountCount);
  const mover = moverOf(arena, options, whereabouts, tally);
  const killer = await killerOf(arena, options, tally);
  const pulse = (): void => {
    mover?.pulse();
    killer?.pulse();
    watch(ledger, tally);
  };
  const branch: Branch = {
    ...{ accountCount, ledger, tally, losses, violations, weather },
    place: { url: arena.url, application: APPLICATION, pulse },
    isOpen: () => ledger.committedCount < transferCount,
    opened: (port) => {
      whereabouts.opened(port, performance.now(), arena.world?.gateway);
      mover?.follow(port);
    },
    closed: (port) => mover?.leave(port),
  };
  const startedAtMs = performance.now();
  const tellers = Array.from({ length: clientCount }, (_, id) => new Teller(id, branch, drawOf(seed, id + 10)));
  await Promise.all(tellers.map((teller) => teller.work()));
  const elapsedMs = performance.now() - startedAtMs;
  await mover?.settle();
  await killer?.settle();
  await waitUntilQuiet(database, APPLICATION);
  const books = await readBooks(database);
  await database.end();
  const found = [...violationsOf(ledger, books), ...lossViolations(losses, whereabouts, killer, tally), ...violations];
  countUnknown(ledger, books, tally);
  const longestStallMs = mover?.longestStallMs ?? 0;
  return { tally, violations: found, acknowledgedCount: ledger.committedCount, elapsedMs, longestStallMs };
}

/** Of every purpose its own, so that one more choice here does not change all others. */
function drawOf(seed: number, purpose: number): Draw {
  return new Draw(seed * 1_000 + purpose);
}

function moverOf(
  { world, memberCount }: Arena,
  options: BankCampaign,
  whereabouts: Whereabouts,
  tally: Tally,
): Mover | undefined {
  const { moves, seed } = options;
  if (world === undefined || moves === 'none') return undefined;
  const asked = (port: number, member: number): void => whereabouts.asked(port, member);
  const { gateway } = world;
  return new Mover({ gateway, memberCount, draw: drawOf(seed, 1), pace: moves, tally, asked });
}

async function killerOf({ world, database }: Arena, options: BankCampaign, tally: Tally): Promise<Killer | undefined> {
  if (options.weather === 'fair') return undefined;
  const draw = drawOf(options.seed, 2);
  const frontends = world?.frontends ?? [];
  return await Killer.start({ frontends, databaseUrl: database.url, application: APPLICATION, draw, tally });
}

/** A connection may be lost with its member or with its server process, and for no other reason. */
function lossViolations(
  losses: readonly Loss[],
  whereabouts: Whereabouts,
  killer: Killer | undefined,
  tally: Tally,
): Violation[] {
  let terminatedCount = tally.of('deeds', 'database session terminated');
  return losses.flatMap(({ port, code, message, atMs, teller }) => {
    const members = whereabouts.membersOf(port, atMs);
    const cause = IS_LAST_WORD.test(code) && terminatedCount-- > 0 ? 'database session terminated' : undefined;
    const reason =
      cause ??
      (members.some((member) => killer?.hasKilled(member, atMs) === true) ? 'member killed' : 'without a cause');
    tally.count('connections lost', reason);
    if (reason !== 'without a cause') return [];
    return [
      {
        rule: 'connections',
        ids: [port],
        what:
          `client ${teller} lost its connection on member ${members.join(' or ')} (${code} ${message}); ` +
          `the gateway says ${whereabouts.endingOf(port, atMs)}`,
      },
    ];
  });
}

function countUnknown(ledger: Ledger, books: Books, tally: Tally): void {
  const { thereCount, absentCount } = resolve(ledger, books);
  if (thereCount > 0) tally.count('of unknown fate', 'turned out committed', thereCount);
  if (absentCount > 0) tally.count('of unknown fate', 'turned out rolled back', absentCount);
}
