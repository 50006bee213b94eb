// The page of semantics says nothing that no test shows, and no test shows what it does not say.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const folder = `${root}test/framework/semantics`;

/** The first group of every match, in order. */
function all(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? '');
}

const page = readFileSync(`${root}docs/semantics.md`, 'utf8');
const sentences = all(page, /^- \[([A-Z]\d+)\] /gm);
const titles = readdirSync(folder)
  .filter((name) => name.endsWith('.test.ts'))
  .flatMap((name) => all(readFileSync(`${folder}/${name}`, 'utf8'), /^\s*(?:test\(|\[)?\s*['"`]\[([A-Z]\d+)\] /gm));

test('each sentence of docs/semantics.md has one test of its name, and each such test a sentence', (t) => {
  t.true(sentences.length > 50);
  t.deepEqual(titles.toSorted(), sentences.toSorted());
  t.deepEqual([...new Set(titles)].length, titles.length);
});

test('the sentences of a topic are numbered from 1', (t) => {
  for (const topic of new Set(sentences.map((id) => id.slice(0, 1)))) {
    const numbers = sentences.filter((id) => id.startsWith(topic)).map((id) => Number(id.slice(1)));
    t.deepEqual(
      numbers,
      numbers.map((_, index) => index + 1),
      topic,
    );
  }
});
