// The demo's judgement: what it must not call a success.

import test from 'ava';
import { Screen } from '@migratory/demo/internal/screen.js';
import { barCells, formatLength } from '@migratory/demo/internal/text.js';
import { showVerdict, type MoveRow, type Outcome } from '@migratory/demo/internal/verdict.js';

const MOVED: MoveRow = { kind: 'moved', from: 1, to: 2, atLength: 1024, stallMs: 1.25, imageLength: 200 };
const FAILED: MoveRow = { kind: 'failed', atLength: 1024, stallMs: 1, because: 'busy' };
const GOOD: Outcome = {
  file: { kind: 'random', root: '', name: '', length: 4096 },
  sentHash: 'aa',
  receivedHash: 'aa',
  receivedLength: 4096,
  elapsedMs: 1000,
  minMoveCount: 4,
  wantedMoveCount: 4,
  longestOtherGapMs: 0.5,
  moves: [MOVED, MOVED, MOVED, MOVED],
};

function judge(outcome: Outcome): { readonly isRight: boolean; readonly text: string } {
  let text = '';
  const isRight = showVerdict(new Screen({ write: (more) => (text += more) }, undefined), outcome);
  return { isRight, text };
}

test('identical, and moved often enough', (t) => {
  const { isRight, text } = judge(GOOD);
  t.true(isRight);
  t.regex(text, /1 → 2 +1 KiB +1\.3 ms +200 B/);
  t.regex(text, /✔ Identical\. The connection moved 4 times/);
});

test('different bytes are never a success', (t) => {
  const { isRight, text } = judge({ ...GOOD, receivedHash: 'ab' });
  t.false(isRight);
  t.regex(text, /✘ Different/);
  t.notRegex(text, /✔/);
});

test('too few moves are no success, and one that was refused is none', (t) => {
  const { isRight, text } = judge({ ...GOOD, moves: [MOVED, MOVED, MOVED, FAILED] });
  t.false(isRight);
  t.regex(text, /✘ Identical, but the connection moved only 3 times/);
  t.regex(text, /busy/);
});

test('the bar shows who served which part', (t) => {
  const stretches = [
    { fromLength: 0, member: 1 },
    { fromLength: 50, member: 2 },
  ];
  t.deepEqual(barCells(stretches, 75, 100, 4), [1, 1, 2, undefined]);
  t.deepEqual([0, 1023, 1024, 1536, 268_435_456].map(formatLength), ['0 B', '1023 B', '1 KiB', '1.5 KiB', '256 MiB']);
});
