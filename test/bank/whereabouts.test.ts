// A port that a later session uses again must not lend its place to the one that was lost.

import test from 'ava';
import type { Gateway } from '@migratory/gateway/gateway';
import { Whereabouts } from './whereabouts.js';

function gatewayWith(cid: string, member: number): Gateway {
  const state = { client: '127.0.0.1:40000', cid, member, epoch: 0, toServiceLength: 0, toClientLength: 0 };
  return { connections: [state] } as unknown as Gateway;
}

const LENGTHS = { toServiceLength: 0, toClientLength: 0 };

test('a session that was lost is told from a later one with the same port', (t) => {
  const whereabouts = new Whereabouts();
  whereabouts.opened(40_000, 10, gatewayWith('aa', 1));
  whereabouts.asked(40_000, 2);
  const client = '127.0.0.1:40000';
  whereabouts.told({ kind: 'closed', cause: 'gone', client, cid: 'aa', member: 1, epoch: 4, ...LENGTHS });
  whereabouts.opened(40_000, 500, gatewayWith('bb', 3));
  t.deepEqual(whereabouts.membersOf(40_000, 100), [1, 2]);
  t.is(whereabouts.endingOf(40_000, 100), 'gone: aa at member 1 in epoch 4');
  t.deepEqual(whereabouts.membersOf(40_000, 600), [3]);
  t.is(whereabouts.endingOf(40_000, 600), 'nothing');
  t.deepEqual(whereabouts.membersOf(40_001, 600), []);
});

test('a move that has ended is not waited for any more', (t) => {
  const whereabouts = new Whereabouts();
  whereabouts.opened(40_000, 10, gatewayWith('aa', 1));
  whereabouts.asked(40_000, 2);
  whereabouts.told({ kind: 'moved', cid: 'aa', from: 1, to: 2, epoch: 1, stallMs: 1, refusals: [] });
  t.deepEqual(whereabouts.membersOf(40_000, 100), [2]);
});
