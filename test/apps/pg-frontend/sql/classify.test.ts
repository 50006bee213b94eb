// What a text may do to its transaction and its session: each command, what only looks like it, and any mixture.

import test from 'ava';
import fc from 'fast-check';
import { classifyQuery, classifyTag } from '@migratory/pg-frontend/internal/sql/classify.js';
import { CHAINS, COMMITS, gap, harmless, oneOf, ROLLBACKS, soup, spoken } from './arbitrary-sql.js';

const touched = (text: string): readonly string[] => [...classifyQuery(text, 'on').touches].sort();

test('most texts are plain', (t) => {
  const plain = classifyQuery('SELECT abalance FROM pgbench_accounts WHERE aid = 4711;', 'on');
  t.deepEqual(plain, { statementCount: 1, commits: 'none', rollsBack: 'none', begins: false, touches: new Set() });
  for (const text of [
    '\n UPDATE t SET a = 1 WHERE b = $1',
    "insert into t values (';')",
    'WITH a AS (SELECT 1) TABLE a',
  ]) {
    t.deepEqual(classifyQuery(text, 'on'), plain, text);
  }
});

test('statements are counted', (t) => {
  for (const [text, count] of [
    ['', 0],
    ['-- SELECT 1', 0],
    ['SELECT 1', 1],
    ['SELECT 1;;', 1],
    ['SELECT 1; SELECT 2', 2],
    ["SELECT ';'; BEGIN", 2],
  ] as const) {
    t.is(classifyQuery(text, 'on').statementCount, count, text);
  }
});

test('a COMMIT that stands alone', (t) => {
  for (const command of COMMITS) {
    for (const text of [command, `;${command.toUpperCase()};`, `/* a */ ${command} -- b`]) {
      const { commits, rollsBack, begins } = classifyQuery(text, 'on');
      t.deepEqual({ commits, rollsBack, begins }, { commits: 'alone', rollsBack: 'none', begins: false }, text);
    }
  }
});

test('a COMMIT among others', (t) => {
  const texts = [
    ...['SELECT 1; COMMIT', 'COMMIT; BEGIN', 'BEGIN; SELECT 1; END;', 'COMMIT; COMMIT', 'COMMIT AND CHAIN'],
    ...[
      "PREPARE TRANSACTION 'a'",
      "COMMIT PREPARED 'a'",
      "ROLLBACK PREPARED 'a'",
      "PREPARE TRANSACTION U&'a' UESCAPE '!'",
    ],
    ...['ROLLBACK AND CHAIN', 'ABORT WORK AND CHAIN', 'COMMIT what'],
  ];
  for (const text of texts) t.is(classifyQuery(text, 'on').commits, 'among-others', text);
});

test('what can not be read may commit', (t) => {
  const { commits, touches } = classifyQuery("SELECT '; COMMIT; SET a = 1", 'on');
  t.is(commits, 'unclear');
  t.true(touches.has('parameters'));
});

test('what only looks like a COMMIT', (t) => {
  const texts = [
    ...[
      'SELECT CASE 1 WHEN 1 THEN 2 END',
      'SELECT 1 AS commit',
      '"commit"',
      "SELECT 'COMMIT'",
      '-- COMMIT',
      'SAVEPOINT end',
    ],
    ...['PREPARE transaction AS SELECT 1', 'COMMENT ON TABLE t IS NULL', 'commits', 'RELEASE commit', 'commit$'],
  ];
  for (const text of texts) t.is(classifyQuery(text, 'on').commits, 'none', text);
});

test('ROLLBACK', (t) => {
  for (const command of ROLLBACKS) {
    t.is(classifyQuery(command, 'on').rollsBack, 'alone', command);
    t.is(classifyQuery(`${command}; SELECT 1`, 'on').rollsBack, 'among-others', command);
    t.is(classifyQuery(command, 'on').commits, 'none', command);
  }
  t.is(classifyQuery('ROLLBACK AND CHAIN', 'on').rollsBack, 'among-others');
  for (const text of ['ROLLBACK TO a', 'ROLLBACK WORK TO SAVEPOINT a', "ROLLBACK PREPARED 'a'", 'abort_', 'SELECT 1']) {
    t.is(classifyQuery(text, 'on').rollsBack, 'none', text);
  }
});

test('BEGIN', (t) => {
  for (const text of ['begin', 'BEGIN ISOLATION LEVEL SERIALIZABLE', 'SELECT 1; START TRANSACTION READ ONLY']) {
    t.true(classifyQuery(text, 'on').begins, text);
  }
  for (const text of ['SELECT begin', 'START_REPLICATION', "SELECT 'BEGIN'"])
    t.false(classifyQuery(text, 'on').begins, text);
});

