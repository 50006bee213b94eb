// Names that the client made up, wherever a text sets them.

import test from 'ava';
import fc from 'fast-check';
import { customParametersOf } from '@migratory/pg-frontend/internal/sql/custom-parameters.js';
import { soup } from './arbitrary-sql.js';

const namesIn = (text: string): readonly string[] => [...customParametersOf(text, 'on').names].sort();

test('SET', (t) => {
  t.deepEqual(namesIn('SET app.user_id = 1'), ['app.user_id']);
  t.deepEqual(namesIn("set session App.User TO 'a'; SELECT 1; SET LOCAL a.b.c = 2"), ['a.b.c', 'app.user']);
  t.deepEqual(namesIn('SET /* a */ SESSION -- b\n "App" . "user" = 1'), ['app.user']);
  t.deepEqual(namesIn('SET local.a = 1'), ['local.a']);
  t.deepEqual(namesIn('SET work_mem TO 1; SET search_path = a.b'), []);
});

test('set_config', (t) => {
  t.deepEqual(namesIn("SELECT pg_catalog.set_config('app.a', $1, false), set_config ( 'work_mem', '1', false)"), [
    'app.a',
  ]);
  t.is(customParametersOf("SELECT set_config('app.a', $1, false)", 'on').others, 'none');
  t.is(customParametersOf('SELECT set_config($1, $2, false)', 'on').others, 'possible');
  t.is(customParametersOf("SELECT set_config('app.' || a, $2, false)", 'on').others, 'possible');
});

test('in the body of a DO block', (t) => {
  t.deepEqual(namesIn("DO $$ BEGIN SET app.a = 1; EXECUTE 'SET app.b = 2'; END $$"), ['app.a', 'app.b']);
  t.deepEqual(namesIn("DO 'BEGIN PERFORM set_config(''app.a'', ''1'', false); END'"), ['app.a']);
});

test('most texts set none', (t) => {
  t.deepEqual(customParametersOf('SELECT 1', 'on'), { names: new Set(), others: 'none' });
  t.deepEqual(namesIn('UPDATE a SET b = c.d'), []);
});

test('property: any text has an answer', (t) => {
  fc.assert(
    fc.property(fc.oneof(soup, fc.string()), (text) => {
      t.truthy(customParametersOf(`SET ${text}`, 'on'));
      t.truthy(customParametersOf(`set_config${text}`, 'off'));
    }),
  );
});
