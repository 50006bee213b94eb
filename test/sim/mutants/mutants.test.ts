// The list of bugs keeps up with the code: `npm run sim:mutants` sets them free, here they are only looked for.

import test from 'ava';
import { MUTANTS } from './list.js';
import { mutatedText } from './mutation.js';

test('the line of every mutant stands in its file exactly once', (t) => {
  const lost = MUTANTS.filter((mutant) => mutatedText(mutant) === undefined).map(({ name }) => name);
  t.deepEqual(lost, []);
});

test('mutants have names of their own, and change something', (t) => {
  t.is(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
  t.deepEqual(
    MUTANTS.filter(({ find, replace }) => find === replace),
    [],
  );
});