const TOUCHES: Readonly<Record<string, string>> = {
  'SET a = 1': 'parameters',
  'SET SESSION a TO 1': 'parameters',
  "SET TIME ZONE 'UTC'": 'parameters',
  "SET NAMES 'UTF8'": 'parameters',
  'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY': 'parameters',
  'SET local.a = 1': 'parameters',
  'SET transaction TO 1': 'parameters',
  'SET "A".b = 1': 'parameters',
  'RESET ALL': 'parameters',
  'SELECT 1; RESET a': 'parameters',
  "select pg_catalog.set_config('a.b', 'c', false)": 'parameters,role',
  'SELECT "set_config"($1, $2, $3)': 'parameters,role',
  'SELECT set_limit(0.5)': 'parameters',
  'SET ROLE a': 'role',
  'SET role = a': 'role',
  'SET SESSION ROLE a': 'role',
  'SET "role" TO a': 'parameters,role',
  'SET SESSION AUTHORIZATION DEFAULT': 'role',
  'SET session_authorization TO a': 'role',
  'RESET ROLE': 'role',
  'RESET SESSION AUTHORIZATION': 'role',
  'PREPARE a (int) AS SELECT $1': 'prepared',
  'PREPARE transaction (int) AS SELECT $1': 'prepared',
  'DEALLOCATE ALL': 'prepared',
  'LISTEN a': 'channels',
  'UNLISTEN *': 'channels',
  'CREATE TEMP TABLE a (b int)': 'temporary',
  'create /* ; */ temporary view a as select 1': 'temporary',
  'CREATE OR REPLACE TEMP VIEW a AS SELECT 1': 'temporary',
  'CREATE LOCAL TEMPORARY SEQUENCE a': 'temporary',
  'SELECT 1 INTO TEMP a': 'temporary',
  'CREATE TABLE pg_temp.a (b int)': 'temporary',
  'SELECT pg_advisory_lock(1)': 'advisory-locks',
  'SELECT pg_try_advisory_lock_shared(1, 2)': 'advisory-locks',
  'SELECT pg_advisory_unlock_all()': 'advisory-locks',
  'DECLARE a CURSOR WITH /* b */ HOLD FOR SELECT 1': 'held-cursors',
  'CLOSE ALL': 'held-cursors',
  "LOAD 'a'": 'libraries',
  "SELECT currval('a'), nextval('b')": 'sequence-values',
  'SELECT lastval()': 'sequence-values',
  'SELECT pg_export_snapshot()': 'snapshots',
  'SELECT setseed(0.5)': 'random-seed',
  'SET seed = 0.5': 'parameters,random-seed',
  'SET LOCAL seed TO 0.5': 'random-seed',
  'NOTIFY a': 'notify',
  "SELECT pg_notify('a', 'b')": 'notify',
  "SELECT dblink_connect('a', 'b')": 'connections,outside-effects',
  "SELECT dblink_exec('a', 'b')": 'outside-effects',
  "SELECT pg_replication_origin_session_setup('a')": 'outside-effects,replication',
  "SELECT pg_create_physical_replication_slot('a', true, true)": 'outside-effects,replication',
  "SELECT pg_backup_start('a')": 'backup,outside-effects',
  "SELECT setval('a', 1)": 'outside-effects',
  "COPY a TO PROGRAM 'b'": 'outside-effects',
  "DO $$ BEGIN EXECUTE 'SET a = 1'; END $$": 'parameters',
  'DO $$ BEGIN PERFORM pg_advisory_lock(1); CREATE TEMP TABLE a (); END $$': 'advisory-locks,temporary',
  "DO 'BEGIN EXECUTE ''LISTEN a''; END'": 'channels',
  'DISCARD TEMPORARY': 'temporary',
  'DISCARD SEQUENCES': 'sequence-values',
  'DISCARD ALL': 'advisory-locks,channels,held-cursors,parameters,prepared,role,sequence-values,temporary',
};

for (const [text, kinds] of Object.entries(TOUCHES)) {
  test(`touches ${kinds}: ${text}`, (t) => {
    t.is(touched(text).join(','), kinds);
    t.is(touched(`SELECT ';';\n${text} -- c`).join(','), kinds);
  });
}

