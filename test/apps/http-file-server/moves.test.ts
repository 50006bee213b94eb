// Downloads that move: whatever the instant, the client gets the bytes that it would have got anyway (S1), or an error.

import test from 'ava';
import fc from 'fast-check';
import type { Step } from '../../support/fake-session.js';
import { get, MemoryFiles, parseResponses, patterned, serve } from './served-files.js';

function makeFiles(): MemoryFiles {
  const files = new MemoryFiles();
  files.add('hello.txt', 'hello, world\n');
  files.add('large.bin', patterned(300_000));
  return files;
}

const input = [
  get('/large.bin'),
  get('/missing'),
  get('/large.bin', 'Range: bytes=1000-2000,70000-270000,5-9'),
  `${get('/hello.txt', 'Content-Length: 5', 'Expect: 100-continue')}12345`,
  get('/hello.txt').replace('GET', 'HEAD'),
  get('/hello.txt', 'Connection: close'),
].join('');

/** A request that is read again at another member is answered at that member's time: that much may differ. */
function withoutDates(bytes: Buffer): string {
  const text = bytes.toString('latin1').replace(/Date: [^\r]+/g, 'Date: -');
  const [, boundary] = /boundary=([0-9a-f]{32})/.exec(text) ?? [];
  return boundary === undefined ? text : text.replaceAll(boundary, 'boundary');
}

const moves = (arriveLength: number, deliverLength: number, count: number): Step[] =>
  Array.from({ length: count }, (): Step[] => [
    { kind: 'arrive', length: arriveLength },
    { kind: 'move' },
    { kind: 'deliver', length: deliverLength },
    { kind: 'move' },
  ]).flat();

const schedules: [what: string, schedule: Step[]][] = [
  ['1 byte in, 700 out', moves(1, 700, 500)],
  ['20 bytes in, 1 out', moves(20, 1, 250)],
  ['50 bytes in, 9,999 out', moves(50, 9_999, 100)],
  ['1,000 bytes in, 70,000 out', moves(1_000, 70_000, 30)],
];

for (const [what, schedule] of schedules) {
  test(`a move after every ${what}: the same responses`, async (t) => {
    const still = await serve(makeFiles(), input);
    const files = makeFiles();
    const moving = await serve(files, input, schedule);
    t.deepEqual(moving.reports, []);
    t.true(moving.outcomes.filter((outcome) => outcome === 'moved').length > 20);
    t.is(moving.outcomes.at(-1), 'finished');
    t.true(withoutDates(moving.client.received) === withoutDates(still.client.received));
    t.deepEqual(
      parseResponses(moving.client.received, ['GET', 'GET', 'GET', 'GET', 'HEAD']).map(({ status }) => status),
      [200, 404, 206, 200, 200, 200],
    );
    t.is(files.closed, files.opened, 'every file that was opened is closed');
  });
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('arrive' as const), length: fc.integer({ min: 1, max: 200 }) }),
  fc.record({ kind: fc.constant('deliver' as const), length: fc.integer({ min: 1, max: 90_000 }) }),
  fc.record({ kind: fc.constant('move' as const) }),
);

test('any schedule of input, output and moves gives the same responses', async (t) => {
  const expected = withoutDates((await serve(makeFiles(), input)).client.received);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (schedule) => {
      const { client, reports, outcomes } = await serve(makeFiles(), input, schedule);
      return withoutDates(client.received) === expected && reports.length === 0 && outcomes.at(-1) === 'finished';
    }),
    { numRuns: 40 },
  );
  t.pass();
});

const changes: [what: string, change: (files: MemoryFiles) => void][] = [
  ['has other content', (files) => files.add('large.bin', Buffer.alloc(300_000), 1)],
  ['is shorter', (files) => files.add('large.bin', patterned(200_000))],
  ['is gone', (files) => files.remove('large.bin')],
];

for (const [what, change] of changes) {
  test(`a download whose file ${what} at the other member ends with an error, without a wrong byte`, async (t) => {
    const files = makeFiles();
    files.onOpen = (count) => {
      if (count === 2) change(files);
    };
    const { client, outcomes, reports } = await serve(files, get('/large.bin'), [
      { kind: 'arrive', length: 100 },
      { kind: 'deliver', length: 100_000 },
      { kind: 'move' },
    ]);
    t.deepEqual(outcomes, ['moved', 'failed']);
    t.is(client.receivedEnd, 'open');
    const [report] = reports;
    t.like(report, { kind: 'stage-failed', stage: 'response', epoch: 1 });
    t.regex(String(report?.error), /^FileChanged: 'large\.bin'/);
    const content = client.received.subarray(client.received.indexOf('\r\n\r\n') + 4);
    t.true(content.length < 300_000);
    t.deepEqual(content, patterned(300_000).subarray(0, content.length));
    t.is(files.closed, files.opened);
  });
}

test('a file that changes under a download that stays is not completed', async (t) => {
  const files = makeFiles();
  let checks = 0;
  const { client, outcomes, reports } = await serve(
    Object.assign(files, {
      onOpen: () => {
        checks++;
        queueMicrotask(() =>
          queueMicrotask(() => queueMicrotask(() => files.add('large.bin', Buffer.alloc(300_000), 1))),
        );
      },
    }),
    get('/large.bin'),
  );
  t.is(checks, 1);
  t.deepEqual(outcomes, ['failed']);
  t.regex(String(reports[0]?.error), /^FileChanged/);
  t.throws(() => parseResponses(client.received), { message: /cut off/ });
});

test('the snapshot of a download is small', async (t) => {
  const { movements } = await serve(makeFiles(), get('/large.bin'), [
    { kind: 'arrive', length: 100 },
    ...Array.from({ length: 4 }, (): Step => ({ kind: 'deliver', length: 60_000 })),
    { kind: 'move' },
  ]);
  const [, departed, arrived] = movements;
  t.like(departed, { kind: 'departed', to: 2, epoch: 1 });
  t.true(arrived?.kind === 'arrived' && arrived.imageLength < 400);
});
