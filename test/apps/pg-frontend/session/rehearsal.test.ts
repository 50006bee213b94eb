// Whole sessions against a fake database, moved after every effect: the client's bytes are those of a session that stays, and
// each number is in the database once.

import test from 'ava';
import { turn } from '@migratory/framework/internal/testing/turns.js';
import { migrateEverywhere } from '@migratory/framework/testing';
import { DatabaseSession } from '@migratory/pg-frontend/internal/database-session.js';
import type { CommitMode } from '@migratory/pg-frontend/internal/session/session-services.js';
import { FLUSH, query, SYNC, TERMINATE } from '@migratory/pg-frontend/internal/wire/frontend-messages.js';
import { readyForQuery } from '@migratory/pg-frontend/internal/wire/backend-messages.js';
import {
  bind,
  close,
  COPY_DONE,
  copyData,
  describe,
  execute,
  parse,
} from '../../../support/postgres/client-messages.js';
import { FakeDatabase } from '../../../support/postgres/fake-database.js';
import { containerOf, SERVICE_LIMITS, STARTUP } from '../../../support/postgres/rehearsed-session.js';

/** What is sent together, and the status that is waited for before more is. */
type Turn = readonly [sent: Buffer | readonly Buffer[], awaited: 'I' | 'T' | 'E' | 'nothing'];

const LOGIN: Turn = [STARTUP, 'I'];
const INSERT_IN_PIECES = [parse('', 'INSERT 7'), bind('', ''), describe('P', ''), execute('')];

const scripts: readonly [what: string, turns: readonly Turn[], numbers: readonly number[]][] = [
  ['a login and nothing else', [LOGIN, [TERMINATE, 'nothing']], []],
  ['statements outside of a transaction', [LOGIN, [query('INSERT 1'), 'I'], [query('SELECT'), 'I']], [1]],
  [
    'a transaction of three statements and a query',
    [
      LOGIN,
      [query('BEGIN'), 'T'],
      [query('INSERT 1'), 'T'],
      [query('INSERT 2; INSERT 3'), 'T'],
      [query('SELECT'), 'T'],
      [query('COMMIT'), 'I'],
      [TERMINATE, 'nothing'],
    ],
    [1, 2, 3],
  ],
  [
    'an error and a rollback, then a transaction that is well',
    [
      LOGIN,
      [query('BEGIN'), 'T'],
      [query('INSERT 1'), 'T'],
      [query('NONSENSE'), 'E'],
      [query('INSERT 2'), 'E'],
      [query('ROLLBACK'), 'I'],
      [query('BEGIN'), 'T'],
      [query('INSERT 3'), 'T'],
      [query('COMMIT'), 'I'],
    ],
    [3],
  ],
  [
    'a pipeline of the extended protocol',
    [
      LOGIN,
      [[parse('', 'BEGIN'), bind('', ''), execute(''), SYNC], 'T'],
      [[...INSERT_IN_PIECES, SYNC, ...INSERT_IN_PIECES, FLUSH, ...INSERT_IN_PIECES, SYNC], 'T'],
      [[...INSERT_IN_PIECES, parse('', 'NONSENSE'), ...INSERT_IN_PIECES, SYNC], 'E'],
      [[parse('', 'COMMIT'), bind('', ''), execute(''), SYNC], 'I'],
      [[...INSERT_IN_PIECES, SYNC], 'I'],
    ],
    [7],
  ],
  [
    'named statements that are used behind moves',
    [
      LOGIN,
      [[parse('one', 'INSERT 1'), SYNC], 'I'],
      [query('BEGIN'), 'T'],
      [[parse('two', 'INSERT 2'), bind('', 'two'), execute(''), SYNC], 'T'],
      [[bind('p', 'one'), describe('S', 'one'), execute('p'), close('P', 'p'), SYNC], 'T'],
      [[parse('end', 'COMMIT'), bind('', 'end'), execute(''), SYNC], 'I'],
      [[bind('', 'two'), execute(''), close('S', 'one'), SYNC], 'I'],
      [[bind('', 'one'), execute(''), SYNC], 'I'],
      [query('BEGIN'), 'T'],
      [query('INSERT 3'), 'T'],
      [[bind('', 'end'), execute(''), SYNC], 'I'],
    ],
    [2, 1, 2, 3],
  ],
  [
    'parameters, and numbers that are copied',
    [
      LOGIN,
      [query('SET my.mood = fine'), 'I'],
      [query('COPY numbers FROM STDIN'), 'nothing'],
      [[copyData('4'), copyData('5'), COPY_DONE], 'I'],
      [query('SELECT'), 'I'],
    ],
    [4, 5],
  ],
];

const modes: readonly CommitMode[] = ['locked', 'two-phase'];

for (const [what, turns, numbers] of scripts) {
  for (const commitMode of modes) {
    for (const pieceLength of [Infinity, 9]) {
      const how = `${commitMode}, answers in pieces of ${pieceLength} bytes`;
      test(`nobody can tell that it has moved: ${what} (${how})`, async (t) => {
        const databases: FakeDatabase[] = [];
        const input = turns.flatMap(([sent, awaited]) => [
          { send: Buffer.isBuffer(sent) ? sent : Buffer.concat(sent) },
          ...(awaited === 'nothing' ? [] : [{ expect: readyForQuery(awaited) }]),
        ]);
        const { moves, runs } = await migrateEverywhere(DatabaseSession, {
          input,
          container: (record) => {
            const database = new FakeDatabase({ record, pieceLength });
            databases.push(database);
            return containerOf({ database, commitMode });
          },
          limits: SERVICE_LIMITS,
          singleLimit: 24,
          pairLimit: 6,
        });
        t.true(moves > 10);
        t.is(databases.length, runs);
        await turn(); // the last sessions end
        for (const { store, living } of databases) {
          t.deepEqual(store.committed, numbers);
          t.deepEqual([store.prepared.size, living.length], [0, 0]);
        }
      });
    }
  }
}