test('what leaves the session as it is', (t) => {
  const texts = [
    ...[
      'UPDATE a SET b = 1',
      'SET LOCAL a = 1',
      'SET TRANSACTION READ ONLY',
      'SET CONSTRAINTS ALL DEFERRED',
      'DISCARD PLANS',
    ],
    ...[
      'SELECT temp FROM readings',
      'SELECT hold FROM a',
      'DECLARE a CURSOR FOR SELECT 1',
      "SELECT 'CREATE TEMP TABLE'",
    ],
    ...[
      'SELECT pg_advisory_xact_lock(1)',
      'SELECT pg_try_advisory_xact_lock_shared(1)',
      "SELECT nextval('a')",
      'SHOW ALL',
    ],
    ...["SELECT 'LISTEN a'", '-- SET a = 1', 'COPY a FROM STDIN', 'CREATE TABLE template (listen int)', 'EXECUTE a'],
    ...[
      "DO $$ BEGIN RAISE NOTICE 'a'; END $$",
      "PREPARE TRANSACTION 'a'",
      'ALTER ROLE a SET b = 1',
      'ALTER SYSTEM SET a = 1',
    ],
  ];
  for (const text of texts) t.deepEqual(touched(text), [], text);
});

test('tags say the same', (t) => {
  const of = (tag: string): string => [...classifyTag(tag)].sort().join(',');
  t.is(of('SET'), 'parameters,role');
  t.is(of('RESET'), 'parameters,role');
  t.is(of('PREPARE'), 'prepared');
  t.is(of('DEALLOCATE ALL'), 'prepared');
  t.is(of('LISTEN'), 'channels');
  t.is(of('DECLARE CURSOR'), 'held-cursors');
  t.is(of('CLOSE CURSOR ALL'), 'held-cursors');
  t.is(of('LOAD'), 'libraries');
  t.is(of('DISCARD ALL'), touched('DISCARD ALL').join(','));
  for (const tag of ['SELECT 1', 'INSERT 0 1', 'COMMIT', 'PREPARE TRANSACTION', 'SET CONSTRAINTS', 'DISCARD PLANS', ''])
    t.is(of(tag), '', tag);
});

const settings = fc.constantFrom('on' as const, 'off' as const);

test('property: a hidden COMMIT is never seen, one between statements always', (t) => {
  const texts = settings.chain((setting) => {
    const list = fc.array(harmless(setting), { minLength: 1, maxLength: 3 });
    const end = fc.oneof(oneOf(COMMITS), oneOf(CHAINS), oneOf(ROLLBACKS));
    return fc.tuple(fc.constant(setting), list, gap, end, gap, list);
  });
  fc.assert(
    fc.property(texts, ([setting, before, left, end, right, after]) => {
      const quiet = classifyQuery(before.join(';'), setting);
      t.deepEqual([quiet.commits, quiet.rollsBack, quiet.begins], ['none', 'none', false]);
      const loud = classifyQuery([...before, left + end + right, ...after].join(';'), setting);
      t.true(loud.commits === 'among-others' || loud.rollsBack === 'among-others', end);
      t.is(loud.statementCount, before.length + 1 + after.length);
    }),
    { numRuns: 1000 },
  );
});

test('property: in any case, with any blanks and comments', (t) => {
  const command = fc.constantFrom(
    ...([
      ['commit transaction and no chain', 'commits'],
      ['abort work', 'rollsBack'],
    ] as const),
  );
  const texts = command.chain(([words, kind]) => fc.tuple(gap, spoken(words.split(' ')), gap, fc.constant(kind)));
  fc.assert(
    fc.property(texts, ([left, text, right, kind]) => {
      t.is(classifyQuery(left + text + right, 'on')[kind], 'alone', text);
    }),
    { numRuns: 500 },
  );
});

test('property: any text has a class', (t) => {
  fc.assert(
    fc.property(fc.oneof(soup, fc.string({ unit: 'binary' })), settings, (text, setting) => {
      t.true(classifyQuery(text, setting).statementCount >= 0);
      t.true(classifyTag(text).size >= 0);
    }),
    { numRuns: 2000 },
  );
});

test('a text of 10 MB takes linear time', (t) => {
  const shapes = ["('a;', 1),", '$a', '/*', '--\n', "''\n", '1', ' (', "'a'--", 'create function f() begin atomic '];
  for (const shape of shapes) {
    const text = `${shape.repeat(Math.ceil(10_000_000 / shape.length))};COMMIT`;
    t.not(classifyQuery(text, 'on').statementCount, 0, shape); // quadratic, it would run into the time limit of the test
  }
});
