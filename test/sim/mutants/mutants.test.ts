// The list of bugs keeps up with the code: `npm run sim:mutants` sets them free, here they are only looked for.

import test from 'ava';
import { FRAMEWORK_MUTANTS } from './framework.js';
import { MUTANTS } from './list.js';
import { mutatedText } from './mutation.js';

test('the line of every mutant stands in its file exactly once', (t) => {
  const lost = [
    ...MUTANTS.filter((mutant) => mutatedText('stack', mutant) === undefined),
    ...FRAMEWORK_MUTANTS.filter((mutant) => mutatedText('framework', mutant) === undefined),
  ];
  t.deepEqual(
    lost.map(({ name }) => name),
    [],
  );
});

test('mutants have names of their own, and change something', (t) => {
  const all = [...MUTANTS, ...FRAMEWORK_MUTANTS];
  t.is(new Set(all.map(({ name }) => name)).size, all.length);
  t.deepEqual(
    all.filter(({ find, replace }) => find === replace),
    [],
  );
});
