// Reports: what an operator is told of connections that come and go, and in which words.

import test from 'ava';
import { formatReport, type Report } from '@migratory/framework';
import { reportToConsole } from '@migratory/framework/internal/runtime/report.js';
import { runSession } from '../support/fake-session.js';
import { calculator } from '../support/framework-services.js';

const CID = '00112233aabbccdd';

test('a connection is reported as accepted once, and as departed and arrived for each move', async (t) => {
  const { movements, reports } = await runSession(calculator, '+ 3\nquit\n', [
    { kind: 'arrive', length: 4 },
    { kind: 'move' },
    { kind: 'move' },
  ]);
  t.deepEqual(reports, []);
  const context = { service: 'calculator', cid: CID };
  t.like(movements, {
    0: { kind: 'accepted', ...context, epoch: 0 },
    1: { kind: 'departed', ...context, epoch: 1, to: 2 },
    2: { kind: 'arrived', ...context, epoch: 1 },
    3: { kind: 'departed', ...context, epoch: 2, to: 2 },
    4: { kind: 'arrived', ...context, epoch: 2 },
  });
  t.is(movements.length, 5);
  t.true(movements.every((report) => report.kind !== 'arrived' || report.imageLength > 0));
});

const context = { service: 'files', cid: CID, epoch: 2 };
const lines: [report: Report, line: string][] = [
  [{ kind: 'accepted', ...context }, `accepted files cid ${CID} epoch 2`],
  [{ kind: 'arrived', ...context, imageLength: 190 }, `arrived files cid ${CID} epoch 2: image of 190 bytes`],
  [{ kind: 'departed', ...context, to: 7 }, `departed files cid ${CID} epoch 2: to member 7`],
  [{ kind: 'departed', ...context, to: undefined }, `departed files cid ${CID} epoch 2`],
  [
    { kind: 'stage-failed', ...context, stage: 'body', error: new Error('no') },
    `stage-failed files/body cid ${CID} epoch 2: Error: no`,
  ],
  [{ kind: 'moved-failed', ...context, cid: undefined, error: 'x' }, 'moved-failed files cid - epoch 2: x'],
  [
    { kind: 'moved-failed', ...context, error: new Error('no command "a\nok\u001b[2J\u2028"') },
    `moved-failed files cid ${CID} epoch 2: Error: no command "a\\x0aok\\x1b[2J\\u2028"`,
  ],
  [
    { kind: 'moved-failed', ...context, error: Object.create(null) as unknown },
    `moved-failed files cid ${CID} epoch 2: a object was thrown`,
  ],
];

test('each report has one line', (t) => {
  for (const [report, line] of lines) t.is(formatReport(report), line);
});

test.serial('the console is told of failures only', (t) => {
  const told: unknown[] = [];
  const { error } = console;
  console.error = (line: unknown) => told.push(line);
  try {
    for (const [report] of lines) reportToConsole(report);
  } finally {
    console.error = error;
  }
  t.deepEqual(
    told,
    lines.slice(4).map(([, line]) => line),
  );
});
