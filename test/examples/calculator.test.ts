// The calculator keeps its total, wherever its connection moves and whichever member dies.

import test from 'ava';
import { Calculator } from '@migratory/examples/calculator.js';
import { crashEverywhere, migrateEverywhere } from '@migratory/framework/testing';

const input = [
  { send: '+ 5\n* 3\n' },
  { expect: '5\n15\n' },
  { send: '- 1\n/ 2\nand?\n' },
  { expect: '14\n7\none of + - * / and a number, please\n' },
];

test('moves change nothing', async (t) => {
  const { moves } = await migrateEverywhere(Calculator, { input });
  t.true(moves > 50);
});

test('deaths change nothing', async (t) => {
  const { crashes } = await crashEverywhere(Calculator, { input });
  t.true(crashes > 50);
});
