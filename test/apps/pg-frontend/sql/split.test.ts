// Where statements end: each construct that can hide a semicolon, and any mixture of them.

import test from 'ava';
import fc from 'fast-check';
import type { StandardConformingStrings } from '@migratory/pg-frontend/internal/sql/lexer.js';
import { splitStatements } from '@migratory/pg-frontend/internal/sql/split.js';
import { gap, harmless, soup } from './arbitrary-sql.js';

function textsOf(text: string, setting: StandardConformingStrings = 'on'): readonly string[] | 'unclear' {
  const split = splitStatements(text, setting);
  return split.kind === 'unclear' ? 'unclear' : split.statements.map((statement) => statement.text);
}

const ONE_STATEMENT = {
  'a string': "SELECT ';'",
  'a doubled quote': "SELECT 'it''s; so'",
  'a backslash that is none': String.raw`SELECT '\' AS a, ';'`,
  'an escaped quote': String.raw`SELECT E'\';', e'\\'`,
  'an escape string that goes on': `SELECT E'a' -- and\n  '\\';' AS b`,
  'bits beside a string': String.raw`SELECT B'1'';'`,
  'a Unicode string': String.raw`SELECT U&'\0041;'`,
  'an identifier': 'SELECT 1 AS "a;""b;"',
  'a Unicode identifier': 'SELECT 1 AS U&"a;"',
  'a dollar quote': "SELECT $$;'$$",
  'a dollar quote in another': 'SELECT $a$ $b$;$b$ $a$',
  'a tag that begins in another': 'SELECT $a$;$b$a$',
  'a dollar quote behind a parameter': 'SELECT $1$$;$$',
  'a dollar quote behind a number': 'SELECT 1$$;$$',
  'a comment': 'SELECT 1 --;\n + 1',
  'comments in comments': 'SELECT /* ; /* ; */ ; */ 1',
  'a comment behind an operator': 'SELECT 1 +/*;*/ 1 *--;\n 1',
  'a comment that opens and does not close': 'SELECT /*/ ; */ 1',
  'the actions of a rule': 'CREATE OR REPLACE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; (SELECT 2); )',
  'a body of SQL': 'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END',
  'columns called end in a body': 'create procedure f() begin atomic select 1 end; select t.end from t; end cost 1',
  'a body in a body':
    'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC CREATE FUNCTION g() BEGIN ATOMIC ; END; SELECT 1; END',
  'an empty body': 'CREATE PROCEDURE f() BEGIN ATOMIC END',
  'a rule in a body': 'CREATE PROCEDURE f() BEGIN ATOMIC CREATE RULE r AS ON DELETE TO t DO (SELECT 1; ); END',
} as const;

for (const [name, text] of Object.entries(ONE_STATEMENT)) {
  test(`one statement: ${name}`, (t) => {
    t.deepEqual(textsOf(text), [text]);
    t.deepEqual(textsOf(`;${text} ; COMMIT`), [text, 'COMMIT']);
  });
}

test('a dollar sign inside an identifier begins no quote', (t) => {
  t.deepEqual(textsOf('SELECT 1 a$$; COMMIT; SELECT 2 b$$'), ['SELECT 1 a$$', 'COMMIT', 'SELECT 2 b$$']);
});

test('a backslash is an escape where the session says so, and never in bits', (t) => {
  const text = String.raw`SELECT '\'; COMMIT; --'`;
  t.deepEqual(textsOf(text, 'on'), [String.raw`SELECT '\'`, 'COMMIT']);
  t.deepEqual(textsOf(text, 'off'), [text]);
  t.deepEqual(textsOf(String.raw`SELECT X'\'; COMMIT`, 'off'), [String.raw`SELECT X'\'`, 'COMMIT']);
});

test('only a line break lets a string go on', (t) => {
  t.deepEqual(textsOf(String.raw`SELECT E'' '\'; COMMIT`), [String.raw`SELECT E'' '\'`, 'COMMIT']);
  t.is(textsOf(`SELECT E''\n'\\'; COMMIT`), 'unclear');
});

test('a prefix is a letter of its own', (t) => {
  t.deepEqual(textsOf(String.raw`SELECT date'\'; COMMIT`), [String.raw`SELECT date'\'`, 'COMMIT']);
});

test('BEGIN ATOMIC is a body only where a routine is made', (t) => {
  const view = 'CREATE VIEW v AS SELECT begin atomic FROM t';
  t.deepEqual(textsOf(`${view}; END`), [view, 'END']);
  const routine = "CREATE FUNCTION f(begin atomic) RETURNS int LANGUAGE sql AS ''";
  t.deepEqual(textsOf(`${routine}; END`), [routine, 'END']);
});

test('nothing but blanks is no statement', (t) => {
  for (const text of ['', ' \n', ';', ' ; ;; ', '-- ;', '/* ; */ ; --']) t.deepEqual(textsOf(text), [], text);
});

test('what has no end is unclear', (t) => {
  const texts = [
    ...["'", '"', "E'\\'", '$$', '$a$ $b$', '/*', '/* /* */', 'SELECT (1', 'SELECT 1)', 'SELECT (1; 2)', "B'1", 'U&"'],
    ...['CREATE PROCEDURE f() BEGIN ATOMIC SELECT 1;', 'SELECT $a', 'SELECT 1e', 'SELECT $1a', '0x'],
  ];
  for (const text of texts) t.is(textsOf(text), 'unclear', text);
  t.is(textsOf("U&'a'", 'off'), 'unclear');
});

test('the words that a statement begins with', (t) => {
  const split = splitStatements('/* a */ Set -- b\n Session "c" d; (SELECT 1)', 'on');
  const words = split.kind === 'unclear' ? [] : split.statements.map((statement) => statement.leadingWords);
  t.deepEqual(words, [['set', 'session'], []]);
});

const settings = fc.constantFrom<StandardConformingStrings>('on', 'off');

test('property: pieces joined by semicolons come apart again', (t) => {
  const pieces = settings.chain((setting) =>
    fc.tuple(fc.constant(setting), fc.array(fc.tuple(gap, harmless(setting), gap), { maxLength: 6 })),
  );
  fc.assert(
    fc.property(pieces, ([setting, list]) => {
      const text = list.map((piece) => piece.join('')).join(';');
      t.deepEqual(
        textsOf(text, setting),
        list.map(([, statement]) => statement),
      );
    }),
    { numRuns: 1000 },
  );
});

test('property: any text is split or unclear', (t) => {
  let splitCount = 0;
  fc.assert(
    fc.property(fc.oneof(soup, fc.string({ unit: 'binary' })), settings, (text, setting) => {
      const split = splitStatements(text, setting);
      if (split.kind === 'unclear') return;
      splitCount++;
      t.true(split.statements.every((statement) => text.includes(statement.text) && statement.text !== ''));
    }),
    { numRuns: 3000 },
  );
  t.true(splitCount > 100, `${splitCount} of 3000`);
});
