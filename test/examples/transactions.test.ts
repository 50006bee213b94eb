// The transactions of the slides: what is done at the bank is done once.

import test from 'ava';
import { Bank, BankInMemory } from '@migratory/examples/bank.js';
import { LockedTransaction } from '@migratory/examples/transaction-locked.js';
import { TwoPhaseTransaction } from '@migratory/examples/transaction-two-phase.js';
import { Container } from '@migratory/framework';
import {
  crashEverywhere,
  DivergedAfterCrash,
  migrateEverywhere,
  type RecordEffect,
} from '@migratory/framework/testing';

function container(record: RecordEffect): Container {
  const bindings = new Container();
  bindings.bind(Bank).toConstantValue(new BankInMemory({ alice: 100, bob: 100 }, record));
  return bindings;
}

const orders = 'alice bob 10\nbob alice 50\nalice carol 70\n';
const twoPhase = {
  input: [
    { send: orders },
    { expect: 'done\ndone\ndone\n' },
    { send: 'alice bob 70\nalice bob 1\n' }, // all that she has: nothing may be held for a transaction that was left open
    { expect: 'done\nrefused\n' },
  ],
  container,
  pairLimit: 100,
};
const locked = {
  input: [
    { send: orders },
    { expect: 'alice has 90\nbob has 60\nalice has 70\n' },
    { send: 'alice bob 71\n' },
    { expect: 'Not enough money.\n' }, // and not a balance, told by a member that took the commit for granted
  ],
  container,
  pairLimit: 100,
};

test('in two phases: moves change nothing', async (t) => {
  const { moves } = await migrateEverywhere(TwoPhaseTransaction, twoPhase);
  t.true(moves > 100);
});

test('in two phases: deaths change nothing', async (t) => {
  const { crashes } = await crashEverywhere(TwoPhaseTransaction, twoPhase);
  t.true(crashes > 100);
});

test('under a lock: moves change nothing', async (t) => {
  const { moves } = await migrateEverywhere(LockedTransaction, locked);
  t.true(moves > 100);
});

test('under a lock: a death between the record and the commit loses it, as the example says', async (t) => {
  const oneOrder = { input: 'alice bob 10\n', container };
  const error = await t.throwsAsync(crashEverywhere(LockedTransaction, oneOrder), { instanceOf: DivergedAfterCrash });
  t.like(error?.difference, { kind: 'outside', missing: ['10 from alice to bob'] });
});

test('both say what an order looks like, and end', async (t) => {
  for (const service of [TwoPhaseTransaction, LockedTransaction]) {
    const input = [{ send: 'please?\n' }, { expect: 'An order is two accounts and an amount: alice bob 10\n' }];
    await t.notThrowsAsync(migrateEverywhere(service, { input, container }), service.name);
  }
});
