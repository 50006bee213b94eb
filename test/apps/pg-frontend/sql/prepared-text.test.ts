// Which statement of a text has prepared the one of a given name.

import test from 'ava';
import { preparingStatement } from '@migratory/pg-frontend/internal/sql/prepared-text.js';

test('what stands beside it is left out', (t) => {
  const text = "INSERT INTO a VALUES (1); PREPARE b AS SELECT ';'; Prepare /* c */ C (int) AS SELECT $1; COMMIT";
  t.is(preparingStatement(text, 'b', 'on'), "PREPARE b AS SELECT ';'");
  t.is(preparingStatement(text, 'c', 'on'), 'Prepare /* c */ C (int) AS SELECT $1');
  t.is(preparingStatement(text, 'd', 'on'), undefined);
});

test('quoted names are taken as they are', (t) => {
  const text = 'PREPARE "A""b" AS SELECT 1; PREPARE "a""b" AS SELECT 2';
  t.is(preparingStatement(text, 'A"b', 'on'), 'PREPARE "A""b" AS SELECT 1');
});

test('the last of one name counts: the one before was given up', (t) => {
  const text = 'PREPARE a AS SELECT 1; DEALLOCATE a; PREPARE a AS SELECT 2';
  t.is(preparingStatement(text, 'a', 'on'), 'PREPARE a AS SELECT 2');
});

test('nothing is run again of what can not be read', (t) => {
  t.is(preparingStatement("PREPARE a AS SELECT 1; SELECT '", 'a', 'on'), undefined);
  t.is(preparingStatement("PREPARE TRANSACTION 'a'", 'a', 'on'), undefined);
});
