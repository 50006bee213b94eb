// The counter counts on, wherever its connection moves and whichever member dies.

import test from 'ava';
import { Counter } from '@migratory/examples/counter.js';
import { crashEverywhere, migrateEverywhere } from '@migratory/framework/testing';

const input = '5\n0\n3\n';

test('moves change nothing', async (t) => {
  const { moves } = await migrateEverywhere(Counter, { input });
  t.true(moves > 100);
});

test('deaths change nothing', async (t) => {
  const { crashes } = await crashEverywhere(Counter, { input });
  t.true(crashes > 100);
});

test('what it says', async (t) => {
  await t.notThrowsAsync(
    migrateEverywhere(Counter, {
      input: [{ send: '3\n' }, { expect: '1\n2\n3\n' }, { send: '2\n' }, { expect: '1\n2\n' }],
    }),
  );
});
