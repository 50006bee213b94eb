// `migratory explain`: every format, to standard output or a file, and every diagnostic by its code.

import { existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { COUNTER_MODULE, makeFolder, run } from './command.js';

const formats: [format: string, shape: RegExp][] = [
  ['text', /line/],
  ['mermaid', /^stateDiagram-v2[^]*line/m],
  ['dot', /^digraph [^]*line[^]*\}\n$/],
  ['svg', /^<\?xml [^]*<svg [^]*line[^]*<\/svg>\n$/],
];

for (const [format, shape] of formats) {
  test(`a service as ${format}, on standard output and in a file`, async (t) => {
    const folder = await makeFolder(t, { 'counter.mjs': COUNTER_MODULE });
    const { status, output, errors } = await run(t, folder, 'explain', 'counter.mjs', '--format', format);
    t.is(errors, '');
    t.is(status, 0);
    t.regex(output, shape);
    await writeFile(join(folder, 'picture'), 'what was there before');
    const quiet = await run(t, folder, 'explain', 'counter.mjs', '--format', format, '--output', 'picture');
    t.deepEqual(quiet, { status: 0, output: '', errors: '' });
    t.is(await readFile(join(folder, 'picture'), 'utf8'), output);
  });
}

test('what can not be written is said, and leaves the folder as it was', async (t) => {
  const folder = await makeFolder(t, { 'counter.mjs': COUNTER_MODULE });
  const places: [path: string, line: RegExp][] = [
    ['no/where', /^migratory: no\/where: can't be written: no such file or folder\n$/],
    ['.', /^migratory: \.: can't be written: it is a folder\n$/],
  ];
  if (existsSync('/dev/full')) places.push(['/dev/full', /^migratory: \/dev\/full: [^\n]*no space is left[^\n]*\n$/]);
  for (const [path, line] of places) {
    const { status, output, errors } = await run(t, folder, 'explain', 'counter.mjs', '--output', path);
    t.is(status, 1);
    t.is(output, '');
    t.regex(errors, line);
  }
  await t.throwsAsync(stat(join(folder, 'no')));
});

test('a diagnostic by its code, whatever the case', async (t) => {
  const folder = await makeFolder(t);
  const { status, output } = await run(t, folder, 'explain', 'mig005');
  t.is(status, 0);
  t.regex(
    output,
    /^MIG005 {2}no-entry\n[^]*new connections begin[^]*@Stage\(\{ entry: true \}\)[^]*\nSee docs\/diagnostics\/MIG005\.md\n$/,
  );
  const unknown = await run(t, folder, 'explain', 'MIG000');
  t.is(unknown.status, 2);
  t.regex(unknown.errors, /^migratory: there is no diagnostic MIG000: they go from MIG001 to MIG\d{3}\n$/);
});
