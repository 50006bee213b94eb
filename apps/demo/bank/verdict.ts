// The end of the story: what happened, how long statements took, what the books say, and what follows from it.

import type { Colour, Screen } from '../screen.js';
import { alignRight, formatMs } from '../text.js';
import type { Findings } from './ledger.js';
import type { Waits } from './waits.js';

/** So many numbers of transfers are named where they are wrong. */
const NAMED_COUNT = 5;
const LABEL_WIDTH = 34;

export interface Outcome {
  /** "psql", as the client is called. */
  readonly client: string;
  readonly clientCount: number;
  readonly accountCount: number;
  readonly elapsedMs: number;
  readonly acknowledgedCount: number;
  readonly moveCount: number;
  readonly stayedCount: number;
  /** Of the moves, those inside a transaction. */
  readonly insideCount: number;
  readonly replayCount: number;
  readonly replayedStatementCount: number;
  readonly unequalCount: number;
  readonly serializationFailureCount: number;
  readonly moving: Waits;
  readonly resting: Waits;
  readonly findings: Findings;
}

interface Check {
  readonly isRight: boolean;
  readonly text: string;
}

/** Answers whether all is as it should be. */
export function showVerdict(screen: Screen, outcome: Outcome): boolean {
  showCounts(screen, outcome);
  showWaits(screen, outcome);
  const checks = checksOf(outcome);
  for (const check of checks) screen.line(`${mark(screen, check)} ${check.text}`);
  screen.line();
  return checks.every(({ isRight }) => isRight);
}

function showCounts(screen: Screen, outcome: Outcome): void {
  const { replayCount, unequalCount, replayedStatementCount } = outcome;
  const came = unequalCount === 0 ? 'all equal' : `${unequalCount} not equal`;
  const rows: [label: string, count: number, note: string][] = [
    ['transfers acknowledged', outcome.acknowledgedCount, ''],
    ['moves', outcome.moveCount, `${(outcome.moveCount / (outcome.elapsedMs / 1000)).toFixed(0)} a second`],
    ['moves inside a transaction', outcome.insideCount, ''],
    ['replays of transactions', replayCount, replayCount === 0 ? '' : `${replayedStatementCount} statements, ${came}`],
    ['begun again after SQLSTATE 40001', outcome.serializationFailureCount, ''],
    ['moves put off while busy', outcome.stayedCount, ''],
  ];
  screen.line();
  for (const [label, count, note] of rows) {
    const text = `${label.padEnd(LABEL_WIDTH)}${String(count).padStart(8)}`;
    screen.line(note === '' ? text : `${text}   ${screen.paint('faint', note)}`);
  }
  screen.line();
}

function showWaits(screen: Screen, { moving, resting }: Outcome): void {
  const row = (label: string, { count, medianMs, longestMs }: Waits): string[] =>
    [label, String(count)].concat(count === 0 ? ['-', '-'] : [formatMs(medianMs), formatMs(longestMs)]);
  const [head = '', ...body] = alignRight([
    ['statements', 'count', 'median', 'longest'],
    row('with a move', moving),
    row('without', resting),
  ]);
  screen.line(screen.paint('faint', head));
  for (const line of body) screen.line(line);
  screen.line();
}

function checksOf(outcome: Outcome): Check[] {
  const { findings, acknowledgedCount, moveCount, insideCount, client, clientCount, accountCount } = outcome;
  const { sumBefore, sumAfter, missing, doubled, unasked, wrongAccounts } = findings;
  return [
    {
      isRight: sumBefore === sumAfter,
      text: `The sum of the ${accountCount} accounts was ${sumBefore}, and is ${sumAfter}.`,
    },
    wrongAccounts.length === 0
      ? right('Each account has what its transfers leave it.')
      : wrong(`These accounts have not what their transfers leave them: ${named(wrongAccounts)}.`),
    missing.length === 0 && doubled.length === 0 && unasked.length === 0
      ? right(`Each of the ${acknowledgedCount} acknowledged transfers is there exactly once, and no other.`)
      : wrong(`Transfers ${transfersProblem(findings)}.`),
    moveCount > 0 && insideCount > 0
      ? right(
          `${clientCount} sessions moved ${moveCount} times, ${insideCount} of them inside a transaction. ${client} did not notice.`,
        )
      : wrong(moveCount === 0 ? 'No session moved.' : 'No session moved inside a transaction.'),
  ];
}

function transfersProblem({ missing, doubled, unasked }: Findings): string {
  const problems: [word: string, ids: readonly number[]][] = [
    ['lost', missing],
    ['booked more than once', doubled],
    ['booked but not acknowledged', unasked],
  ];
  return problems.flatMap(([word, ids]) => (ids.length === 0 ? [] : [`${word}: ${named(ids)}`])).join('; ');
}

function named(ids: readonly number[]): string {
  const more = ids.length - NAMED_COUNT;
  return `${ids.slice(0, NAMED_COUNT).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function mark(screen: Screen, { isRight }: Check): string {
  const [colour, sign]: [Colour, string] = isRight ? ['good', '✔'] : ['bad', '✘'];
  return screen.paint(colour, sign);
}

function right(text: string): Check {
  return { isRight: true, text };
}

function wrong(text: string): Check {
  return { isRight: false, text };
}
