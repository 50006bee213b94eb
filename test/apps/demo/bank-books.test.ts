// The bank's judgement: what it must not call a success, and how it counts.

import test from 'ava';
import { audit, type Account, type Transfer } from '@migratory/demo/internal/bank/ledger.js';
import { livingLine, plainLine } from '@migratory/demo/internal/bank/progress.js';
import { Replays } from '@migratory/demo/internal/bank/replays.js';
import { showVerdict, type Outcome } from '@migratory/demo/internal/bank/verdict.js';
import { waitsOf } from '@migratory/demo/internal/bank/waits.js';
import { Screen } from '@migratory/demo/internal/screen.js';

const OPENING: Account[] = [
  { id: 1, balance: 100 },
  { id: 2, balance: 100 },
];
const FIRST: Transfer = { id: 7, from: 1, to: 2, amount: 30 };
const SECOND: Transfer = { id: 8, from: 2, to: 1, amount: 10 };
const CLOSING: Account[] = [
  { id: 1, balance: 80 },
  { id: 2, balance: 120 },
];
const CLEAN = audit(OPENING, [FIRST, SECOND], { accounts: CLOSING, transfers: [FIRST, SECOND] });
const GOOD: Outcome = {
  client: 'psql',
  clientCount: 4,
  accountCount: 2,
  elapsedMs: 2000,
  acknowledgedCount: 2,
  moveCount: 30,
  stayedCount: 1,
  insideCount: 20,
  replayCount: 21,
  replayedStatementCount: 45,
  unequalCount: 0,
  serializationFailureCount: 0,
  moving: { count: 30, medianMs: 8.25, longestMs: 31 },
  resting: { count: 60, medianMs: 0.5, longestMs: 4 },
  findings: CLEAN,
};

function judge(outcome: Outcome): { readonly isRight: boolean; readonly text: string } {
  let text = '';
  const isRight = showVerdict(new Screen({ write: (more) => (text += more) }, undefined), outcome);
  return { isRight, text };
}

test('books that are right have no findings', (t) => {
  const nothing = { missing: [], doubled: [], unasked: [], wrongAccounts: [] };
  t.deepEqual(CLEAN, { sumBefore: 200, sumAfter: 200, ...nothing });
});

test('a lost transfer, a doubled one and one that nobody was told of are found', (t) => {
  const transfers = [SECOND, SECOND, { ...FIRST, id: 9 }];
  const findings = audit(OPENING, [FIRST, SECOND], { accounts: CLOSING, transfers });
  t.deepEqual(findings.missing, [7]);
  t.deepEqual(findings.doubled, [8]);
  t.deepEqual(findings.unasked, [9]);
});

test('an account is checked by itself: errors that cancel out in the sum are found, and so is one that is gone', (t) => {
  const moved = audit(OPENING, [], { accounts: CLOSING, transfers: [] });
  t.is(moved.sumAfter, moved.sumBefore);
  t.deepEqual(moved.wrongAccounts, [1, 2]);
  t.deepEqual(audit(OPENING, [], { accounts: OPENING.slice(1), transfers: [] }).wrongAccounts, [1]);
});

test('all right: four marks, and the figures', (t) => {
  const { isRight, text } = judge(GOOD);
  t.true(isRight);
  t.is(text.split('✔').length - 1, 4, text);
  t.notRegex(text, /✘/);
  t.regex(text, /moves +30 +15 a second/);
  t.regex(text, /replays of transactions +21 +45 statements, all equal/);
  t.regex(text, /with a move +30 +8\.3 ms +31\.0 ms/);
  t.regex(text, /without +60 +0\.5 ms +4\.0 ms/);
});

for (const [what, part, line] of [
  ['another sum', { findings: { ...CLEAN, sumAfter: 170 } }, /✘ The sum of the 2 accounts was 200, and is 170/],
  ['a wrong account', { findings: { ...CLEAN, wrongAccounts: [2] } }, /✘ These accounts .*: 2\./],
  ['a lost transfer', { findings: { ...CLEAN, missing: [7] } }, /✘ Transfers lost: 7\./],
  ['a doubled transfer', { findings: { ...CLEAN, doubled: [8] } }, /✘ Transfers booked more than once: 8\./],
  ['an unasked transfer', { findings: { ...CLEAN, unasked: [1, 2, 3, 4, 5, 6] } }, /✘ .*: 1, 2, 3, 4, 5 and 1 more\./],
  ['no move', { moveCount: 0, insideCount: 0 }, /✘ No session moved\./],
  ['no move inside a transaction', { insideCount: 0 }, /✘ No session moved inside a transaction\./],
] as const) {
  test(`${what} is no success`, (t) => {
    const { isRight, text } = judge({ ...GOOD, ...part });
    t.false(isRight);
    t.regex(text, line);
  });
}

test('a replay that differed is told, and is no failure: its client was', (t) => {
  const { isRight, text } = judge({ ...GOOD, unequalCount: 2, serializationFailureCount: 2 });
  t.true(isRight);
  t.regex(text, /45 statements, 2 not equal/);
  t.regex(text, /40001 +2/);
});

test('a statement waits for a move if both were under way at the same time, in its own session', (t) => {
  const statements = [1, 3, 5, 7].map((fromMs) => ({ fromMs, untilMs: fromMs + 1 }));
  const { moving, resting } = waitsOf([
    { statements, moves: [{ fromMs: 3.5, untilMs: 5.5 }] },
    { statements: [{ fromMs: 0, untilMs: 9 }], moves: [] },
  ]);
  t.deepEqual(moving, { count: 2, medianMs: 1, longestMs: 1 });
  t.deepEqual(resting, { count: 3, medianMs: 1, longestMs: 9 });
});

test("replays are the front-ends' lines about transactions that were run again; some behind the same move", (t) => {
  const replays = new Replays();
  replays.note({ event: 'resumed', cid: 'aa', epoch: 1, statements: 3, outcome: 'equal' });
  replays.note({ event: 'resumed', cid: 'aa', epoch: 2, statements: 2, outcome: 'different' });
  replays.note({ event: 'resumed', cid: 'aa', epoch: 2, statements: 2, outcome: 'lost' });
  replays.note({ event: 'arrived', cid: 'aa', epoch: 3 });
  const { count, statementCount, unequalCount, moveCount } = replays;
  t.deepEqual(
    { count, statementCount, unequalCount, moveCount },
    { count: 3, statementCount: 7, unequalCount: 2, moveCount: 2 },
  );
  t.not(replays.endedMs('aa', 2), undefined);
  t.is(replays.endedMs('aa', 3), undefined);
});

test('the line that lives shows who served each client, and fits the terminal', (t) => {
  const progress = { elapsedMs: 1240, transferCount: 1234, moveCount: 56, members: [[1, 2, 1, 2], [2], [1], [1]] };
  const screen = new Screen({ columns: 80, write: () => undefined }, undefined);
  const line = livingLine(screen, progress);
  t.regex(line, /1\.2 s +1234 transfers +56 moves .*█▓█▓ 2 +▓ 2 +█ 1 +█ 1$/);
  t.true(line.length <= 78, line);
  t.regex(plainLine(progress), /1 s +1234 transfers +56 moves +served by 2 2 1 1$/);
});
