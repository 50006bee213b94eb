// What docs/testing.md shows is what there is: its example runs under node:test, and its story is one that is told.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { Container, defineService, done, next } from '@migratory/framework';
import { DivergedAfterMove, migrateEverywhere, type RecordEffect } from '@migratory/framework/testing';

const pathOf = (path: string): string => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
const page = readFileSync(pathOf('docs/testing.md'), 'utf8');
const blocks = Array.from(page.matchAll(/^```(\w+)\n(.*?)^```$/gms), ([, language, text]) => ({ language, text }));

test('the example runs under node:test', async (t) => {
  const env = { ...process.env };
  delete env.NODE_TEST_CONTEXT; // it is not a test of this one
  const example = pathOf('test/dist/framework/testing/greeting.js');
  const { stdout } = await promisify(execFile)(process.execPath, ['--test', '--test-reporter=tap', example], { env });
  t.regex(stdout, /^# pass 3$/m);
  t.regex(stdout, /^# fail 0$/m);
});

test('the example on the page is the one that runs', (t) => {
  const [, source] = readFileSync(pathOf('test/framework/testing/greeting.ts'), 'utf8').split('// example\n');
  t.is(blocks.find(({ language }) => language === 'ts')?.text, source);
});

test('the story on the page is told by a service without io.once', async (t) => {
  const rows: string[] = [];
  let record: RecordEffect = () => undefined;
  const greeting = defineService({
    name: 'greeting',
    version: 1,
    entry: 'line',
    fields: () => ({ count: 0 }),
    stages: {
      line: async (session, io) => {
        const line = await io.readUntil('\n', { maxLength: 64 });
        if (line === undefined) return done();
        const name = Buffer.from(line).toString();
        record(`row for ${name}`);
        const row = await Promise.resolve(rows.push(name));
        session.count++;
        await io.write(`hello ${name}, you are row ${row} and greeting ${session.count}\n`);
        return next('line');
      },
    },
  });
  const container = (recordInWorld: RecordEffect): Container => {
    record = recordInWorld;
    rows.length = 0;
    return new Container();
  };
  const error = await t.throwsAsync(migrateEverywhere(greeting, { input: 'ann\nbob\n', container }), {
    instanceOf: DivergedAfterMove,
  });
  t.is(blocks.find(({ language }) => language === 'text')?.text, `${error.message}\n`);
});
