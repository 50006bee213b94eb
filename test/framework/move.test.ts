// Services that move at every possible step write the same bytes as services that stay (S1).

import test from 'ava';
import fc from 'fast-check';
import { Container } from '@migratory/framework';
import { runSession, type Step } from '../support/fake-session.js';
import { calculator, FileSession, FileStore } from '../support/framework-services.js';

const FILE_LENGTH = 1_500;
const store = new FileStore();
const content = store.add('large.bin', FILE_LENGTH);
const small = store.add('small.txt', 5);
const container = new Container();
container.bind(FileStore).toConstantValue(store);

const fileInput = 'small.txt\nlarge.bin\nmissing\nsmall.txt\n';
const fileOutput = Buffer.concat([small, content, Buffer.from('no missing\n'), small]);

const calculatorInput = '+ 3\n+ 4\nsum 7\nabcdefg- 10\nsum 0\nsum 3\n\n\n\n+ 1\nquit\nnever read';
const calculatorOutput = [
  '= 3 after [["+",[3]]]',
  '= 7 after [["+",[3,4]]]',
  '= 707 after [["+",[3,4]]]',
  '= 697 after [["+",[3,4]],["-",[10]]]',
  '= 697 after [["+",[3,4]],["-",[10]]]',
  '= 727 after [["+",[3,4]],["-",[10]]]',
  '= 728 after [["+",[3,4,1]],["-",[10]]]',
  '',
].join('\n');

const step = fc.oneof(
  fc.record({ kind: fc.constant('arrive' as const), length: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ kind: fc.constant('deliver' as const), length: fc.integer({ min: 1, max: 150 }) }),
  fc.record({ kind: fc.constant('move' as const) }),
);

test('a file service without a move writes what is expected', async (t) => {
  const { client, outcomes, reports } = await runSession(FileSession, fileInput, [], container);
  t.deepEqual(client.received, fileOutput);
  t.is(client.receivedEnd, 'ended');
  t.deepEqual(outcomes, ['finished']);
  t.deepEqual(reports, []);
});

test('a calculator without a move writes what is expected', async (t) => {
  const { client, outcomes, reports } = await runSession(calculator, calculatorInput, []);
  t.is(client.received.toString(), calculatorOutput);
  t.deepEqual(outcomes, ['finished']);
  t.deepEqual(reports, []);
});

/** A move after every step of `arriveLength` bytes of input and `deliverLength` bytes of output. */
function moveAfterEverything(arriveLength: number, deliverLength: number, count: number): Step[] {
  return Array.from({ length: count }, (): Step[] => [
    { kind: 'arrive', length: arriveLength },
    { kind: 'move' },
    { kind: 'deliver', length: deliverLength },
    { kind: 'move' },
  ]).flat();
}

for (const [arriveLength, deliverLength] of [
  [1, 1],
  [1, 40],
  [7, 3],
  [64, 64],
] as const) {
  test(`files: a move after every ${arriveLength} bytes in and ${deliverLength} bytes out`, async (t) => {
    const schedule = moveAfterEverything(arriveLength, deliverLength, 300);
    const { client, outcomes, reports } = await runSession(FileSession, fileInput, schedule, container);
    t.deepEqual(client.received, fileOutput);
    t.deepEqual(reports, []);
    t.true(outcomes.filter((outcome) => outcome === 'moved').length > 20);
    t.is(outcomes.at(-1), 'finished');
  });

  test(`calculator: a move after every ${arriveLength} bytes in and ${deliverLength} bytes out`, async (t) => {
    const schedule = moveAfterEverything(arriveLength, deliverLength, 300);
    const { client, reports } = await runSession(calculator, calculatorInput, schedule);
    t.is(client.received.toString(), calculatorOutput);
    t.deepEqual(reports, []);
  });
}

test('files: any schedule of input, output and moves gives the same bytes', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (schedule) => {
      const { client, reports } = await runSession(FileSession, fileInput, schedule, container);
      return client.received.equals(fileOutput) && client.receivedEnd === 'ended' && reports.length === 0;
    }),
    { numRuns: 60 },
  );
  t.pass();
});

test('calculator: any schedule of input, output and moves gives the same bytes', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (schedule) => {
      const { client, reports } = await runSession(calculator, calculatorInput, schedule);
      return client.received.toString() === calculatorOutput && reports.length === 0;
    }),
    { numRuns: 100 },
  );
  t.pass();
});
